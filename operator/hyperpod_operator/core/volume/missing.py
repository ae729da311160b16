"""What AWS showed before and does not show now: one odd answer is not the truth.

A read may lag behind another one, and an answer may lack what it should have. So nothing follows from an absence until
a second look some seconds later finds the same, and status stays as it is. What the operator itself took away is not
missed.

An instance that runs is there, whatever a list lacks: its volume is not detached under it.
"""

from collections.abc import Iterator, Sequence

from hyperpod_operator.api import names
from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.volume.status import AttachmentStatus
from hyperpod_operator.core.engine.decision import LookAgain, Wait
from hyperpod_operator.core.engine.journal import PENDING
from hyperpod_operator.core.observed import ObservedCluster
from hyperpod_operator.core.volume.decision import ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import since
from hyperpod_operator.core.volume.holding import Free, holding
from hyperpod_operator.core.volume.modification import UNDER_WAY
from hyperpod_operator.core.volume.observed import Candidate

ON_A_NODE = frozenset({"attached", "busy"})
BOUND = ON_A_NODE | {"attaching", "detaching"}
"""States of an attachment whose instance the cluster has."""


# [assumption: absence-once-is-no-proof]
def look_again(snapshot: ClaimSnapshot) -> Decision | None:
    """Wait until the absence was seen twice; then the policies that follow take it as it is."""
    what, recorded = not_shown(snapshot), snapshot.claim.status.remembered.missing
    if not what:
        return None
    confirm = snapshot.timings.deletion_confirmation
    seen = since(recorded.since, now=snapshot.now) if recorded is not None and recorded.what == what else 0.0
    if seen >= confirm:
        return _runs_unlisted(snapshot)
    message = f"AWS does not show {what}. The operator reads again before it acts on that."
    if what == _former(snapshot):  # which no pass has seen: there is nothing to stay as it is
        return Wait(reason=Reason.CREATING_VOLUME, message=message, after=confirm - seen)
    return LookAgain(reason=Reason.AWAITING_VISIBILITY, message=message, after=confirm - seen)


def _runs_unlisted(snapshot: ClaimSnapshot) -> Decision | None:
    """The node of the volume is not listed, and another answer shows that it is there: Kubernetes has it as ready, or
    its group counts more nodes than are listed. AWS drops a failed or ending node from the list before the count
    falls. A claim that is being deleted leaves its node anyway."""
    recorded, cluster = snapshot.claim.status.attachment, snapshot.observed.cluster
    if recorded is None or recorded.state not in BOUND or snapshot.claim.deleting:
        return None
    if snapshot.observed.node(recorded.instanceId or "") is not None:
        return None
    unlisted = cluster is not None and _counts_more(cluster, snapshot.observed.nodes, recorded.instanceGroupName)
    if not snapshot.observed.holder_ready and not unlisted:
        return None
    evidence = "its Node is ready" if snapshot.observed.holder_ready else "DescribeCluster counts more nodes than that"
    message = (
        f"ListClusterNodes does not show instance {recorded.instanceId}, and {evidence}. The operator does not take "
        "the instance for lost, and reads again. Nothing to do."
    )
    return LookAgain(reason=Reason.AWAITING_VISIBILITY, message=message, after=snapshot.timings.watch)


# [assumption: ending-instances-still-count]
def _counts_more(cluster: ObservedCluster, nodes: Sequence[Candidate], name: str | None) -> bool:
    """Whether DescribeCluster counts more nodes than ListClusterNodes lists: of this group, because a node of another
    one says nothing about it; of the cluster where no group is recorded. A group that is gone counts none."""
    if name is None:
        return cluster.current_count > len(nodes)
    group = cluster.group(name)
    return group is not None and group.current_count > sum(node.instance_group == name for node in nodes)


def not_shown(snapshot: ClaimSnapshot) -> str:
    """What this pass misses, as text; empty when nothing is missing."""
    return ", ".join(_missed(snapshot))[:1024]


def _missed(snapshot: ClaimSnapshot) -> Iterator[str]:
    claim, volume, status = snapshot.claim, snapshot.volume, snapshot.claim.status
    there = volume is not None and volume.state not in {"deleting", "deleted"}
    if not snapshot.observed.looked:
        return
    if not there and status.observed is not None and not _asked(snapshot, "DeleteVolume"):
        yield f"volume {claim.volume_id}"
    shown = volume is not None and volume.state != "deleted"
    if volume is not None and shown and _had_tag(snapshot) and not _asked(snapshot, "DeleteTags"):
        yield from (
            () if volume.tags.get(names.TAG_CLAIM_UID) else (f"the tag {names.TAG_CLAIM_UID} on {claim.volume_id}",)
        )
    recorded = status.attachment
    if recorded is not None and recorded.state in BOUND:
        if snapshot.observed.node(recorded.instanceId or "") is None:
            yield f"instance {recorded.instanceId} in the cluster"
        elif there and isinstance(holding(snapshot), Free) and recorded.state in ON_A_NODE:
            yield from () if _asked(snapshot, "DetachClusterNodeVolume") else (_attachment(recorded),)
    unread = snapshot.observed.modification_denied is not None
    if there and _under_way(snapshot) and snapshot.observed.modification is None and not unread:
        yield f"the modification of {claim.volume_id}"
    if volume is None and snapshot.observed.former == () and not claim.deleting:
        yield _former(snapshot)


def _attachment(recorded: AttachmentStatus) -> str:
    return f"the attachment to {recorded.instanceId}"


def _under_way(snapshot: ClaimSnapshot) -> bool:
    recorded = snapshot.claim.status.modification
    return recorded is not None and recorded.modificationState in UNDER_WAY


def _former(snapshot: ClaimSnapshot) -> str:
    return f"a volume of an earlier claim {snapshot.claim.key}"


def _had_tag(snapshot: ClaimSnapshot) -> bool:
    recorded = snapshot.claim.status.ownership
    return recorded is not None and recorded.tag == snapshot.claim.uid


def _asked(snapshot: ClaimSnapshot, operation: str) -> bool:
    """Whether the operator's own last call took it away."""
    last = snapshot.claim.status.last
    return last is not None and last.operation == operation and last.state in PENDING
