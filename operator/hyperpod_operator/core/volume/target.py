"""Which node the volume belongs on: the one it has, for as long as AWS has that one; else one that fits.

Staying is the rule. An unhealthy, unready or rebooting node keeps its volume: only AWS's word that the instance is
gone, together with a volume that AWS shows as free, lets it go elsewhere. A NodeLogicalId finds a node and is
never by itself a ground to follow one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.once import once
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.nodes.groups import no_group
from hyperpod_operator.core.observed import GONE
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.holding import Held, holding
from hyperpod_operator.core.volume.misnamed import instead
from hyperpod_operator.core.volume.observed import Candidate
from hyperpod_operator.core.volume.obstacles import (
    codes,
    drained,
    in_zone,
    obstacle,
    other_zone,
    refused,
    restricted,
    tried,
    usable,
)

REFUSED_MOST = 10
"""How many nodes are tried within `VolumeTimings.refused` seconds: more would be a search by brute force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The node. `fit` is False while nothing may be attached to it just now; `hold` then says why."""

    node: Candidate
    hold: Wait | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    hold: Wait


Resolution = Resolved | Unresolved


@once
def resolve(snapshot: ClaimSnapshot) -> Resolution:
    """The node, or why there is none. Sticky first: the recorded node counts while the spec's target is the one that
    chose it."""
    if snapshot.observed.cluster is None and snapshot.observed.coming:
        return _unresolved(
            Reason.CLUSTER_NOT_IN_SERVICE,
            f"AWS has not created the cluster of HyperPodCluster {snapshot.claim.spec.clusterRef.name} yet. "
            "Nothing to do here; see the status of that object.",
            after=snapshot.timings.watch,
        )
    if snapshot.observed.cluster is None:
        return _unresolved(
            Reason.CLUSTER_NOT_FOUND,
            _no_cluster(snapshot),
            after=snapshot.timings.watch,
            stalled=True,
        )
    recorded = snapshot.claim.status.attachment
    same = recorded is not None and recorded.remembered.target == snapshot.claim.target_text
    if recorded is not None and recorded.instanceId and snapshot.observed.alive(recorded.instanceId):
        node = snapshot.observed.node(recorded.instanceId)
        fits = same or (node is not None and bool(_matching(snapshot, (node,))))
        if node is not None and fits and not _moves_on(snapshot, node):
            return _resolved(snapshot, node)
    if same and recorded is not None and recorded.instanceId and not snapshot.observed.alive(recorded.instanceId):
        return _replacement(snapshot, lost=recorded.instanceId, group=recorded.instanceGroupName or "")
    return _first(snapshot)


def _no_cluster(snapshot: ClaimSnapshot) -> str:
    """What is missing in Kubernetes and what is missing in AWS are looked for in different places."""
    ref, namespace = snapshot.claim.spec.clusterRef, snapshot.claim.key.namespace
    if snapshot.observed.no_object:
        return (
            f"Namespace {namespace} has no HyperPodCluster object {ref.name}. Create it (the operator then continues), "
            "or create another claim with the right clusterRef."
        )
    if ref.name:
        return f"AWS has no cluster for HyperPodCluster {ref.name}. See the status of that object."
    where = f" in Region {snapshot.observed.region}" if snapshot.observed.region else ""
    return (
        f"AWS has no HyperPod cluster {ref.clusterName or ref.clusterArn}{where}. Create it (the operator then "
        "continues), or create another claim with the right clusterRef."
    )


# [assumption: moved-node-keeps-its-id]
def _moves_on(snapshot: ClaimSnapshot, node: Candidate) -> bool:
    """A group's node that is drained, that moved to another group, or that AWS refused for want of a slot: nothing is
    attached there, so another one may be tried."""
    free = snapshot.volume is None or not snapshot.volume.attachments
    left = node.instance_group != snapshot.claim.group
    return snapshot.claim.by_group and free and (bool(node.drained_for) or left or refused(snapshot, node))


def matching_nodes(snapshot: ClaimSnapshot) -> list[Candidate]:
    """The nodes that the target names and that AWS does not end."""
    return [node for node in _matching(snapshot, snapshot.observed.nodes) if node.status not in GONE]


def _matching(snapshot: ClaimSnapshot, nodes: Iterable[Candidate]) -> list[Candidate]:
    """Those of the nodes that the target names; thousands are looked at, so one name after the other."""
    target = snapshot.claim.spec.attachment.target
    if target is None:
        return []
    named = (
        ("node_name", target.nodeName),
        ("instance_id", target.instanceId),
        ("logical_id", target.nodeLogicalId),
        ("instance_group", target.instanceGroupName),
    )
    for member, wanted in named:
        if wanted is not None:
            nodes = [node for node in nodes if getattr(node, member) == wanted]
    return [node for node in nodes if _selected(snapshot, node)]


def _absent(snapshot: ClaimSnapshot, name: str) -> Wait | None:
    """Why no node of the group will come: the cluster has no such group, and its HyperPodCluster asks for none."""
    cluster = snapshot.observed.cluster
    if cluster is None or not name or cluster.group(name) or name in snapshot.observed.desired_groups:
        return None
    return Wait(
        reason=Reason.NODE_NOT_FOUND,
        message=f"{no_group(name, groups=(group.name for group in cluster.groups))}. Correct attachment.target, or add "
        "the group to the cluster.",
        after=snapshot.timings.watch,
        stalled=True,
    )


def _first(snapshot: ClaimSnapshot) -> Resolution:
    """No node was chosen yet, or the spec asks for another one."""
    matching = matching_nodes(snapshot)
    text = snapshot.claim.target_text
    if not matching and (absent := _absent(snapshot, snapshot.claim.group)) is not None:
        return Unresolved(hold=absent)
    if not matching:
        # A group may have no node yet, or be scaled to zero; a node that is named and not there is not expected.
        by_group = snapshot.claim.by_group
        return _unresolved(
            Reason.NODE_NOT_RUNNING if by_group else Reason.NODE_NOT_FOUND,
            f"The cluster has no node for {text}{instead(snapshot)}. "
            "Correct attachment.target, or wait until the node exists.",
            after=snapshot.timings.watch,
            stalled=not by_group,
        )
    if not snapshot.claim.by_group:
        return _resolved(snapshot, matching[0])
    if (there := _already(snapshot, matching)) is not None:
        return _resolved(snapshot, there)
    return _choose(snapshot, matching, what=text, order=partial(_emptiest, snapshot))


def _already(snapshot: ClaimSnapshot, nodes: Sequence[Candidate]) -> Candidate | None:
    """The node of the group that has the volume, where none was chosen yet: adopted, or after the status was lost."""
    where = holding(snapshot)
    if snapshot.claim.status.attachment is not None or not isinstance(where, Held):
        return None
    return next((node for node in nodes if node.instance_id == where.instance_id), None)


# [assumption: logical-id-may-change]
def _replacement(snapshot: ClaimSnapshot, *, lost: str, group: str) -> Resolution:
    if not snapshot.claim.follows:
        return _unresolved(
            Reason.NODE_NOT_FOUND,
            f"AWS has terminated {lost}, and followNode is Never. Set attachment.target to another node, or "
            "followNode: Replacement.",
            after=snapshot.timings.watch,
            stalled=True,
        )
    matching = [
        node
        for node in snapshot.observed.nodes
        if node.instance_group == group and node.status not in GONE and _selected(snapshot, node)
    ]
    gone_at = _lost_at(snapshot)
    logical = snapshot.claim.status.attachment.nodeLogicalId if snapshot.claim.status.attachment else ""

    def order(node: Candidate) -> tuple[object, ...]:
        launched = node.launched_at.timestamp() if node.launched_at else 0.0
        newer = gone_at is not None and launched >= gone_at.timestamp()
        return (node.cordoned, not newer, not (logical and node.logical_id == logical), -launched, node.instance_id)

    if not any(usable(snapshot, node) for node in matching):
        if _is_elsewhere(snapshot, group):
            return Unresolved(hold=other_zone(snapshot, f"group {group}"))
        if not matching and (absent := _absent(snapshot, group)) is not None:
            return Unresolved(hold=absent)
        return _unresolved(
            Reason.WAITING_FOR_REPLACEMENT,
            f"AWS has terminated {lost}; {_none_yet(snapshot, group)}",
            after=snapshot.timings.watch,
        )
    return _choose(snapshot, matching, what=f"group {group}", order=order)


def _none_yet(snapshot: ClaimSnapshot, name: str) -> str:
    """Why no node of the group takes the place of a lost one, and what to do."""
    found = snapshot.observed.cluster.group(name) if snapshot.observed.cluster else None
    if found is not None and not found.target_count:
        return f"group {name} is scaled to 0 nodes. Add nodes, or choose another target."
    return (
        f"no other node of group {name} in the volume's zone can take the volume yet. Nothing to do if the node is "
        "being replaced; otherwise add nodes, or choose another target."
    )


def _is_elsewhere(snapshot: ClaimSnapshot, group: str) -> bool:
    """Whether the group has all its nodes, so that none is to come, and each is known to be in another zone."""
    found = snapshot.observed.cluster.group(group) if snapshot.observed.cluster else None
    there = [node for node in snapshot.observed.nodes if node.instance_group == group and node.status not in GONE]
    complete = found is not None and 0 < found.target_count <= len(there)
    return complete and not any(in_zone(snapshot, node) for node in there)


def _choose(
    snapshot: ClaimSnapshot, nodes: Sequence[Candidate], *, what: str, order: Callable[[Candidate], tuple[object, ...]]
) -> Resolution:
    # Thousands may be usable, and the first of them is looked for: the order costs less than to look at each.
    first = next((node for node in sorted(nodes, key=order) if usable(snapshot, node)), None)
    watch = snapshot.timings.watch
    if first is not None and tried(snapshot) >= REFUSED_MOST:
        message = (
            f"AWS says of {REFUSED_MOST} nodes of {what} in a row that they have no free slot{_or(snapshot)}. "
            "The operator tries others in a few minutes. Detach another volume, add nodes, or choose another target."
        )
        return _unresolved(Reason.NO_CAPACITY, message, after=watch)
    if first is not None:
        return Resolved(node=first)
    if all(snapshot.observed.restricted(node.instance_group) for node in nodes):
        return Unresolved(hold=restricted(nodes[0]))
    here = [node for node in nodes if in_zone(snapshot, node)]
    if not here:
        return Unresolved(hold=other_zone(snapshot, what))
    if all(node.drained_for for node in here):
        return Unresolved(hold=drained(snapshot, here[0]))
    if all(snapshot.observed.full(node) or refused(snapshot, node) for node in here):
        message = (
            f"No node of {what} in the volume's zone has a free attachment slot{_or(snapshot)}. Detach another volume "
            "there, add nodes, or choose another target."
        )
        return _unresolved(Reason.NO_CAPACITY, message, after=watch)
    room = " that has a free attachment slot" if any(snapshot.observed.full(node) for node in here) else ""
    message = (
        f"No node of {what} in the volume's zone{room} is Running, Ready and schedulable. Nothing to do if that passes."
    )
    return _unresolved(Reason.NODE_NOT_RUNNING, message, after=watch)


def _or(snapshot: ClaimSnapshot) -> str:
    """What else AWS refused nodes for lately, as words that go on."""
    found = codes(snapshot)
    return f", or cannot take the volume now ({', '.join(found)})" if found else ""


def _resolved(snapshot: ClaimSnapshot, node: Candidate) -> Resolution:
    """A given node, with the reason why nothing may be attached to it right now, if there is one."""
    return Resolved(node=node, hold=obstacle(snapshot, node))


def _selected(snapshot: ClaimSnapshot, node: Candidate) -> bool:
    target = snapshot.claim.spec.attachment.target
    selector = target.nodeSelector if target else None
    return not selector or all(node.labels.get(key) == value for key, value in selector.items())


def _lost_at(snapshot: ClaimSnapshot) -> datetime | None:
    recorded = snapshot.claim.status.attachment
    return parse_time(recorded.remembered.lostTime or "") if recorded else None


def _emptiest(snapshot: ClaimSnapshot, node: Candidate) -> tuple[object, ...]:
    return (node.cordoned, snapshot.observed.attached_count(node) or 0, node.instance_id)


def _unresolved(reason: Reason, message: str, *, after: float, stalled: bool = False) -> Unresolved:
    return Unresolved(hold=Wait(reason=reason, message=message, after=after, stalled=stalled))
