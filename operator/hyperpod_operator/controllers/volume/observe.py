"""Read what one pass over a claim needs, and no more.

A settled claim costs AWS no call of its own: its volume comes with one DescribeVolumes for all claims, its cluster
with one look for all claims of the cluster. The rest is read when a decision hangs on it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.names import NODE_HEALTH_STATUS, TAG_CLAIM_UID, TAG_OWNER
from hyperpod_operator.controllers.parse import parse_status
from hyperpod_operator.controllers.volume.candidates import Candidates
from hyperpod_operator.controllers.volume.counts import Counts
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.controllers.volume.published import published
from hyperpod_operator.controllers.volume.views import View
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.health.state import State
from hyperpod_operator.core.location import Record, cluster_id, eks_cluster_of, records_of_cluster
from hyperpod_operator.core.object_name import is_object_name
from hyperpod_operator.core.ports import Key, KubernetesError
from hyperpod_operator.core.volume.adoption import Belongs, belongs, left_behind, takes_from_another
from hyperpod_operator.core.volume.claim import CREATED, TAG_VALUE_MOST, Claim
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.modification import NOTHING, UNDER_WAY, change
from hyperpod_operator.core.volume.observed import (
    Candidate,
    Lease,
    Observed,
)
from hyperpod_operator.core.volume.ports import Snapshot, Volume, VolumeCloud

MOVING = 4.0
"""Seconds that a view of the cluster may be old while something is to be done."""
SETTLED = 60.0
"""The same while nothing is."""
FORBIDDEN = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The HyperPod cluster that a claim names: its Region and its name or ARN; empty while it is not known.

    `coming`: its HyperPodCluster is there and has no ARN yet; `no_object`: there is no such HyperPodCluster. `records`
    are what that object says of its place, `groups` the names of the instance groups and `eks` the ARN of the EKS
    cluster that it asks for.
    """

    region: str = ""
    cluster: str = ""
    coming: bool = False
    no_object: bool = False
    records: tuple[Record, ...] = ()
    groups: frozenset[str] = frozenset()
    eks: str = ""


async def where(*, ports: VolumePorts, claim: Claim) -> Where:
    """Resolve `spec.clusterRef`. A HyperPodCluster object tells its own ARN, once it has one."""
    ref = claim.spec.clusterRef
    if ref.clusterArn:
        return Where(region=ref.clusterArn.split(":")[3], cluster=ref.clusterArn)
    if ref.clusterName:
        return Where(cluster=ref.clusterName)
    recorded = claim.status.attachment.clusterArn if claim.status.attachment else None
    stored = await ports.clusters.read(Key(claim.key.namespace, ref.name or ""))
    if stored is None:
        # What the object said before it went: without the Region the volume would be looked for in the wrong one.
        region = (recorded or "::::").split(":")[3] or claim.status.region or ""
        return Where(region=region, cluster=recorded or "", no_object=True)
    spec = stored.body.get("spec") or {}
    own = parse_status(stored, HyperPodClusterStatus).clusterArn
    arn = own or recorded or ""
    return Where(
        region=str(spec.get("region") or ""),
        cluster=arn,
        coming=not arn,
        records=records_of_cluster(ref.name or "", stored.body),
        groups=_groups(spec),
        eks=eks_cluster_of(spec),
    )


def _groups(spec: Mapping[str, Any]) -> frozenset[str]:
    """Names of the groups of a HyperPodCluster's spec, which may be one that an earlier version wrote."""
    groups = (group for member in ("instanceGroups", "restrictedInstanceGroups") for group in spec.get(member) or ())
    return frozenset(str(group.get("instanceGroupName") or "") for group in groups)


async def observe(
    *, ports: VolumePorts, cloud: VolumeCloud, candidates: Candidates, claim: Claim, at: Where, fresh: bool
) -> Observed:
    """One look at everything; without `fresh` at what others read within half a minute, where they did. Raises
    CloudError, KubernetesError."""
    age = MOVING if fresh else SETTLED
    try:
        async with asyncio.TaskGroup() as reads:
            viewed = reads.create_task(_view(ports=ports, at=at, age=age))
            found_volume = reads.create_task(_volume(cloud=cloud, claim=claim, fresh=fresh))
        view, (volume, tagged) = viewed.result(), found_volume.result()
        known = Observed(cluster=view.cluster, volume=volume, tagged=tagged)
        known = replace(known, former=await _former(ports=ports, cloud=cloud, claim=claim, known=known))
        judged = ClaimSnapshot(claim=claim, observed=known, now=ports.clock.now())
        there = judged.volume
        async with asyncio.TaskGroup() as reads:
            reading = reads.create_task(candidates.of(claim, cloud=cloud, view=view, region=at.region))
            had = reads.create_task(_had(ports=ports, snapshot=judged, fresh=fresh))
            in_kubernetes = reads.create_task(published(ports=ports, claim=claim, there=there, fresh=fresh))
    except ExceptionGroup as broken:
        raise broken.exceptions[0] from None
    nodes = reading.result()
    seen = replace(
        in_kubernetes.result(),
        cluster=view.cluster,
        coming=at.coming,
        no_object=at.no_object,
        desired_groups=at.groups,
        desired_eks_cluster=at.eks,
        region=at.region,
        nodes=nodes.nodes,
        taken=nodes.taken,
        holder_ready=_holder_ready(ports=ports, claim=claim),
        volume=volume,
        tagged=tagged,
        former=known.former,
        csi_users=had.result()[0],
        lease=had.result()[1],
        tagged_for=had.result()[2],
        snapshots=await _snapshots(cloud=cloud, claim=claim, nodes=nodes.nodes),
        labelled=await _labelled(ports=ports, claim=claim, view=view),
        elsewhere=await _elsewhere(ports=ports, snapshot=judged, region=at.region),
    )
    if there is not None and _modification_matters(claim, seen, ports=ports):
        seen = await _modified(cloud=cloud, seen=seen, volume_id=there.volume_id)
    return seen


async def _modified(*, cloud: VolumeCloud, seen: Observed, volume_id: str) -> Observed:
    """With the latest modification. Without the permission to read it the volume is served all the same."""
    try:
        found = await cloud.volume_modifications(volume_ids=[volume_id])
    except CloudError as error:
        if error.kind is not ErrorKind.DENIED:
            raise
        return replace(seen, modification_denied=error)
    return replace(seen, modification=found.get(volume_id))


def recounted(observed: Observed, *, counts: Counts, claim: Claim) -> Observed:
    """With the choices that other claims made while this pass was still reading. It is called right before the
    decision, with nothing awaited in between."""
    if observed.taken is None:
        return observed
    return replace(observed, taken=counts.taken(region=observed.region, by_others_than=claim.key))


def is_settled(claim: Claim) -> bool:
    """Whether the last pass left nothing to do: then an older view does."""
    ready = next((one for one in claim.status.conditions or [] if one.type == "Ready"), None)
    return bool(ready and ready.status == "True") and not claim.edited and not claim.deleting


async def _view(*, ports: VolumePorts, at: Where, age: float) -> View:
    if not at.cluster:
        return View(cluster=None, nodes=(), seen_at=ports.clock.monotonic())
    return await ports.views.get(region=at.region, name=at.cluster, age=age)


async def _volume(*, cloud: VolumeCloud, claim: Claim, fresh: bool) -> tuple[Volume | None, tuple[Volume, ...]]:
    """By id; by tag, too, where what has the id does not carry the tag: a name in status proves nothing."""
    if claim.volume_id:
        named = await cloud.find_volume(volume_id=claim.volume_id, fresh=fresh)
        proved = named is not None and named.tags.get(TAG_CLAIM_UID) == claim.uid
        if proved or claim.origin != CREATED:
            return named, ()
        return named, await cloud.find_volumes_by_tag(claim_uid=claim.uid)
    return None, await cloud.find_volumes_by_tag(claim_uid=claim.uid)


async def _former(
    *, ports: VolumePorts, cloud: VolumeCloud, claim: Claim, known: Observed
) -> tuple[Volume, ...] | None:
    """What an earlier claim of this namespace and name left; looked up before the first volume is made."""
    makes = claim.origin == CREATED and not claim.requested and not claim.deleting
    if not makes or known.volume is not None or known.tagged:
        return None
    snapshot = ClaimSnapshot(claim=claim, observed=known, now=ports.clock.now())
    found = await cloud.find_volumes_of_owner(owner=claim.owner)
    return tuple(volume for volume in found if left_behind(snapshot, volume))


def _holder_ready(*, ports: VolumePorts, claim: Claim) -> bool:
    recorded = claim.status.attachment
    if recorded is None or not recorded.instanceId or not recorded.clusterArn:
        return False
    nodes = ports.nodes.of_cluster(cluster_id(recorded.clusterArn))
    return any(node.instance_id == recorded.instanceId and node.ready for node in nodes)


async def _labelled(*, ports: VolumePorts, claim: Claim, view: View) -> tuple[str, ...]:
    """Nodes with the claim's label: those of its cluster, and, after a sweep saw others, all that the server has."""
    held = ports.nodes.of_cluster(cluster_id(view.cluster.arn)) if view.cluster is not None else ()
    label = claim.label
    names = {node.name for node in held if label in node.labels}
    if ports.strays.suspected(label):
        names |= await ports.labels.holders(key=label)
    return tuple(sorted(names))


async def _elsewhere(*, ports: VolumePorts, snapshot: ClaimSnapshot, region: str) -> bool:
    """Whether the claim that the volume's tags name may live in another control plane, where this one would take it."""
    volume = snapshot.volume
    if volume is None or ports.own_cluster is None or not takes_from_another(snapshot, volume):
        return False
    return await ports.own_cluster.is_not(snapshot.eks_cluster_arn, region=region)


async def _had(
    *, ports: VolumePorts, snapshot: ClaimSnapshot, fresh: bool
) -> tuple[tuple[str, ...], Lease | None, Lease | None]:
    """Who else has the volume: the CSI driver, another claim by its Lease, another claim by the volume's tags."""
    claim, there, users = snapshot.claim, snapshot.volume, tuple[str, ...]()
    if there is not None:
        users = await ports.users.csi(volume_id=there.volume_id, ours=claim.persistent_volume_name, fresh=fresh)
    # The Lease of a volume that is gone has to be given back, too.
    volume_id = there.volume_id if there is not None else claim.volume_id
    lease = await _lease(ports=ports, claim=claim, volume_id=volume_id) if volume_id else None
    return users, lease, await _tagged_for(ports=ports, snapshot=snapshot)


async def _lease(*, ports: VolumePorts, claim: Claim, volume_id: str) -> Lease | None:
    holder = await ports.leases.holder(volume_id=volume_id)
    if holder is None:
        return None
    if holder == claim.holder:
        return Lease(holder=holder, holder_alive=True)
    return await _held(ports=ports, holder=holder)


async def _tagged_for(*, ports: VolumePorts, snapshot: ClaimSnapshot) -> Lease | None:
    """The other claim of this EKS cluster that the volume's tags name, where this one would take the volume from it.
    Its Lease may be in the namespace of another installation."""
    volume = snapshot.volume
    if volume is None or not snapshot.claim.forced or belongs(snapshot, volume) is not Belongs.OTHER_CLAIM:
        return None
    owner, uid = volume.tags.get(TAG_OWNER, ""), volume.tags.get(TAG_CLAIM_UID, "")
    if not owner or not uid:
        return None
    if len(owner) >= TAG_VALUE_MOST:
        return Lease(holder=owner, holder_alive=True, holder_readable=False)  # the name may have been cut
    if not all(map(is_object_name, owner.split("/", 1))):
        return None
    return await _held(ports=ports, holder=f"{owner}/{uid}")


async def _held(*, ports: VolumePorts, holder: str) -> Lease:
    """What is known of the claim of this namespace, name and uid. Raises KubernetesError."""
    namespace, _, rest = holder.partition("/")
    name, _, uid = rest.partition("/")
    try:
        stored = await ports.claims.read(Key(namespace, name)) if name else None
    except KubernetesError as error:
        if error.status != FORBIDDEN:
            raise
        return Lease(holder=holder, holder_alive=True, holder_readable=False)
    return Lease(holder=holder, holder_alive=stored is not None and stored.uid == uid)


def _modification_matters(claim: Claim, seen: Observed, *, ports: VolumePorts) -> bool:
    """Whether one is under way as far as we know, or the volume is not what the spec asks for."""
    recorded = claim.status.modification
    under_way = recorded is not None and recorded.modificationState in UNDER_WAY
    snapshot = ClaimSnapshot(claim=claim, observed=seen, now=ports.clock.now())
    return under_way or (not claim.deleting and change(snapshot) != NOTHING)


async def _snapshots(*, cloud: VolumeCloud, claim: Claim, nodes: tuple[Candidate, ...]) -> tuple[Snapshot, ...] | None:
    """Read when the volume is about to go, or its node is; one that was under way is looked at until it is not."""
    pending = any(one.state == "pending" for one in claim.status.snapshots or [])
    matter = claim.snapshots_first if claim.deleting else _node_is_going(claim, nodes)
    known = [one.snapshotId for one in claim.status.snapshots or []]
    return await cloud.find_snapshots(claim_uid=claim.uid, known=known) if matter or pending else None


def _node_is_going(claim: Claim, nodes: tuple[Candidate, ...]) -> bool:
    """Whether the claim's node is marked for replacement and has had no snapshot for that, as far as status tells."""
    recorded = claim.status.attachment
    instance_id = recorded.instanceId if recorded else None
    done = {one.instanceId for one in claim.status.snapshots or [] if one.state != "error"}
    return (
        claim.snapshots_before_replacement
        and instance_id not in done
        and any(
            node.instance_id == instance_id and node.labels.get(NODE_HEALTH_STATUS) == State.PENDING_REPLACEMENT
            for node in nodes
        )
    )
