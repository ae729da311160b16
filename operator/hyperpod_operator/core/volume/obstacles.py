"""What keeps a node from getting the volume now: its group, its zone, its state, its slots.

Asked about one node at a time; which node is meant says `target`.
"""

from collections.abc import Mapping

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.guards import since
from hyperpod_operator.core.volume.observed import Candidate
from hyperpod_operator.core.volume.refusals import NO_ROOM, OTHER_ZONE


# [assumption: attach-needs-running-node]
def obstacle(snapshot: ClaimSnapshot, node: Candidate) -> Wait | None:
    """Why nothing may be attached to the node right now; None where AWS may be asked."""
    watch, name = snapshot.timings.watch, node.node_name or node.instance_id
    if snapshot.observed.restricted(node.instance_group):
        return restricted(node)
    if not in_zone(snapshot, node):
        return other_zone(snapshot, name)
    if node.status != "Running":
        message = f"{name} is {node.status}; a volume is attached to a Running node only. Nothing to do if that passes."
        return Wait(reason=Reason.NODE_NOT_RUNNING, message=message, after=watch)
    if node.drained_for:
        return drained(snapshot, node)
    if not node.schedulable:
        message = f"HyperPod marked {name} as unschedulable. Repair or replace it, or choose another target."
        return Wait(reason=Reason.NODE_UNSCHEDULABLE, message=message, after=watch, stalled=True)
    code = _refusals(snapshot).get(node.instance_id, "")
    if code not in {"", NO_ROOM}:
        message = f"AWS refused to attach the volume to {name} ({code}); the operator tries it again in a few minutes."
        return Wait(reason=Reason.NODE_NOT_RUNNING, message=message, after=watch)
    if snapshot.observed.full(node) or code:
        taken = snapshot.observed.attached_count(node)
        count = "" if taken is None or node.limit is None else f" ({taken}/{node.limit})"
        message = f"{name} has no free attachment slot{count}. Detach another volume there, or choose another target."
        return Wait(reason=Reason.ATTACHMENT_LIMIT, message=message, after=SLOW, stalled=True)
    return None


def usable(snapshot: ClaimSnapshot, node: Candidate) -> bool:
    """Whether the operator would pick this node by itself."""
    return node.ready is True and obstacle(snapshot, node) is None


def in_zone(snapshot: ClaimSnapshot, node: Candidate) -> bool:
    """Names are compared with names and ids with ids; what is unknown is left to EC2, whose word then counts."""
    volume = snapshot.volume
    if _refusals(snapshot).get(node.instance_id) == OTHER_ZONE:
        return False
    if volume is None:
        return _in_wished_zone(snapshot, node)
    if volume.availability_zone_id and node.availability_zone_id:
        return volume.availability_zone_id == node.availability_zone_id
    if volume.availability_zone and node.availability_zone:
        return volume.availability_zone == node.availability_zone
    return True


def _in_wished_zone(snapshot: ClaimSnapshot, node: Candidate) -> bool:
    source = snapshot.claim.spec.source.create
    if source is None:
        return True
    pairs = (
        (source.availabilityZone, node.availability_zone),
        (source.availabilityZoneId, node.availability_zone_id),
    )
    return all(not wanted or not own or wanted == own for wanted, own in pairs)


def refused(snapshot: ClaimSnapshot, node: Candidate) -> bool:
    """Whether AWS refused this node lately: for want of a slot, or as it is (`refusals.OF_THE_NODE`)."""
    return node.instance_id in _refusals(snapshot)


def tried(snapshot: ClaimSnapshot) -> int:
    """How many nodes AWS refused lately."""
    return len(_refusals(snapshot))


def codes(snapshot: ClaimSnapshot) -> tuple[str, ...]:
    """Why AWS refused nodes lately, other than for want of a slot."""
    return tuple(sorted(set(_refusals(snapshot).values()) - {NO_ROOM}))


def _refusals(snapshot: ClaimSnapshot) -> Mapping[str, str]:
    """EC2's codes by the instances that AWS refused lately."""
    recorded, most = snapshot.claim.status.attachment, snapshot.timings.refused
    found = recorded.remembered.refused or [] if recorded else []
    return {one.instanceId: one.code or NO_ROOM for one in found if since(one.time, now=snapshot.now) < most}


def restricted(node: Candidate) -> Wait:
    """What is said of a node of a restricted instance group."""
    message = (
        f"Group {node.instance_group} is a restricted instance group; AWS attaches no volumes there. Choose a node of "
        "another group."
    )
    return Wait(reason=Reason.RESTRICTED_INSTANCE_GROUP, message=message, after=SLOW, stalled=True)


def drained(snapshot: ClaimSnapshot, node: Candidate) -> Wait:
    """What is said of a node that is being drained."""
    message = (
        f"{node.node_name or node.instance_id} is drained for {node.drained_for}; the operator attaches the volume "
        "when that is over. Nothing to do."
    )
    return Wait(reason=Reason.NODE_DRAINING, message=message, after=snapshot.timings.watch)


def other_zone(snapshot: ClaimSnapshot, what: str) -> Wait:
    """What is said where `what`, a node or the target, is not in the volume's zone."""
    volume = snapshot.volume
    here = (volume.availability_zone or volume.availability_zone_id) if volume else "the zone that the spec names"
    there = sorted({node.availability_zone or node.availability_zone_id for node in snapshot.observed.nodes} - {""})
    message = (
        f"The volume is in {here} and {what} is not (nodes are in {', '.join(there) or 'unknown zones'}). Choose a "
        "target in that zone, or create a volume from a snapshot in the other one."
    )
    return Wait(reason=Reason.AZ_MISMATCH, message=message, after=SLOW, stalled=True)
