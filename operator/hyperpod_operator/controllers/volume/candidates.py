"""The nodes of a claim's cluster as decisions see them: SageMaker's instances with their Nodes, and room on them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hyperpod_operator.controllers.volume.counts import Counts
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.controllers.volume.views import View
from hyperpod_operator.core.drain.marks import detaches, drained_for, is_draining
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.health.instance_types import PREFIX
from hyperpod_operator.core.health.node import ZONE, ZONE_ID, Node
from hyperpod_operator.core.health.state import UNSCHEDULABLE_PREFIX
from hyperpod_operator.core.health.taint import TAINT
from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.observed import GONE, ObservedNode
from hyperpod_operator.core.volume import slots
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.observed import NO_LABELS, Candidate
from hyperpod_operator.core.volume.ports import AttachmentLimit, VolumeCloud

CORDONS = frozenset({"node.kubernetes.io/unschedulable", "ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted"})
"""Taints of a cordon and of autoscalers that are about to remove a node (kubernetes.io, "Well-Known Labels, Annotations
and Taints"; kubernetes/autoscaler, "taints"; karpenter.sh, "Disruption")."""
MOST_CLUSTERS = 32
"""Clusters whose candidates are kept, those that claims asked about last: 5,000 of them take two megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A candidate, and what it was made of."""

    instance: ObservedNode
    node: Node | None
    limit: AttachmentLimit | None
    candidate: Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """All candidates of a cluster, and what they were made of. `drained` are instances whose Nodes are drained."""

    instances: tuple[ObservedNode, ...]
    nodes: tuple[Node, ...]
    limits: Mapping[str, AttachmentLimit]
    drained: frozenset[str]
    made: Mapping[str, _Made]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The nodes, and how many volumes are on each by instance id; None where no claim asked for that."""

    nodes: tuple[Candidate, ...] = ()
    taken: Mapping[str, int] | None = None


class Candidates:
    """Of all claims. A cluster has thousands of nodes and its claims look often, so what is made of a node is kept for
    as long as SageMaker and Kubernetes say the same of it. Belongs to one event loop."""

    def __init__(self, *, ports: VolumePorts, counts: Counts) -> None:
        self._ports = ports
        self._counts = counts
        self._clusters: dict[str, _Cluster] = {}
        """By ARN, the one that was asked for last at the end."""
        self._limits: dict[str, Mapping[str, AttachmentLimit]] = {}
        """By region, then instance type: as they were last read for a claim that chose."""

    async def of(self, claim: Claim, *, cloud: VolumeCloud, view: View, region: str) -> Seen:
        """As this claim sees them. Raises CloudError, KubernetesError."""
        if view.cluster is None:
            return Seen()
        arn = view.cluster.arn
        known = self._all(arn, view.nodes, region=region)
        if not _chooses(claim, view, drained=known.drained):
            return Seen(nodes=known.candidates)
        target = claim.spec.attachment.target
        selector = dict(target.nodeSelector or {}) if target is not None else {}
        selected = await self._ports.labels.selected(selector=selector) if selector else frozenset()
        taken = await self._taken(claim, cloud=cloud, nodes=view.nodes, region=region)
        nodes = self._all(arn, view.nodes, region=region).candidates  # the limits may have been read just now
        if selected:
            # Kubernetes decides which nodes a selector selects: by labels that are not held.
            nodes = tuple(
                replace(node, labels={**node.labels, **selector}) if node.node_name in selected else node
                for node in nodes
            )
        return Seen(nodes=nodes, taken=taken)

    async def _taken(
        self, claim: Claim, *, cloud: VolumeCloud, nodes: tuple[ObservedNode, ...], region: str
    ) -> Mapping[str, int] | None:
        """Counts by instance id; None where the operator may not ask: EC2 itself refuses what is too much."""
        types = sorted({node.instance_type.removeprefix(PREFIX) for node in nodes if node.instance_type})
        try:
            known = await cloud.attachment_limits(instance_types=types)
            await self._counts.refresh(region=region, cloud=cloud)
        except CloudError as error:
            if error.kind is not ErrorKind.DENIED:
                raise
            return None
        self._limits[region] = {**self._limits.get(region, {}), **known}
        return self._counts.taken(region=region, by_others_than=claim.key)

    def _all(self, arn: str, instances: tuple[ObservedNode, ...], *, region: str) -> _Cluster:
        nodes = self._ports.nodes.of_cluster(cluster_id(arn))
        limits = self._limits.get(region, {})
        held = self._clusters.pop(arn, None)
        if held is None or (held.instances, held.nodes, held.limits) != (instances, nodes, limits):
            held = _cluster(instances, nodes, limits, before=held.made if held is not None else {})
        elif held.instances is not instances:
            held = replace(held, instances=instances)  # the next comparison is with these, item by item the same
        self._clusters[arn] = held
        if len(self._clusters) > MOST_CLUSTERS:
            del self._clusters[next(iter(self._clusters))]
        return held


def _cluster(
    instances: tuple[ObservedNode, ...],
    nodes: tuple[Node, ...],
    limits: Mapping[str, AttachmentLimit],
    *,
    before: Mapping[str, _Made],
) -> _Cluster:
    kube, made = {node.instance_id: node for node in nodes}, dict[str, _Made]()
    for instance in instances:
        if not (name := instance.instance_id):
            continue
        node, limit = kube.get(name), limits.get(instance.instance_type.removeprefix(PREFIX))
        held = before.get(name)
        if held is None or (held.node, held.limit) != (node, limit) or held.instance != instance:
            held = _Made(instance=instance, node=node, limit=limit, candidate=_candidate(instance, node, limit))
        made[name] = held
    return _Cluster(
        instances=instances,
        nodes=nodes,
        limits=limits,
        drained=frozenset(name for name, node in kube.items() if is_draining(node)),
        made=made,
        candidates=tuple([one.candidate for one in made.values()]),
    )


def _candidate(instance: ObservedNode, node: Node | None, limit: AttachmentLimit | None) -> Candidate:
    labels = node.labels if node else NO_LABELS
    return Candidate(
        instance_id=instance.instance_id,
        instance_group=instance.group,
        status=instance.status,
        logical_id=instance.logical_id,
        launched_at=instance.launched_at,
        node_name=node.name if node else "",
        availability_zone=labels.get(ZONE, ""),
        availability_zone_id=labels.get(ZONE_ID, ""),
        ready=node.ready if node else None,
        hostname=node.hostname if node else "",
        schedulable=node is None or not _tainted(node),
        cordoned=node is not None and any(taint.key in CORDONS for taint in node.taints),
        drained_for=drained_for(node) if node is not None else "",
        asked_to_detach=node is not None and detaches(node),
        labels=labels,
        limit=slots.slots(limit, labels=labels),
    )


def _tainted(node: Node) -> bool:
    """HyperPod's taint is on it, or its label says that it should be."""
    tainted = any((taint.key, taint.effect) == (TAINT.key, TAINT.effect) for taint in node.taints)
    return tainted or node.labels.get(TAINT.key, "").startswith(UNSCHEDULABLE_PREFIX)


def _chooses(claim: Claim, view: View, *, drained: frozenset[str]) -> bool:
    """Whether this pass may choose a node: none is recorded, its instance is gone, `drained` or in another group, the
    target changed."""
    if not claim.direct or claim.deleting:
        return False
    recorded = claim.status.attachment
    groups = {node.instance_id: node.group for node in view.nodes if node.status not in GONE}
    return (
        recorded is None
        or recorded.instanceId not in groups
        or recorded.instanceId in drained
        or (claim.by_group and groups[recorded.instanceId] != claim.group)
        or recorded.remembered.target != claim.target_text
        or bool(recorded.remembered.refused)
    )
