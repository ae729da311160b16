"""`status.cost`: what the instances of a cluster cost, and what of it cannot be used.

Unknown is not zero: a group whose price is not known is named, and no total hides it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hyperpod_operator.api.cluster.cost import ClusterCost, GroupCost
from hyperpod_operator.api.cluster.status import InstanceGroupStatus
from hyperpod_operator.core.cost.price import Price, Prices
from hyperpod_operator.core.observed import ObservedCluster, ObservedGroup
from hyperpod_operator.core.preflight.model import Unread

HOURS_OF_MONTH = 730
"""As AWS's pricing calculator counts a month."""
CENT = Decimal("0.01")
GROUPS_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one instance of a group costs, or why that is not known (`unknown`)."""

    price: Price | None = None
    unknown: str = ""


def rate(members: Mapping[str, Any], prices: Prices) -> Rate:
    """The price of an instance of a group, whose configuration is in the vocabulary of the spec."""
    if members.get("trainingPlanArn"):
        return Rate(unknown="its training plan is paid for separately")
    if (members.get("capacityRequirements") or {}).get("spot") is not None:
        return Rate(unknown="the price of Spot instances changes")
    types = types_of(members)
    if len(types) != 1:
        return Rate(unknown="its instances may be of several types")
    found = prices.get(types[0])
    if isinstance(found, Unread):
        return Rate(unknown=str(found))
    if found is None:
        return Rate(unknown=f"the price list has no price of {types[0]} for HyperPod clusters")
    return Rate(price=found)


def types_of(members: Mapping[str, Any]) -> tuple[str, ...]:
    """The instance types that a group may get."""
    several = (members.get("instanceRequirements") or {}).get("instanceTypes")
    return tuple(several) if several else tuple(filter(None, (members.get("instanceType"),)))


def priced_types(cluster: ObservedCluster) -> frozenset[str]:
    """The types whose prices the cost of a cluster needs."""
    return frozenset(types[0] for group in cluster.groups if len(types := types_of(group.members)) == 1)


def configurations(cluster: ObservedCluster | None) -> Mapping[str, Mapping[str, Any]]:
    """The configuration of each group that AWS has, in the vocabulary of the spec."""
    return {group.name: group.members for group in cluster.groups} if cluster is not None else {}


def cost(cluster: ObservedCluster, groups: Sequence[InstanceGroupStatus], prices: Prices) -> ClusterCost | None:
    """`groups` are the entries of status, with the counts of their Nodes. None for a cluster without groups."""
    entries = {entry.instanceGroupName: entry for entry in groups}
    found = [
        _amounts(group, entries.get(group.name), prices) for group in sorted(cluster.groups, key=lambda one: one.name)
    ]
    if not found:
        return None
    known = [one.rate.price for one in found if one.rate.price is not None]
    currencies = sorted({one.currency for one in known})
    dates = sorted({one.as_of for one in known if one.as_of})
    # Amounts of two currencies have no sum.
    total = _sum(one.hourly for one in found) if len(currencies) == 1 else None
    idle = _sum(one.idle for one in found) if len(currencies) == 1 else None
    return ClusterCost(
        hourly=_shown(total),
        monthly=_shown(total * HOURS_OF_MONTH if total is not None else None),
        idleHourly=_shown(idle),
        currency=currencies[0] if len(currencies) == 1 else None,
        asOf=dates[0] if dates else None,
        unknownGroups=[one.name for one in found if one.rate.price is None][:GROUPS_MOST] or None,
        groups=[
            GroupCost(
                instanceGroupName=one.name,
                hourly=_shown(one.hourly),
                idleHourly=_shown(one.idle),
                unknown=one.rate.unknown[:256] or None,
            )
            for one in found[:GROUPS_MOST]
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Amounts:
    name: str
    rate: Rate
    hourly: Decimal | None = None
    idle: Decimal | None = None


def _amounts(group: ObservedGroup, entry: InstanceGroupStatus | None, prices: Prices) -> _Amounts:
    found = rate(group.members, prices)
    if found.price is None:
        return _Amounts(name=group.name, rate=found)
    usable = entry.schedulableNodes if entry is not None else None
    # Without Nodes to look at, it is not known which instances can be used.
    idle = max(0, group.current_count - usable) if usable is not None else None
    return _Amounts(
        name=group.name,
        rate=found,
        hourly=found.price.hourly * group.current_count,
        idle=found.price.hourly * idle if idle is not None else None,
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [one for one in amounts if one is not None]
    return sum(known, Decimal(0)) if known else None


def _shown(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount.quantize(CENT))
