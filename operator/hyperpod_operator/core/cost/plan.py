"""What a plan adds to the cost of a cluster, per hour: from the counts that its calls change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hyperpod_operator.core.cost.cluster import CENT, rate, types_of
from hyperpod_operator.core.cost.price import Prices
from hyperpod_operator.core.engine.call import PlannedCall, PlannedChange
from hyperpod_operator.core.text import listed

COUNT = "].instanceCount"
LISTS = ("instanceGroups", "restrictedInstanceGroups")
Groups = Mapping[str, Mapping[str, Any]]
"""Configuration of the groups that AWS has, by name, in the vocabulary of the spec."""
UNKNOWN_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCost:
    """`delta` per hour in `currency`, of what is known; `unknown` says of which groups nothing is."""

    delta: Decimal
    currency: str
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        amount = f"{self.delta.quantize(CENT):+} {self.currency}/h" if self.currency else ""
        groups = listed(self.unknown, most=UNKNOWN_MOST, separator=", ", rest=" ")
        open_ = f"not known for {groups}" if groups else ""
        return "; ".join(part for part in (amount, open_) if part)


def planned_types(calls: Sequence[PlannedCall], groups: Groups) -> frozenset[str]:
    """The types whose prices the cost of a plan needs."""
    found = (types_of(members) for _, members, _ in _moved(calls, groups))
    return frozenset(types[0] for types in found if len(types) == 1)


def plan_cost(calls: Sequence[PlannedCall], groups: Groups, prices: Prices) -> PlanCost | None:
    """None for a plan that changes no count."""
    moved = [one for one in _moved(calls, groups) if one[2]]
    if not moved:
        return None
    delta, currencies, unknown = Decimal(0), set(), []
    for name, members, count in moved:
        found = rate(members, prices)
        if found.price is None:
            unknown.append(f"{name} ({found.unknown})")
        else:
            delta += found.price.hourly * count
            currencies.add(found.price.currency)
    if len(currencies) > 1:
        return PlanCost(
            delta=Decimal(0), currency="", unknown=(f"the plan: prices in {', '.join(sorted(currencies))}",)
        )
    return PlanCost(delta=delta, currency=next(iter(currencies), ""), unknown=tuple(unknown))


def _moved(calls: Sequence[PlannedCall], groups: Groups) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Each group whose count changes: its name, its configuration, and how many instances come (or go, below 0)."""
    for call in calls:
        for change in call.changes:
            yield from _of_change(call, change, groups)


def _of_change(
    call: PlannedCall, change: PlannedChange, groups: Groups
) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    if call.operation == "CreateCluster":
        for member in LISTS:
            for group in (change.wanted or {}).get(member) or []:
                yield str(group.get("instanceGroupName")), group, int(group.get("instanceCount") or 0)
        return
    if call.operation == "DeleteCluster":
        for name, members in groups.items():
            yield name, members, -int(members.get("instanceCount") or 0)
        return
    name = change.path.partition("[")[2].partition("]")[0]
    if change.path.endswith(COUNT):
        yield name, groups.get(name, {}), int(change.wanted) - int(change.observed)
    elif change.path.endswith(f"[{name}]") and change.path.startswith(LISTS) and call.operation == "UpdateCluster":
        if change.wanted is not None:
            yield name, change.wanted, int(change.wanted.get("instanceCount") or 0)
        elif change.observed is not None:
            members = groups.get(name, {})
            yield name, members, -int(members.get("instanceCount") or 0)
