"""The nodes of a claim's cluster as decisions see them: SageMaker's instances with their Nodes, and room on them."""

from collections.abc import Mapping

from hyperpod_operator.controllers.volume.counts import Counts
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.controllers.volume.views import View
from hyperpod_operator.core.drain.marks import detaches, drained_for, is_draining
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.health.facts import cluster_id
from hyperpod_operator.core.health.instance_types import PREFIX
from hyperpod_operator.core.health.node import ZONE, ZONE_ID, Node
from hyperpod_operator.core.health.state import UNSCHEDULABLE_PREFIX
from hyperpod_operator.core.health.taint import TAINT
from hyperpod_operator.core.observed import ObservedNode
from hyperpod_operator.core.volume import slots
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.observed import GONE, Candidate
from hyperpod_operator.core.volume.ports import AttachmentLimit, VolumeCloud


async def candidates(
    *, ports: VolumePorts, cloud: VolumeCloud, counts: Counts, claim: Claim, view: View, region: str
) -> tuple[Candidate, ...]:
    if view.cluster is None:
        return ()
    kube = {node.instance_id: node for node in ports.nodes.of_cluster(cluster_id(view.cluster.arn))}
    selected: frozenset[str] | None = None
    target = claim.spec.attachment.target
    choosing = _chooses(claim, view, drained=frozenset(name for name, node in kube.items() if is_draining(node)))
    if choosing and target is not None and target.nodeSelector:
        selected = await ports.labels.selected(selector=target.nodeSelector)
    slot_limits, taken = (
        await _slots(cloud=cloud, counts=counts, claim=claim, nodes=view.nodes, region=region)
        if choosing
        else ({}, None)
    )
    selector = dict(target.nodeSelector or {}) if target is not None else {}
    return tuple(
        _candidate(
            instance,
            kube.get(instance.instance_id),
            limit=slot_limits.get(instance.instance_id),
            count=taken.get(instance.instance_id, 0) if taken is not None else None,
            selector=selector if selected is not None else {},
            selected=selected or frozenset(),
        )
        for instance in view.nodes
        if instance.instance_id
    )


def _candidate(
    instance: ObservedNode,
    node: Node | None,
    *,
    limit: AttachmentLimit | None,
    count: int | None,
    selector: Mapping[str, str],
    selected: frozenset[str],
) -> Candidate:
    labels = node.labels if node else {}
    asked = selector if node is not None and node.name in selected else {}
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
        drained_for=drained_for(node) if node is not None else "",
        asked_to_detach=node is not None and detaches(node),
        labels={**labels, **asked},
        attached_count=count,
        limit=slots.slots(limit, labels=labels),
    )


def _tainted(node: Node) -> bool:
    """HyperPod's taint is on it, or its label says that it should be."""
    tainted = any((taint.key, taint.effect) == (TAINT.key, TAINT.effect) for taint in node.taints)
    return tainted or node.labels.get(TAINT.key, "").startswith(UNSCHEDULABLE_PREFIX)


async def _slots(
    *, cloud: VolumeCloud, counts: Counts, claim: Claim, nodes: tuple[ObservedNode, ...], region: str
) -> tuple[Mapping[str, AttachmentLimit], Mapping[str, int] | None]:
    """Limits and counts by instance id; nothing where the operator may not ask: EC2 itself refuses what is too much."""
    types = sorted({node.instance_type.removeprefix(PREFIX) for node in nodes if node.instance_type})
    try:
        known = await cloud.attachment_limits(instance_types=types)
        await counts.refresh(region=region, cloud=cloud)
    except CloudError as error:
        if error.kind is not ErrorKind.DENIED:
            raise
        return {}, None
    taken = counts.taken(region=region, by_others_than=claim.key)
    found = {node.instance_id: known.get(node.instance_type.removeprefix(PREFIX)) for node in nodes}
    return {instance: limit for instance, limit in found.items() if limit is not None}, taken


def _chooses(claim: Claim, view: View, *, drained: frozenset[str]) -> bool:
    """Whether this pass may choose a node: none is recorded, its instance is gone or `drained`, the target changed."""
    if not claim.direct or claim.deleting:
        return False
    recorded = claim.status.attachment
    there = {node.instance_id for node in view.nodes if node.status not in GONE}
    return (
        recorded is None
        or recorded.instanceId not in there
        or recorded.instanceId in drained
        or recorded.remembered.target != claim.target_text
        or bool(recorded.remembered.refused)
    )
