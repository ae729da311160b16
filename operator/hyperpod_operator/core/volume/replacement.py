"""Policy about a node that is going to be replaced: a snapshot of its volume, where the claim asks for one.

What announces a replacement is the label node-health-status with UnschedulablePendingReplacement. HyperPod sets it
before it acts, and it is also the command by which a person has a node replaced. Nothing can make HyperPod wait, and
nothing has to: a snapshot holds what was on the volume when it was begun, whatever becomes of the node.

Source: SageMaker developer guide, resiliency-related Kubernetes labels; EC2 API reference, CreateSnapshot.
"""

from hyperpod_operator.api import names
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Hold
from hyperpod_operator.core.health.state import State
from hyperpod_operator.core.volume.guards import guarded
from hyperpod_operator.core.volume.holding import Held, holding
from hyperpod_operator.core.volume.plan import DESCRIPTION_MOST, CreateSnapshot
from hyperpod_operator.core.volume.verdict import Act, Situation, Verdict

# [assumption: replacement-is-announced]
BEFORE_REPLACEMENT = "BeforeReplacement"
"""Value of the tag snapshot-purpose."""


def snapshot(situation: Situation) -> Verdict | None:
    """One for each node that goes in this way: the tags tell which has had its own. Never in the way of the rest."""
    verdict = _wanted(situation)
    return verdict if isinstance(verdict, Act) else None


def unfinished(situation: Situation) -> Verdict | None:
    """Why there is no snapshot yet, when nothing else is left to do: it was refused, it failed, or its answer was
    lost."""
    verdict = _wanted(situation)
    return verdict if isinstance(verdict, Hold) else _failed(situation)


def _wanted(situation: Situation) -> Act | Hold | None:
    claim, volume, where = situation.claim, situation.volume, holding(situation)
    if volume is None or not isinstance(where, Held) or not where.ours or not claim.snapshots_before_replacement:
        return None
    if not announced(situation, where.instance_id) or _made(situation, where.instance_id):
        return None
    step = CreateSnapshot(
        volume_id=volume.volume_id,
        description=f"EBSVolumeClaim {claim.key}, before {where.instance_id} is replaced"[:DESCRIPTION_MOST],
        tags={
            **claim.user_tags,
            names.TAG_CLAIM_UID: claim.uid,
            names.TAG_OWNER: claim.owner,
            names.TAG_SNAPSHOT_PURPOSE: BEFORE_REPLACEMENT,
            names.TAG_INSTANCE: where.instance_id,
        },
    )
    message = f"Creating a snapshot of {volume.volume_id}: {where.instance_id} is about to be replaced."
    return guarded(situation, step=step, reason=Reason.SNAPSHOTTING, message=message)


def _failed(situation: Situation) -> Hold | None:
    """The node's snapshot ended in error. It is told, and not made again by itself: it may fail for ever."""
    where = holding(situation)
    if not isinstance(where, Held) or not situation.claim.snapshots_before_replacement:
        return None
    instance_id, looked = where.instance_id, situation.observed.snapshots
    if looked is None:
        known = situation.claim.status.snapshots or []
        made = [(one.snapshotId, one.state) for one in known if one.instanceId == instance_id]
    else:
        made = [(one.snapshot_id, one.state) for one in looked if one.tags.get(names.TAG_INSTANCE) == instance_id]
    if not made or any(state != "error" for _, state in made) or not announced(situation, instance_id):
        return None
    message = (
        f"Snapshot {made[-1][0]} failed, and {instance_id} is about to be replaced: the operator attaches the volume "
        "to the next node without one. Delete that snapshot to retry."
    )
    return Hold(reason=Reason.SNAPSHOT_FAILED, message=message, after=situation.timings.watch, stalled=True)


def announced(situation: Situation, instance_id: str) -> bool:
    """Whether the node of this instance is marked for replacement."""
    node = situation.observed.node(instance_id)
    return node is not None and node.labels.get(names.NODE_HEALTH_STATUS) == State.PENDING_REPLACEMENT


def _made(situation: Situation, instance_id: str) -> bool:
    """Seen in AWS, or known from its answer. What was looked up in AWS counts more than a failure that is recorded."""
    looked, recorded = situation.observed.snapshots, situation.claim.status.snapshots or []
    seen = [item.tags.get(names.TAG_INSTANCE) for item in looked or ()]
    known = [item.instanceId for item in recorded if looked is None or item.state != "error"]
    return instance_id in {*seen, *known}
