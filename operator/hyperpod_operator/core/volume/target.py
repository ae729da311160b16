"""Which node the volume belongs on: the one it has, for as long as AWS has that one; else one that fits.

Staying is the rule. An unhealthy, unready or rebooting node keeps its volume: only AWS's word that the instance is
gone, together with a volume that AWS shows as free, lets it go elsewhere. A NodeLogicalId finds a node and is
never by itself a ground to follow one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Hold
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.volume.guards import since
from hyperpod_operator.core.volume.holding import Held, holding
from hyperpod_operator.core.volume.observed import GONE, Candidate
from hyperpod_operator.core.volume.verdict import Situation

REFUSED_MOST = 10
"""How many nodes are tried within `VolumeTimings.refused` seconds: more would be a search by brute force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The node. `fit` is False while nothing may be attached to it just now; `hold` then says why."""

    node: Candidate
    hold: Hold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    hold: Hold


Resolution = Resolved | Unresolved


def resolve(situation: Situation) -> Resolution:
    """The node, or why there is none; worked out once for each situation."""
    known = situation.answers.get("resolve")
    if not isinstance(known, Resolved | Unresolved):
        known = situation.answers["resolve"] = _resolve(situation)
    return known


def _resolve(situation: Situation) -> Resolution:
    """Sticky first: the recorded node counts while the spec's target is the one that chose it."""
    if situation.observed.cluster is None and situation.observed.coming:
        return _unresolved(
            Reason.CLUSTER_NOT_IN_SERVICE,
            f"AWS has not created the cluster of HyperPodCluster {situation.claim.spec.clusterRef.name} yet. "
            "Nothing to do here; see the status of that object.",
            after=situation.timings.watch,
        )
    if situation.observed.cluster is None:
        return _unresolved(
            Reason.CLUSTER_NOT_FOUND,
            "AWS has no such HyperPod cluster. Check clusterRef, or create the cluster; the operator then continues.",
            after=situation.timings.watch,
            stalled=True,
        )
    recorded = situation.claim.status.attachment
    same = recorded is not None and recorded.target == situation.claim.target_text
    if recorded is not None and recorded.instanceId and situation.observed.alive(recorded.instanceId):
        node = situation.observed.node(recorded.instanceId)
        fits = same or (node is not None and _matches(situation, node))
        if node is not None and fits and not _moves_on(situation, node):
            return _resolved(situation, node)
    if same and recorded is not None and recorded.instanceId and not situation.observed.alive(recorded.instanceId):
        return _replacement(situation, lost=recorded.instanceId, group=recorded.instanceGroupName or "")
    return _first(situation)


def _moves_on(situation: Situation, node: Candidate) -> bool:
    """A group's node that AWS refused for want of a slot: nothing is attached there, so another one may be tried."""
    free = situation.volume is None or not situation.volume.attachments
    return situation.claim.by_group and free and _refused(situation, node)


def _first(situation: Situation) -> Resolution:
    """No node was chosen yet, or the spec asks for another one."""
    matching = [node for node in situation.observed.nodes if _matches(situation, node) and node.status not in GONE]
    text = situation.claim.target_text
    if not matching:
        # A group may have no node yet, or be scaled to zero; a node that is named and not there is not expected.
        by_group = situation.claim.by_group
        return _unresolved(
            Reason.NODE_NOT_RUNNING if by_group else Reason.NODE_NOT_FOUND,
            f"The cluster has no node for {text}. Correct attachment.target, or wait until the node exists.",
            after=situation.timings.watch,
            stalled=not by_group,
        )
    if not situation.claim.by_group:
        return _resolved(situation, matching[0])
    if (there := _already(situation, matching)) is not None:
        return _resolved(situation, there)
    return _choose(situation, matching, what=text, order=_emptiest)


def _already(situation: Situation, nodes: Sequence[Candidate]) -> Candidate | None:
    """The node of the group that has the volume, where none was chosen yet: adopted, or after the status was lost."""
    where = holding(situation)
    if situation.claim.status.attachment is not None or not isinstance(where, Held):
        return None
    return next((node for node in nodes if node.instance_id == where.instance_id), None)


# [assumption: logical-id-may-change]
def _replacement(situation: Situation, *, lost: str, group: str) -> Resolution:
    if not situation.claim.follows:
        return _unresolved(
            Reason.NODE_NOT_FOUND,
            f"AWS has terminated {lost}, and followNode is Never. Set attachment.target to another node, or "
            "followNode: Replacement.",
            after=situation.timings.watch,
            stalled=True,
        )
    matching = [
        node
        for node in situation.observed.nodes
        if node.instance_group == group and node.status not in GONE and _selected(situation, node)
    ]
    gone_at = _lost_at(situation)
    logical = situation.claim.status.attachment.nodeLogicalId if situation.claim.status.attachment else ""

    def order(node: Candidate) -> tuple[object, ...]:
        launched = node.launched_at.timestamp() if node.launched_at else 0.0
        newer = gone_at is not None and launched >= gone_at.timestamp()
        return (not newer, not (logical and node.logical_id == logical), -launched, node.instance_id)

    if not any(_usable(situation, node) for node in matching):
        return _unresolved(
            Reason.WAITING_FOR_REPLACEMENT,
            f"AWS has terminated {lost}; no other node of group {group} in the volume's zone can take the volume yet. "
            "Nothing to do if the node is being replaced.",
            after=situation.timings.watch,
        )
    return _choose(situation, matching, what=f"group {group}", order=order)


def _choose(
    situation: Situation, nodes: Sequence[Candidate], *, what: str, order: Callable[[Candidate], tuple[object, ...]]
) -> Resolution:
    usable, watch = [node for node in nodes if _usable(situation, node)], situation.timings.watch
    if usable and _tried(situation) >= REFUSED_MOST:
        message = (
            f"AWS says of {REFUSED_MOST} nodes of {what} in a row that they have no free attachment slot; the "
            "operator tries others in a few minutes. Detach another volume, add nodes, or choose another target."
        )
        return _unresolved(Reason.NO_CAPACITY, message, after=watch)
    if usable:
        return Resolved(node=min(usable, key=order))
    if all(situation.observed.restricted(node.instance_group) for node in nodes):
        return Unresolved(hold=_restricted(nodes[0]))
    here = [node for node in nodes if in_zone(situation, node)]
    if not here:
        return Unresolved(hold=_zone(situation, what))
    if all(node.full or _refused(situation, node) for node in here):
        message = (
            f"No node of {what} in the volume's zone has a free attachment slot. Detach another volume there, add "
            "nodes, or choose another target."
        )
        return _unresolved(Reason.NO_CAPACITY, message, after=watch)
    message = f"No node of {what} in the volume's zone is Running, Ready and schedulable. Nothing to do if that passes."
    return _unresolved(Reason.NODE_NOT_RUNNING, message, after=watch)


def _resolved(situation: Situation, node: Candidate) -> Resolution:
    """A given node, with the reason why nothing may be attached to it right now, if there is one."""
    return Resolved(node=node, hold=_obstacle(situation, node))


def _obstacle(situation: Situation, node: Candidate) -> Hold | None:
    watch, name = situation.timings.watch, node.node_name or node.instance_id
    if situation.observed.restricted(node.instance_group):
        return _restricted(node)
    if not in_zone(situation, node):
        return _zone(situation, name)
    if node.status != "Running":
        message = f"{name} is {node.status}; a volume is attached to a Running node only. Nothing to do if that passes."
        return Hold(reason=Reason.NODE_NOT_RUNNING, message=message, after=watch)
    if not node.schedulable:
        message = f"HyperPod marked {name} as unschedulable. Repair or replace it, or choose another target."
        return Hold(reason=Reason.NODE_UNSCHEDULABLE, message=message, after=watch, stalled=True)
    if node.full or _refused(situation, node):
        count = "" if node.attached_count is None or node.limit is None else f" ({node.attached_count}/{node.limit})"
        message = f"{name} has no free attachment slot{count}. Detach another volume there, or choose another target."
        return Hold(reason=Reason.ATTACHMENT_LIMIT, message=message, after=SLOW, stalled=True)
    return None


def _usable(situation: Situation, node: Candidate) -> bool:
    """Whether the operator would pick this node by itself."""
    return node.ready is True and _obstacle(situation, node) is None


def _matches(situation: Situation, node: Candidate) -> bool:
    target = situation.claim.spec.attachment.target
    if target is None:
        return False
    named = (
        (target.nodeName, node.node_name),
        (target.instanceId, node.instance_id),
        (target.nodeLogicalId, node.logical_id),
        (target.instanceGroupName, node.instance_group),
    )
    return all(wanted is None or wanted == own for wanted, own in named) and _selected(situation, node)


def _selected(situation: Situation, node: Candidate) -> bool:
    target = situation.claim.spec.attachment.target
    selector = (target.nodeSelector if target else None) or {}
    return all(node.labels.get(key) == value for key, value in selector.items())


def in_zone(situation: Situation, node: Candidate) -> bool:
    """Names are compared with names and ids with ids; what is unknown is left to EC2."""
    volume = situation.volume
    if volume is None:
        return _in_wished_zone(situation, node)
    if volume.availability_zone_id and node.availability_zone_id:
        return volume.availability_zone_id == node.availability_zone_id
    if volume.availability_zone and node.availability_zone:
        return volume.availability_zone == node.availability_zone
    return True


def _in_wished_zone(situation: Situation, node: Candidate) -> bool:
    source = situation.claim.spec.source.create
    if source is None:
        return True
    pairs = (
        (source.availabilityZone, node.availability_zone),
        (source.availabilityZoneId, node.availability_zone_id),
    )
    return all(not wanted or not own or wanted == own for wanted, own in pairs)


def _refused(situation: Situation, node: Candidate) -> bool:
    return node.instance_id in _refusals(situation)


def _tried(situation: Situation) -> int:
    return len(_refusals(situation))


def _refusals(situation: Situation) -> frozenset[str]:
    """Instances that AWS refused lately for want of a slot."""
    recorded, most = situation.claim.status.attachment, situation.timings.refused
    found = recorded.refused or [] if recorded else []
    return frozenset(one.instanceId for one in found if since(one.time, now=situation.now) < most)


def _lost_at(situation: Situation) -> datetime | None:
    recorded = situation.claim.status.attachment
    return parse_time(recorded.lostTime or "") if recorded else None


def _emptiest(node: Candidate) -> tuple[object, ...]:
    return (node.attached_count or 0, node.instance_id)


def _restricted(node: Candidate) -> Hold:
    message = (
        f"Group {node.instance_group} is a restricted instance group; AWS attaches no volumes there. Choose a node of "
        "another group."
    )
    return Hold(reason=Reason.RESTRICTED_INSTANCE_GROUP, message=message, after=SLOW, stalled=True)


def _zone(situation: Situation, what: str) -> Hold:
    volume = situation.volume
    here = (volume.availability_zone or volume.availability_zone_id) if volume else "the zone that the spec names"
    there = sorted({node.availability_zone or node.availability_zone_id for node in situation.observed.nodes} - {""})
    message = (
        f"The volume is in {here} and {what} is not (nodes are in {', '.join(there) or 'unknown zones'}). Choose a "
        "target in that zone, or create a volume from a snapshot in the other one."
    )
    return Hold(reason=Reason.AZ_MISMATCH, message=message, after=SLOW, stalled=True)


def _unresolved(reason: Reason, message: str, *, after: float, stalled: bool = False) -> Unresolved:
    return Unresolved(hold=Hold(reason=reason, message=message, after=after, stalled=stalled))
