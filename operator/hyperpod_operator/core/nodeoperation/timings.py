"""Durations of node operations, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTimings:
    """Tests and installations that are quicker than AWS shorten them."""

    poll: float = 20.0
    """Between looks while AWS works on nodes."""
    step: float = 0.2
    """Between two steps of the operator's own."""
    drain: float = 5.0
    """Between looks at pods that leave; a change of a pod comes sooner."""
    idle: float = 60.0
    """Between looks at an operation that waits for nodes, or for its cluster."""
    # [assumption: reads-lag]
    missing: float = 60.0
    """How long AWS must leave a node out of its list before the node counts as gone."""
    unanswered: float = 3600.0
    """How long the effect of a call without an answer is waited for. It is never sent again."""
    retry: float = 30.0
    """First pause before a node that AWS refused for now is sent again; doubles up to `retry_most`."""
    retry_most: float = 600.0


DEADLINE = 14400.0
"""`activeDeadlineSeconds`, where the spec does not say."""
MARKS_IN_A_PASS = 50
"""Nodes that are marked in one pass, so that a pass stays short."""
GANGS_IN_A_PASS = 50
"""Gangs whose eviction is asked for in one pass."""
