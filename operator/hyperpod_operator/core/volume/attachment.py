"""Policies about where the volume is attached (mode Direct): wait, leave, follow, attach.

The order holds the safety: what is foreign is never touched, a pod in use is never robbed, the label that lets
pods in goes before the detach, and nothing moves from a node that AWS still has unless the spec says so.
"""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Hold
from hyperpod_operator.core.engine.journal import entry_of
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.volume.guards import guarded, since, soon
from hyperpod_operator.core.volume.holding import Foreign, Free, Held, holding
from hyperpod_operator.core.volume.plan import Attach, Detach, UnlabelNode
from hyperpod_operator.core.volume.target import Resolved, Unresolved, resolve
from hyperpod_operator.core.volume.verdict import Act, Situation, Verdict

STUCK_MOST = 1
"""How often a stuck attach is broken off and tried again before a person has to look."""


def foreign(situation: Situation) -> Verdict | None:
    """Attached by somebody else, somewhere else: report who, and wait."""
    where = holding(situation)
    if isinstance(where, Foreign):
        return elsewhere(situation, where.who)
    if not isinstance(where, Held) or where.ours or _wanted(situation) == where.instance_id:
        return None
    return elsewhere(situation, f"{where.instance_id} of this cluster by a call that is not this claim's")


def elsewhere(situation: Situation, who: str) -> Hold:
    volume_id = situation.volume.volume_id if situation.volume else situation.claim.volume_id
    message = (
        f"{volume_id} is attached to {who}. The operator never detaches what it did not attach: detach it there; the "
        "operator then continues."
    )
    return Hold(reason=Reason.ATTACHED_ELSEWHERE, message=message, after=situation.timings.watch, stalled=True)


# [assumption: detach-while-attaching-may-be-refused]
def on_the_way(situation: Situation) -> Verdict | None:
    """AWS is attaching or detaching. An attach that never ends is broken off, once."""
    where = holding(situation)
    if not isinstance(where, Held):
        return None
    if where.state == "detaching":
        return detaching(situation, where)
    if where.state != "attaching" or not situation.observed.alive(where.instance_id):
        return None
    recorded = situation.claim.status.attachment
    begun = since(recorded.attachTime if recorded else None, now=situation.now)
    if begun < situation.timings.stuck or not where.ours:
        message = f"AWS is attaching the volume to {where.instance_id}."
        return Hold(reason=Reason.ATTACHING, message=message, after=soon(situation))
    attempts = (recorded.attempts or 0) if recorded else 0
    minutes = situation.timings.stuck / 60
    if attempts >= STUCK_MOST:
        message = (
            f"AWS has been attaching the volume to {where.instance_id} for more than {minutes:.0f} minutes, twice. "
            "Reboot or replace the node, or set attachment.target to another one."
        )
        return Hold(reason=Reason.STUCK_ATTACHING, message=message, after=SLOW, stalled=True)
    why = f"attaching took more than {minutes:.0f} minutes"
    return closed(situation) or detach(situation, where, reason=Reason.STUCK_ATTACHING, why=why)


# [assumption: ended-node-releases-its-volumes]
def lost_node(situation: Situation) -> Verdict | None:
    """AWS has ended the node and still shows the attachment: wait for it to let go, help after a while."""
    where = holding(situation)
    if not isinstance(where, Held) or situation.observed.alive(where.instance_id):
        return None
    if labelled := relabel(situation):
        return labelled
    recorded = situation.claim.status.attachment
    waited = since(recorded.lostTime if recorded else None, now=situation.now)
    long = recorded is not None and recorded.lostTime is not None and waited >= situation.timings.stuck
    forced = situation.claim.immediate or (situation.claim.deleting and situation.claim.force_delete)
    if long and where.ours and situation.in_service and (forced or not situation.observed.pods):
        why = "AWS has terminated the node"
        return detach(situation, where, reason=Reason.NODE_LOST, why=why)
    message = (
        f"AWS has terminated {where.instance_id} and has not released the volume yet; the operator moves the volume "
        "only after AWS reports it as available."
    )
    return Hold(reason=Reason.NODE_LOST, message=message, after=situation.timings.poll)


def leave(situation: Situation) -> Verdict | None:
    """The volume is on a living node and should not be: suspended, or the spec's target is another node that can take
    it. One that cannot is no ground to take it from where it works (`stays`)."""
    where = holding(situation)
    if not isinstance(where, Held):
        return None
    if situation.claim.suspended:
        return away(situation, where, why="attachment.suspend is true")
    if _wanted(situation) in {"", where.instance_id} or stays(situation):
        return None
    return away(situation, where, why=f"the target is {situation.claim.target_text} now")


def stays(situation: Situation) -> Verdict | None:
    """Why the volume is not moved to the node that the spec names now; meanwhile it serves where it is."""
    where, resolution = holding(situation), resolve(situation)
    if not isinstance(where, Held) or not isinstance(resolution, Resolved) or situation.claim.suspended:
        return None
    return resolution.hold if resolution.node.instance_id != where.instance_id else None


def away(situation: Situation, where: Held, *, why: str) -> Hold | Act:
    """Unused? Cluster open? Label off? Then detach; each look is a pass of its own."""
    return (
        in_use(situation, where)
        or closed(situation)
        or relabel(situation)
        or busy(situation, where)
        or detach(situation, where, reason=Reason.DETACHING, why=why)
    )


def in_use(situation: Situation, where: Held) -> Hold | None:
    pods = situation.observed.pods
    if not pods or situation.claim.immediate:
        return None
    more = f" and {len(pods) - 3} more" if len(pods) > 3 else ""
    message = (
        f"Pods use the volume on {where.instance_id}: {', '.join(pods[:3])}{more}. The operator detaches it when "
        "they end; delete them, or set attachment.detachPolicy: Immediate."
    )
    return Hold(reason=Reason.IN_USE, message=message, after=situation.timings.poll, stalled=overdue(situation))


def busy(situation: Situation, where: Held) -> Hold | None:
    """AWS tried to detach and the device is held open: there is no force, so asking again does not help."""
    if where.state != "busy":
        return None
    message = (
        f"AWS cannot detach the volume from {where.instance_id}: its device is still mounted or open there. Unmount "
        "it on the node; AWS then detaches it."
    )
    return Hold(reason=Reason.DETACH_BLOCKED, message=message, after=situation.timings.poll, stalled=overdue(situation))


def detaching(situation: Situation, where: Held) -> Hold:
    message = f"AWS is detaching the volume from {where.instance_id}."
    last = entry_of(situation.claim.status.operations, "Attachment")
    most = situation.claim.detach_timeout or situation.timings.detach
    slow = since(last.time if last else None, now=situation.now) >= most
    return Hold(reason=Reason.DETACHING, message=message, after=soon(situation), stalled=slow and overdue(situation))


def leaving(situation: Situation) -> bool:
    """Whether the volume is to come off the node that it is on. It does not matter what the pass waits for: a cluster
    that is Updating meanwhile does not make the wait begin once more."""
    where, claim = holding(situation), situation.claim
    if not isinstance(where, Held) or not where.ours or claim.paused:
        return False
    if claim.deleting or claim.suspended:
        return True
    return _wanted(situation) not in {"", where.instance_id} and stays(situation) is None


def overdue(situation: Situation) -> bool:
    """Whether a detach has been wanted for longer than `detachTimeout`: it raises the tone and forces nothing."""
    recorded = situation.claim.status.attachment
    wanted_at = recorded.detachTime if recorded else None
    most = situation.claim.detach_timeout or situation.timings.detach
    return wanted_at is not None and since(wanted_at, now=situation.now) >= most


def relabel(situation: Situation) -> Act | None:
    """The label goes first, so that no new pod finds its way to a volume that is about to leave."""
    for name in situation.observed.labelled:
        step = UnlabelNode(node_name=name, key=situation.claim.label)
        return Act(step=step, reason=Reason.UNPUBLISHING, message=f"Removing the volume's label from node {name}.")
    return None


def stray_label(situation: Situation) -> Verdict | None:
    """A Node that carries the label without holding the volume: a pod there would wait for a disk that never comes."""
    holder = _holder(situation)
    for name in situation.observed.labelled:
        if name != holder:
            step = UnlabelNode(node_name=name, key=situation.claim.label)
            message = f"Removing the volume's label from node {name}, which does not have the volume."
            return Act(step=step, reason=Reason.UNPUBLISHING, message=message)
    return None


def _holder(situation: Situation) -> str:
    """Name of the Node that has the volume, also after AWS has ended it; empty for none, and before it is attached."""
    where, recorded = holding(situation), situation.claim.status.attachment
    if not isinstance(where, Held) or where.state == "attaching":
        return ""
    if (node := situation.observed.node(where.instance_id)) is not None:
        return node.node_name
    same = recorded is not None and recorded.instanceId == where.instance_id
    return (recorded.nodeName or "") if same and recorded is not None else ""


# [assumption: attach-needs-in-service]
def closed(situation: Situation) -> Hold | None:
    """SageMaker attaches and detaches only while the cluster is InService."""
    if situation.in_service:
        return None
    status = situation.observed.cluster.status if situation.observed.cluster else "gone"
    message = f"The cluster is {status}; AWS attaches and detaches volumes only while it is InService. Nothing to do."
    return Hold(reason=Reason.CLUSTER_NOT_IN_SERVICE, message=message, after=situation.timings.watch)


def suspended(situation: Situation) -> Verdict | None:
    if not situation.claim.suspended:
        return None
    message = "Suspended: the volume stays detached. Set attachment.suspend to false to attach it again."
    return Hold(reason=Reason.SUSPENDED, message=message, after=situation.timings.resync)


def unresolved(situation: Situation) -> Verdict | None:
    """No node to be on. A volume that is attached stays where it is meanwhile."""
    resolution = resolve(situation)
    return resolution.hold if isinstance(resolution, Unresolved) else None


def attach(situation: Situation) -> Verdict | None:
    resolution, volume = resolve(situation), situation.volume
    if not isinstance(resolution, Resolved) or volume is None or not isinstance(holding(situation), Free):
        return None
    if resolution.hold is not None:
        return resolution.hold
    if gate := closed(situation):
        return gate
    if volume.state != "available":
        message = f"{volume.volume_id} is {volume.state}; the operator attaches it when AWS reports it as available."
        return Hold(reason=Reason.ATTACHING, message=message, after=situation.timings.poll)
    node = resolution.node
    if sent := just_sent(situation):
        return sent
    step = Attach(
        cluster_arn=situation.cluster_arn,
        instance_id=node.instance_id,
        volume_id=volume.volume_id,
        node_name=node.node_name,
        instance_group=node.instance_group,
        logical_id=node.logical_id,
    )
    message = f"Attaching {volume.volume_id} to {node.node_name or node.instance_id}."
    return guarded(situation, step=step, reason=Reason.ATTACHING, message=message)


# [assumption: attach-again-is-harmless, attachment-shows-late]
def just_sent(situation: Situation) -> Hold | None:
    """AWS took an attach, or may have, and EC2 still shows the volume as free: that attachment is ours until AWS shows
    otherwise, and is looked for, not asked for again. EC2 promises no limit for its lag."""
    recorded = situation.claim.status.attachment
    if recorded is None or recorded.state != "attaching":
        return None
    sent = since(recorded.attachTime, now=situation.now)
    if sent >= situation.timings.resend:
        return None
    message = (
        f"AttachClusterNodeVolume for {recorded.instanceId} was sent, and EC2 does not return the attachment yet. "
        f"The operator looks for it and sends nothing else for {situation.timings.resend / 60:.0f} minutes. Nothing "
        "to do."
    )
    return Hold(reason=Reason.ATTACHING, message=message, after=situation.timings.poll)


def _wanted(situation: Situation) -> str:
    """The instance that the volume belongs on; empty where there is none now."""
    if situation.claim.suspended:
        return ""
    resolution = resolve(situation)
    return resolution.node.instance_id if isinstance(resolution, Resolved) else ""


def detach(situation: Situation, where: Held, *, reason: Reason, why: str) -> Hold | Act:
    volume = situation.volume
    step = Detach(
        cluster_arn=where.attachment.associated_resource.removesuffix(f"-{where.instance_id}"),
        instance_id=where.instance_id,
        volume_id=volume.volume_id if volume else situation.claim.volume_id,
        why=why,
    )
    return guarded(situation, step=step, reason=reason, message=f"Detaching from {where.instance_id}: {why}.")
