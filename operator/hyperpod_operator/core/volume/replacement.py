"""Policy about a node that is going to be replaced: a snapshot of its volume, where the claim asks for one.

What announces a replacement is the label node-health-status with UnschedulablePendingReplacement. HyperPod sets it
before it acts, and it is also the command by which a person has a node replaced. Nothing can make HyperPod wait, and
nothing has to: a snapshot holds what was on the volume when it was begun, whatever becomes of the node.

Source: SageMaker developer guide, resiliency-related Kubernetes labels; EC2 API reference, CreateSnapshot.
"""

from hyperpod_operator.api import names
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.health.state import State
from hyperpod_operator.core.volume import snapshots
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import act_once
from hyperpod_operator.core.volume.holding import Held, holding

# [assumption: replacement-is-announced]
BEFORE_REPLACEMENT = "BeforeReplacement"
"""Value of the tag snapshot-purpose."""


def snapshot(snapshot: ClaimSnapshot) -> Decision | None:
    """One for each node that goes in this way: the tags tell which has had its own. Never in the way of the rest."""
    decision = _wanted(snapshot)
    return decision if isinstance(decision, Act) else None


def unfinished(snapshot: ClaimSnapshot) -> Decision | None:
    """Why there is no snapshot yet, when nothing else is left to do: it was refused, it failed, or its answer was
    lost."""
    decision = _wanted(snapshot)
    return decision if isinstance(decision, Wait) else _failed(snapshot)


def _wanted(snapshot: ClaimSnapshot) -> Act | Wait | None:
    claim, volume, where = snapshot.claim, snapshot.volume, holding(snapshot)
    if volume is None or not isinstance(where, Held) or not where.ours or not claim.snapshots_before_replacement:
        return None
    if not announced(snapshot, where.instance_id) or _made(snapshot, where.instance_id):
        return None
    gone = where.instance_id
    step = snapshots.request(claim, volume, purpose=BEFORE_REPLACEMENT, before=f"{gone} is replaced", instance_id=gone)
    message = f"Creating a snapshot of {volume.volume_id}: {where.instance_id} is about to be replaced."
    return act_once(snapshot, step=step, reason=Reason.SNAPSHOTTING, message=message)


def _failed(snapshot: ClaimSnapshot) -> Wait | None:
    """The node's snapshot ended in error. It is told, and not made again by itself: it may fail for ever."""
    where = holding(snapshot)
    if not isinstance(where, Held) or not snapshot.claim.snapshots_before_replacement:
        return None
    instance_id, looked = where.instance_id, snapshot.observed.snapshots
    if looked is None:
        known = snapshot.claim.status.snapshots or []
        made = [(one.snapshotId, one.state) for one in known if one.instanceId == instance_id]
    else:
        made = [(one.snapshot_id, one.state) for one in looked if one.tags.get(names.TAG_INSTANCE) == instance_id]
    if not made or any(state != "error" for _, state in made) or not announced(snapshot, instance_id):
        return None
    message = (
        f"Snapshot {made[-1][0]} failed, and {instance_id} is about to be replaced: the operator attaches the volume "
        "to the next node without one. Delete that snapshot to retry."
    )
    return Wait(reason=Reason.SNAPSHOT_FAILED, message=message, after=snapshot.timings.watch, stalled=True)


def announced(snapshot: ClaimSnapshot, instance_id: str) -> bool:
    """Whether the node of this instance is marked for replacement."""
    node = snapshot.observed.node(instance_id)
    return node is not None and node.labels.get(names.NODE_HEALTH_STATUS) == State.PENDING_REPLACEMENT


def _made(snapshot: ClaimSnapshot, instance_id: str) -> bool:
    """Seen in AWS, or known from its answer. What was looked up in AWS counts more than a failure that is recorded."""
    looked, recorded = snapshot.observed.snapshots, snapshot.claim.status.snapshots or []
    seen = [item.tags.get(names.TAG_INSTANCE) for item in looked or ()]
    known = [item.instanceId for item in recorded if looked is None or item.state != "error"]
    return instance_id in {*seen, *known}
