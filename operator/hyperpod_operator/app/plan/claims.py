"""What the command `plan` reads for an EBSVolumeClaim: its cluster with the nodes, and its volume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_OWNER
from hyperpod_operator.app.plan.manifests import Manifest
from hyperpod_operator.app.plan.server import Server
from hyperpod_operator.app.reading import require_region
from hyperpod_operator.app.remedies import words
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.volume.parse import parse
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.location import Record, records_of_cluster
from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject
from hyperpod_operator.core.preview.claim import preview_claim
from hyperpod_operator.core.preview.model import Preview, Sight
from hyperpod_operator.core.volume.adoption import left_behind
from hyperpod_operator.core.volume.claim import CREATED, Claim
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.observed import Candidate, Observed
from hyperpod_operator.core.volume.ports import Volume
from hyperpod_operator.core.volume.whereabouts import misplaced


@dataclass(frozen=True, kw_only=True)
class _Place:
    """The HyperPod cluster that a claim names. `cluster` is its name or ARN; `planned`: the files have its resource."""

    region: str = ""
    cluster: str = ""
    planned: bool = False
    records: tuple[Record, ...] = ()
    """What the HyperPodCluster object says of its place."""


class ClaimPreviewer:
    """Previews of claims, with what the files and the API server say of their clusters."""

    def __init__(self, cloud: AwsCloud, server: Server | None, manifests: Sequence[Manifest]) -> None:
        self._cloud = cloud
        self._server = server
        self._planned: Mapping[Key, Mapping[str, Any]] = {
            one.key: one.body for one in manifests if one.kind == CLUSTER.name and not one.problem
        }

    async def preview(self, applied: StoredObject, *, sight: Sight) -> Preview:
        """`applied` is the object as it would be stored. Raises CloudError when AWS cannot be read, InputError where no
        Region is known."""
        claim = parse(applied)
        place = await self._place(claim)
        if place is None:
            unknown = f"which cluster HyperPodCluster {claim.spec.clusterRef.name} is: neither the files nor an API "
            unknown += "server have it"
            return _nothing(claim, region="", unknown=(*sight.refused, unknown))
        require_region(place.region, cloud=self._cloud, what=str(claim.key))
        region = place.region or self._cloud.region
        here = await self._cloud.location(region=region)
        if elsewhere := misplaced(claim, here, clusters=place.records):
            return replace(_nothing(claim, region=region, unknown=sight.refused), blocked=elsewhere.message)
        try:
            observed, claim = await self._look(claim, place, region=region, sight=sight)
        except CloudError as error:
            if error.kind is not ErrorKind.DENIED:
                raise
            return _nothing(claim, region=region, unknown=(*sight.refused, f"what AWS has of it: {words(error)}"))
        snapshot = ClaimSnapshot(claim=claim, observed=observed, now=datetime.now(UTC), here=here)
        if claim.origin == CREATED and observed.volume is None and not observed.tagged:
            former = await self._former(claim, region=region)
            left = tuple(one for one in former if left_behind(snapshot, one))
            snapshot = replace(snapshot, observed=replace(observed, former=left))
        return preview_claim(snapshot, sight=sight)

    async def _place(self, claim: Claim) -> _Place | None:
        ref = claim.spec.clusterRef
        if ref.clusterArn:
            return _Place(region=ref.clusterArn.split(":")[3], cluster=ref.clusterArn)
        if ref.clusterName:
            return _Place(cluster=ref.clusterName)
        key = Key(claim.key.namespace, ref.name or "")
        if key in self._planned:
            return _of(self._planned[key], key=key, planned=True)
        try:
            stored = await self._server.read(CLUSTER, key) if self._server is not None else None
        except KubernetesError:
            return None
        return _of(stored.body, key=key, planned=False) if stored is not None else None

    async def _look(self, claim: Claim, place: _Place, *, region: str, sight: Sight) -> tuple[Observed, Claim]:
        """What AWS shows, and the claim with the uid that its volume's tags give it where no API server could say."""
        clusters, volumes = self._cloud.clusters(region=region), self._cloud.volumes(region=region)
        cluster = await clusters.describe(name=place.cluster)
        nodes = await clusters.nodes(name=cluster.arn) if cluster is not None else ()
        volume = await volumes.find_volume(volume_id=claim.volume_id, fresh=True) if claim.volume_id else None
        if not sight.memory:
            owned = [one for one in await self._former(claim, region=region) if one.tags.get(TAG_OWNER) == claim.owner]
            uids = {one.tags.get(TAG_CLAIM_UID, "") for one in owned}
            claim = replace(claim, uid=uids.pop()) if len(uids) == 1 else claim
        tagged = await volumes.find_volumes_by_tag(claim_uid=claim.uid) if claim.uid else ()
        observed = Observed(
            cluster=cluster,
            coming=cluster is None and place.planned,
            region=region,
            volume=volume,
            tagged=tagged,
            nodes=tuple(
                Candidate(
                    instance_id=one.instance_id,
                    instance_group=one.group,
                    status=one.status,
                    logical_id=one.logical_id,
                    launched_at=one.launched_at,
                )
                for one in nodes
                if one.instance_id
            ),
        )
        return observed, claim

    async def _former(self, claim: Claim, *, region: str) -> tuple[Volume, ...]:
        return await self._cloud.volumes(region=region).find_volumes_of_owner(owner=claim.owner)


def _of(body: Mapping[str, Any], *, key: Key, planned: bool) -> _Place:
    spec, status = body.get("spec") or {}, body.get("status") or {}
    name = str(status.get("clusterArn") or spec.get("clusterName") or key.name)
    return _Place(
        region=str(spec.get("region") or ""), cluster=name, planned=planned, records=records_of_cluster(key.name, body)
    )


def _nothing(claim: Claim, *, region: str, unknown: tuple[str, ...]) -> Preview:
    ref = claim.spec.clusterRef
    name = ref.name or ref.clusterName or ref.clusterArn or ""
    return Preview(name=str(claim.key), cluster_name=name, region=region, exists=False, unknown=unknown)
