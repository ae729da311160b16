"""Policies about where the volume is attached (mode Direct): leave, follow, attach. While AWS attaches or detaches, see
`transit`.

The order holds the safety: what is foreign is never touched, a pod in use is never robbed, the label that lets
pods in goes before the detach, and nothing moves from a node that AWS still has unless the spec says so.
"""

from dataclasses import replace

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import age, entry_of
from hyperpod_operator.core.text import counted, listed
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.device import associated_resource
from hyperpod_operator.core.volume.guards import act_once, since
from hyperpod_operator.core.volume.holding import Foreign, Free, Held, attachments, holding
from hyperpod_operator.core.volume.plan import ATTACHMENT, Attach, Detach, UnlabelNode
from hyperpod_operator.core.volume.target import Resolved, Unresolved, resolve


def foreign(snapshot: ClaimSnapshot) -> Decision | None:
    """Attached by somebody else, somewhere else: report who, and wait."""
    where = holding(snapshot)
    if isinstance(where, Foreign):
        return elsewhere(snapshot, where.who)
    if not isinstance(where, Held) or where.ours or _wanted(snapshot) == where.instance_id:
        return None
    return elsewhere(
        snapshot,
        f"{where.instance_id} of this cluster by a call that is not this claim's (an earlier claim's, or a user's)",
    )


def elsewhere(snapshot: ClaimSnapshot, who: str) -> Wait:
    """Also of an attachment that an earlier claim of this name made: nothing in AWS says which claim asked for it."""
    volume_id = snapshot.volume.volume_id if snapshot.volume else snapshot.claim.volume_id
    message = (
        f"{volume_id} is attached to {who}. The operator never detaches what this claim did not attach. When nothing "
        f"there uses the volume, detach it{_by_hand(snapshot)}; the operator then continues."
    )
    where = holding(snapshot)
    if snapshot.claim.suspended and isinstance(where, Held) and _target(snapshot) == where.instance_id:
        message += " Or set attachment.suspend to false, to use the volume where it is."
    return Wait(reason=Reason.ATTACHED_ELSEWHERE, message=message, after=snapshot.timings.watch, stalled=True)


def _by_hand(snapshot: ClaimSnapshot) -> str:
    """The call that ends the only attachment; EC2 itself detaches nothing from a HyperPod node."""
    found = attachments(snapshot)
    if len(found) != 1:
        return ""
    held, volume_id = found[0], snapshot.volume.volume_id if snapshot.volume else snapshot.claim.volume_id
    if held.instance_id:
        return f" (aws ec2 detach-volume --volume-id {volume_id})"
    node = associated_resource(held.associated_resource)
    if node is None:
        return ""
    return (
        f" (aws sagemaker detach-cluster-node-volume --cluster-arn {node.cluster_arn} --node-id {node.instance_id} "
        f"--volume-id {volume_id})"
    )


# [assumption: ended-node-releases-its-volumes]
def lost_node(snapshot: ClaimSnapshot) -> Decision | None:
    """AWS has ended the node and still shows the attachment: wait for it to let go, help after a while."""
    where = holding(snapshot)
    if not isinstance(where, Held) or snapshot.observed.alive(where.instance_id):
        return None
    if labelled := relabel(snapshot):
        return labelled
    recorded = snapshot.claim.status.attachment
    waited = since(recorded.remembered.lostTime if recorded else None, now=snapshot.now)
    long = recorded is not None and recorded.remembered.lostTime is not None and waited >= snapshot.timings.stuck
    message = (
        f"AWS has terminated {where.instance_id} and has not released the volume yet; the operator moves the volume "
        "only after AWS reports it as available."
    )
    if not long or not where.ours:
        return Wait(reason=Reason.NODE_LOST, message=message, after=snapshot.timings.poll)
    return _kept_by_lost_node(snapshot, message) or detach(
        snapshot, where, reason=Reason.NODE_LOST, why="AWS has terminated the node"
    )


def _kept_by_lost_node(snapshot: ClaimSnapshot, message: str) -> Wait | None:
    """Why the operator does not help either: AWS takes no detach, or pods have not ended."""
    pods, timings = snapshot.observed.pods, snapshot.timings
    if gate := closed(snapshot):
        gone = snapshot.observed.cluster is None
        text = "AWS has no such cluster any more: if that lasts, ask AWS Support." if gone else gate.message
        return Wait(reason=Reason.NODE_LOST, message=f"{message} {text}", after=gate.after, stalled=gone)
    if not pods or snapshot.claim.immediate or snapshot.claim.deleting:
        return None  # the pods of a claim that is deleted are waited for before anything is detached (`teardown.pods`)
    text = (
        f"Pods still use it: {listed(pods, most=3, separator=', ', rest=' ')}. The operator attempts a detach when "
        "they end; delete them (on a node that is gone with --force), or set attachment.detachPolicy: Immediate."
    )
    return Wait(reason=Reason.NODE_LOST, message=f"{message} {text}", after=timings.poll, stalled=True)


def leave(snapshot: ClaimSnapshot) -> Decision | None:
    """The volume is on a living node and should not be: suspended, asked for by what drains the node, or the spec's
    target is another node that can take it. One that cannot is no ground to take it from where it works (`stays`)."""
    where = holding(snapshot)
    if not isinstance(where, Held):
        return None
    if snapshot.claim.suspended:
        return away(snapshot, where, why="attachment.suspend is true")
    if (holder := asks(snapshot, where)) and not where.ours:
        who = f"{where.instance_id} by a call that is not this claim's, and {holder} drains that node"
        return elsewhere(snapshot, who)
    if holder:
        return away(snapshot, where, why=f"{holder} takes the node out of service")
    if _wanted(snapshot) in {"", where.instance_id} or stays(snapshot):
        return None
    return away(snapshot, where, why=f"the target is {snapshot.claim.target_text} now")


def asks(snapshot: ClaimSnapshot, where: Held) -> str:
    """Which object drains the node and asks for its volumes to be detached; empty for none."""
    node = snapshot.observed.node(where.instance_id)
    return node.drained_for if node is not None and node.asked_to_detach else ""


def stays(snapshot: ClaimSnapshot) -> Decision | None:
    """Why the volume is not moved to the node that the spec names now; meanwhile it serves where it is."""
    where, resolution = holding(snapshot), resolve(snapshot)
    if not isinstance(where, Held) or not isinstance(resolution, Resolved) or snapshot.claim.suspended:
        return None
    hold = resolution.hold if resolution.node.instance_id != where.instance_id else None
    if hold is None or hold.reason is not Reason.ATTACHMENT_LIMIT:
        return hold
    swap = (
        f"If a claim there is to move to {where.instance_id}, set attachment.suspend to true on one of the two until "
        "the other has moved."
    )
    return replace(hold, message=f"{hold.message} {swap}")


def away(snapshot: ClaimSnapshot, where: Held, *, why: str) -> Wait | Act:
    """Unused? Cluster open? Label off? Then detach; each look is a pass of its own."""
    return (
        in_use(snapshot, where)
        or closed(snapshot)
        or relabel(snapshot)
        or busy(snapshot, where)
        or detach(snapshot, where, reason=Reason.DETACHING, why=why)
    )


def in_use(snapshot: ClaimSnapshot, where: Held) -> Wait | None:
    """Whether pods keep the volume where it is. Immediate is a person's word about their own edits: what drains a node
    takes no volume from a pod that runs."""
    pods, holder = snapshot.observed.pods, asks(snapshot, where)
    asked = bool(holder) and not snapshot.claim.suspended and not snapshot.claim.deleting
    if not pods or (snapshot.claim.immediate and not asked):
        return None
    named = listed(pods, most=3, separator=", ", rest=" ")
    message = f"Pods use the volume on {where.instance_id}: {named}. The operator detaches it when they end; " + (
        f"{holder} waits for that. Delete them if they do not end by themselves."
        if asked
        else "delete them, or set attachment.detachPolicy: Immediate."
    )
    return Wait(reason=Reason.IN_USE, message=message, after=snapshot.timings.poll, stalled=overdue(snapshot))


def busy(snapshot: ClaimSnapshot, where: Held) -> Wait | None:
    """AWS tried to detach and the device is held open: there is no force, so asking again does not help."""
    if where.state != "busy":
        return None
    message = (
        f"AWS cannot detach the volume from {where.instance_id}: its device is still mounted or open there. Unmount "
        "it on the node; AWS then detaches it."
    )
    return Wait(reason=Reason.DETACH_BLOCKED, message=message, after=snapshot.timings.poll, stalled=overdue(snapshot))


def leaving(snapshot: ClaimSnapshot) -> bool:
    """Whether the volume is to come off the node that it is on. It does not matter what the pass waits for: a cluster
    that is Updating meanwhile does not make the wait begin once more."""
    where, claim = holding(snapshot), snapshot.claim
    if not isinstance(where, Held) or not where.ours or claim.paused:
        return False
    if claim.deleting or claim.suspended or asks(snapshot, where):
        return True
    return _wanted(snapshot) not in {"", where.instance_id} and stays(snapshot) is None


def overdue(snapshot: ClaimSnapshot) -> bool:
    """Whether a detach has been wanted for longer than `detachTimeout`: it raises the tone and forces nothing."""
    recorded = snapshot.claim.status.attachment
    wanted_at = recorded.remembered.detachTime if recorded else None
    most = snapshot.claim.detach_timeout or snapshot.timings.detach
    return wanted_at is not None and since(wanted_at, now=snapshot.now) >= most


def relabel(snapshot: ClaimSnapshot) -> Act | None:
    """The label goes first, so that no new pod finds its way to a volume that is about to leave."""
    for name in snapshot.observed.labelled:
        step = UnlabelNode(node_name=name, key=snapshot.claim.label)
        return Act(step=step, reason=Reason.UNPUBLISHING, message=f"Removing the volume's label from node {name}.")
    return None


def stray_label(snapshot: ClaimSnapshot) -> Decision | None:
    """A Node that carries the label without holding the volume: a pod there would wait for a disk that never comes."""
    holder = _holder(snapshot)
    for name in snapshot.observed.labelled:
        if name != holder:
            step = UnlabelNode(node_name=name, key=snapshot.claim.label)
            message = f"Removing the volume's label from node {name}, which does not have the volume."
            return Act(step=step, reason=Reason.UNPUBLISHING, message=message)
    return None


def _holder(snapshot: ClaimSnapshot) -> str:
    """Name of the Node that has the volume, also after AWS has ended it; empty for none, and before it is attached."""
    where, recorded = holding(snapshot), snapshot.claim.status.attachment
    if not isinstance(where, Held) or where.state == "attaching":
        return ""
    if (node := snapshot.observed.node(where.instance_id)) is not None:
        return node.node_name
    same = recorded is not None and recorded.instanceId == where.instance_id
    return (recorded.nodeName or "") if same and recorded is not None else ""


# [assumption: attach-needs-in-service]
def closed(snapshot: ClaimSnapshot) -> Wait | None:
    """SageMaker attaches and detaches only while the cluster is InService."""
    if snapshot.in_service:
        return None
    status = snapshot.observed.cluster.status if snapshot.observed.cluster else "gone"
    message = f"The cluster is {status}; AWS attaches and detaches volumes only while it is InService. Nothing to do."
    return Wait(reason=Reason.CLUSTER_NOT_IN_SERVICE, message=message, after=snapshot.timings.watch)


def suspended(snapshot: ClaimSnapshot) -> Decision | None:
    if not snapshot.claim.suspended:
        return None
    message = "Suspended: the volume stays detached. Set attachment.suspend to false to attach it again."
    return Wait(reason=Reason.SUSPENDED, message=message, after=snapshot.timings.resync)


def unresolved(snapshot: ClaimSnapshot) -> Decision | None:
    """No node to be on. A volume that is attached stays where it is meanwhile."""
    resolution = resolve(snapshot)
    return resolution.hold if isinstance(resolution, Unresolved) else None


def attach(snapshot: ClaimSnapshot) -> Decision | None:
    resolution, volume = resolve(snapshot), snapshot.volume
    if not isinstance(resolution, Resolved) or volume is None or not isinstance(holding(snapshot), Free):
        return None
    if resolution.hold is not None:
        return resolution.hold
    if gate := closed(snapshot):
        return gate
    if volume.state != "available":
        message = f"{volume.volume_id} is {volume.state}; the operator attaches it when AWS reports it as available."
        return Wait(reason=Reason.ATTACHING, message=message, after=snapshot.timings.poll)
    node = resolution.node
    if sent := just_sent(snapshot):
        return sent
    step = Attach(
        cluster_arn=snapshot.cluster_arn,
        instance_id=node.instance_id,
        volume_id=volume.volume_id,
        node_name=node.node_name,
        instance_group=node.instance_group,
        logical_id=node.logical_id,
    )
    message = f"Attaching {volume.volume_id} to {node.node_name or node.instance_id}."
    reason = Reason.STUCK_ATTACHING if in_vain(snapshot, instance_id=node.instance_id) else Reason.ATTACHING
    return act_once(snapshot, step=step, reason=reason, message=message)


# [assumption: attach-again-is-harmless, attachment-shows-late]
def just_sent(snapshot: ClaimSnapshot) -> Wait | None:
    """AWS took an attach, or may have, and EC2 still shows the volume as free: that attachment is ours until AWS shows
    otherwise, and is looked for, not asked for again. EC2 promises no limit for its lag."""
    recorded = snapshot.claim.status.attachment
    if recorded is None or recorded.state != "attaching":
        return None
    if since_attach(snapshot) >= snapshot.timings.resend:
        return None
    minutes = f"{snapshot.timings.resend / 60:.0f} minutes"
    calls = in_vain(snapshot, instance_id=recorded.instanceId or "")
    if calls and not snapshot.claim.deleting:
        message = (
            f"AttachClusterNodeVolume for {recorded.instanceId} was sent {counted(calls, 'time')}, every {minutes}, "
            "and EC2 returns no attachment. Check the state and the policy of the volume's KMS key: AWS drops an "
            "attachment whose key cannot be used, and says so in the EventBridge event attachVolume alone. Otherwise "
            "reboot or replace the node, or set attachment.target to another one."
        )
        return Wait(reason=Reason.STUCK_ATTACHING, message=message, after=snapshot.timings.watch, stalled=True)
    message = (
        f"AttachClusterNodeVolume for {recorded.instanceId} was sent, and EC2 does not return the attachment yet. "
        f"The operator looks for it and sends nothing else for {minutes}. Nothing to do."
    )
    return Wait(reason=Reason.ATTACHING, message=message, after=snapshot.timings.poll)


def since_attach(snapshot: ClaimSnapshot) -> float:
    """Seconds since the last attach call; infinite without one. `attachTime` stays as a clock that was ahead wrote it,
    because it is compared with AWS's time: then the journal tells."""
    recorded = snapshot.claim.status.attachment
    seconds = since(recorded.attachTime if recorded else None, now=snapshot.now)
    return seconds if seconds >= 0 else age(entry_of(snapshot.claim.status.operations, ATTACHMENT), now=snapshot.now)


# [assumption: attach-may-fail-later]
def in_vain(snapshot: ClaimSnapshot, *, instance_id: str) -> int:
    """How many attach calls to this node AWS took for longer than EC2 may take to show an attachment; 0 for no more
    than that."""
    recorded = snapshot.claim.status.attachment
    calls = (recorded.remembered.calls or 0) if recorded is not None and recorded.instanceId == instance_id else 0
    return calls if calls * snapshot.timings.resend > snapshot.timings.unseen else 0


def _wanted(snapshot: ClaimSnapshot) -> str:
    """The instance that the volume belongs on; empty where there is none now."""
    return "" if snapshot.claim.suspended else _target(snapshot)


def _target(snapshot: ClaimSnapshot) -> str:
    """The same for a claim that is suspended, too."""
    resolution = resolve(snapshot)
    return resolution.node.instance_id if isinstance(resolution, Resolved) else ""


def detach(snapshot: ClaimSnapshot, where: Held, *, reason: Reason, why: str) -> Wait | Act:
    volume = snapshot.volume
    step = Detach(
        cluster_arn=where.attachment.associated_resource.removesuffix(f"-{where.instance_id}"),
        instance_id=where.instance_id,
        volume_id=volume.volume_id if volume else snapshot.claim.volume_id,
        why=why,
    )
    decision = act_once(snapshot, step=step, reason=reason, message=f"Detaching from {where.instance_id}: {why}.")
    if isinstance(decision, Act) or decision.reason is not reason or not overdue(snapshot):
        return decision
    message = (
        f"DetachClusterNodeVolume was sent, and AWS still reports the volume as {where.state} to {where.instance_id}. "
        f"The operator sends the call every {snapshot.timings.resend / 60:.0f} minutes. Check whether the device is in "
        "use on the node; if not, ask AWS Support."
    )
    return replace(decision, message=message, stalled=True)
