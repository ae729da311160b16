"""Calls that name nodes: how many a call takes, what the codes of single nodes mean, and how an answer is read.

AWS answers each node by itself: HTTP 200 covers an answer in which some nodes failed (SageMaker API reference). So an
answer is never "it worked": every node that was asked for is successful, failed with a code, or not in the answer at
all, and then nobody knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class NodeCall(StrEnum):
    """The API operations that name nodes."""

    REBOOT = "BatchRebootClusterNodes"
    REPLACE = "BatchReplaceClusterNodes"
    DELETE = "BatchDeleteClusterNodes"
    MOVE = "MoveClusterNodes"
    HEALTH_CHECK = "StartClusterHealthCheck"


# [assumption: fifty-deletions-in-a-call]
BATCH: Mapping[NodeCall, int] = {
    NodeCall.REBOOT: 25,
    NodeCall.REPLACE: 25,
    NodeCall.DELETE: 50,
    NodeCall.MOVE: 50,
    NodeCall.HEALTH_CHECK: 500,
}
"""Most nodes in one call. The API model has 25 for reboot and replace, 50 for a move, 500 instance ids for a health
check; for deletions its 3000 contradict the 99 of its text and the 50 of NodeLogicalIds, so the smallest holds."""


class Treatment(StrEnum):
    """What a code of a single node means for that node."""

    RETRY = "Retry"
    """AWS did nothing about the node; the same call may pass later."""
    FINAL = "Final"
    """AWS did nothing about the node, and the same call cannot pass."""
    ABSENT = "Absent"
    """AWS knows no such node."""


# [assumption: node-codes]
CODES: Mapping[str, Treatment] = {
    "InstanceIdNotFound": Treatment.ABSENT,
    "NodeIdNotFound": Treatment.ABSENT,
    "InvalidInstanceStatus": Treatment.RETRY,
    "InvalidNodeStatus": Treatment.RETRY,
    "InstanceIdInUse": Treatment.RETRY,
    "NodeIdInUse": Treatment.RETRY,
    "InternalServerError": Treatment.RETRY,
    "NodeInstanceTypeMismatch": Treatment.FINAL,
}
"""ErrorCode and Code of the batch calls (enumerations of the API model). InternalServerError leaves open whether AWS
acted, so a node that answers it is watched like one without an answer before it is sent again."""

UNCERTAIN = frozenset({"InternalServerError"})
"""Codes after which AWS may have acted on the node."""


def treatment(code: str) -> Treatment:
    """A code that AWS adds later is retried: the deadline of the operation ends that."""
    return CODES.get(code, Treatment.RETRY)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailure:
    """One node that AWS refused."""

    instance_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer:
    """What AWS said about each node of a call. `unanswered` are nodes that the answer does not name, or names twice in
    contradiction: whether AWS acted on them is open."""

    successful: frozenset[str] = frozenset()
    failed: tuple[NodeFailure, ...] = ()
    unanswered: frozenset[str] = frozenset()
    request_id: str = field(default="", compare=False)

    def failure(self, instance_id: str) -> NodeFailure | None:
        return next((one for one in self.failed if one.instance_id == instance_id), None)


def answered(*, asked: Iterable[str], successful: Iterable[str], failed: Iterable[NodeFailure]) -> BatchAnswer:
    """The answer about exactly the nodes that were asked for: what AWS says of others is nothing that we did."""
    wanted, good = set(asked), set(successful)
    bad = {one.instance_id: one for one in failed if one.instance_id in wanted}
    both = good & bad.keys()
    return BatchAnswer(
        successful=frozenset((good & wanted) - both),
        failed=tuple(one for name, one in bad.items() if name not in both),
        unanswered=frozenset(wanted - (good ^ bad.keys())),
    )
