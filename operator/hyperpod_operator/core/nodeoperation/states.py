"""The states of one node of an operation, and which of them may follow which."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """How far the operation is on a node."""

    PENDING = "Pending"
    """Not started: nothing of the operation is on the Node or in AWS."""
    DRAINING = "Draining"
    """The Node is tainted and its pods leave; or they have left, and AWS is asked next."""
    SENT = "Sent"
    """The intent to ask AWS is stored. AWS may have acted, until it answers, or for good if the answer is lost."""
    WAITING = "Waiting"
    """AWS accepted the node; its effect is not seen yet."""
    SUCCEEDED = "Succeeded"
    """The effect was seen."""
    FAILED = "Failed"
    SKIPPED = "Skipped"
    """The node was left alone."""


FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.SKIPPED})
IN_FLIGHT = frozenset({State.DRAINING, State.SENT, State.WAITING})
"""States in which the operation holds the node."""
ASKED = frozenset({State.SENT, State.WAITING})
"""States in which AWS may act on the node."""

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PENDING: frozenset({State.DRAINING, State.FAILED, State.SKIPPED}),
    State.DRAINING: frozenset({State.PENDING, State.SENT, State.FAILED, State.SKIPPED}),
    # Back to DRAINING only with AWS's own word that it did nothing about this node: a lost answer is never asked again.
    State.SENT: frozenset({State.DRAINING, State.WAITING, State.SUCCEEDED, State.FAILED}),
    State.WAITING: frozenset({State.SUCCEEDED, State.FAILED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.SKIPPED: frozenset(),
}
"""What may follow each state. A final state is left by nothing."""


class Phase(StrEnum):
    """What the operator's marks on a Node say."""

    DRAIN = "Drain"
    DETACH = "Detach"
    """The pods have left, and EBSVolumeClaims are asked to detach their volumes."""
    MAINTENANCE = "Maintenance"
