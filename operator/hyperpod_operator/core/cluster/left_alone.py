"""What differs from the spec and stays as it is, because changing it could end nodes of others."""

from collections.abc import Sequence

from hyperpod_operator.core.cluster.changes import group_of
from hyperpod_operator.core.cluster.compare import Change
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.resource import Resource


def left_alone(snapshot: ClusterSnapshot) -> tuple[str, ...]:
    """One sentence part for the groups that the spec does not name, and one for each count that is not lowered."""
    changes = snapshot.changes
    named, several = ", ".join(changes.unknown_groups), len(changes.unknown_groups) > 1
    omitted = (f"group{'s' if several else ''} {named} {'are' if several else 'is'} not in the spec",) if named else ()
    counts = (
        f"instanceCount of group {group_of(change)} is {change.observed} and the spec has {change.wanted}"
        for change in changes.scaled_outside
    )
    return (*omitted, *counts)


def was_applied(resource: Resource, name: str) -> bool:
    """Whether AWS held a count of this resource's spec for the group before."""
    record = resource.recorded_groups.get(name)
    return record is not None and record.remembered.appliedInstanceCount is not None


def above_spec(counts: Sequence[Change]) -> list[str]:
    """Counts that were above the spec from the beginning, in words."""
    return [f"group {group_of(change)} has {change.observed} and the spec {change.wanted}" for change in counts]
