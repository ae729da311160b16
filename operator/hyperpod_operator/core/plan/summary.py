"""A plan in one line."""

from collections.abc import Sequence

from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange
from hyperpod_operator.core.text import counted, listed

SHOWN = 6
"""Changes that the line names before it counts the rest."""
NOTHING = "no changes"


def summary(calls: Sequence[PlannedCall]) -> str:
    """The most destructive changes first."""
    changes = [(call, change) for call in calls for change in call.changes]
    changes.sort(key=lambda one: -one[1].effect.rank)
    said = list(dict.fromkeys(_said(call, change) for call, change in changes))
    said += [_named(call) for call in calls if not call.changes]
    return listed(said, most=SHOWN, separator=", ") or NOTHING


def _said(call: PlannedCall, change: PlannedChange) -> str:
    where = change.path.split(".", 1)[0]
    group = where[where.index("[") + 1 : -1] if where.endswith("]") else ""
    if change.path.startswith("tags["):
        return f"tag {group} removed" if change.wanted is None else f"tag {group} set"
    if change.path.endswith("].instanceCount"):
        sign = "+" if change.effect is Effect.ADDS else "-"
        return f"{sign}{_nodes(change.node_count)} in {group}"
    if call.operation == "UpdateClusterSoftware":
        return f"root volumes of {_nodes(change.node_count)} in {group} replaced"
    if change.said:
        return f"{change.said}" if not group else f"group {group}: {change.said}"
    return change.path


def _named(call: PlannedCall) -> str:
    return f"{call.operation} of {_nodes(len(call.nodes))}"


def _nodes(count: int) -> str:
    return counted(count, "node")
