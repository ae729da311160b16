"""A plan: the calls, their digest, and what waits for an approval."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from hyperpod_operator.core.engine.call import PlannedCall, fingerprint, worst
from hyperpod_operator.core.plan.digest import Target
from hyperpod_operator.core.plan.gate import ChangePolicy, Gate


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`steps` are the calls by the parts that may be approved by themselves."""

    policy: ChangePolicy
    target: Target
    steps: tuple[PlannedCall, ...]
    gate: Gate

    @cached_property
    def calls(self) -> tuple[PlannedCall, ...]:
        """Every call, the next one first."""
        return joined(self.steps, held=self.gate.held)

    @cached_property
    def waiting(self) -> tuple[PlannedCall, ...]:
        """Those that wait for an approval."""
        return joined(tuple(step for step in self.steps if step in self.gate.held), held=self.gate.held)

    @property
    def gated(self) -> tuple[PlannedCall, ...]:
        """The steps for which the policy asks for an approval."""
        return tuple(step for step in self.steps if self.policy.gates(step))


def joined(found: Sequence[PlannedCall], *, held: frozenset[PlannedCall]) -> tuple[PlannedCall, ...]:
    """Steps that one request carries as one call; those that wait follow those that do not."""
    together: dict[tuple[tuple[str, str], bool], list[PlannedCall]] = {}
    for step in found:
        together.setdefault((_kind(step), False), [])
        together.setdefault((_kind(step), True), [])
        together[_kind(step), step in held].append(step)
    return tuple(_join(tuple(steps)) for steps in together.values() if steps)


def _kind(step: PlannedCall) -> tuple[str, str]:
    """What travels together: changes of one UpdateCluster, groups of one UpdateClusterSoftware."""
    apart = step.operation == "UpdateClusterSoftware" or step.exempt
    return step.operation, step.fingerprint if apart else ""


def _join(together: tuple[PlannedCall, ...]) -> PlannedCall:
    first = together[0]
    if len(together) == 1:
        return replace(first, part="")
    return PlannedCall(
        operation=first.operation,
        effect=worst(tuple(step.effect for step in together)),
        fingerprint=fingerprint(operation=first.operation, desired=[step.fingerprint for step in together]),
        request=first.request,
        nodes=tuple(node for step in together for node in step.nodes),
        changes=tuple(change for step in together for change in step.changes),
        exempt=first.exempt,
    )
