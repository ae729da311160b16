"""Volumes whose claim is gone: counted, never touched.

They come of finalizers that were taken off by hand and of abandoned claims. An account may have several EKS clusters
with this operator, so a volume counts only if its tag names the EKS cluster that living claims of ours are in, and a
namespace that this installation looks at.
"""

import logging
from collections.abc import Iterable, Mapping

from hyperpod_operator.api.metrics.volumes import VOLUMES_ORPHANED
from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_EKS_CLUSTER, TAG_OWNER
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.ports import Metrics, Objects
from hyperpod_operator.core.volume.ports import Volume, VolumeClouds

logger = logging.getLogger(__name__)

NAMED = 20
INTERVAL = 540.0
"""Seconds between two counts: as often as claims are looked at by default, however dense the resync is."""


class OrphanController:
    """Compares the volumes that carry a claim's tag with the claims that exist. It changes nothing."""

    def __init__(
        self,
        *,
        claims: Objects,
        cloud: VolumeClouds,
        metrics: Metrics,
        regions: Iterable[str],
        namespaces: Iterable[str] = (),
    ) -> None:
        self._claims = claims
        self._cloud = cloud
        self._metrics = metrics
        self._regions = tuple(sorted(regions))
        self._namespaces = frozenset(namespaces)
        self._ours: set[str] = set()
        """EKS clusters that claims of ours were in at an earlier count."""

    async def reconcile(self) -> None:
        """One count. Raises KubernetesError where claims cannot be listed.

        Without claims nothing is counted: who has none needs no right on EC2, nor its model. Once there were some, the
        count goes on after the last of them, so that it does not stay what it was. Claims are listed again after the
        volumes: one that is made meanwhile is no orphan.
        """
        if not (self._ours or await self._claims.list()):
            return
        volumes = {region: await self._volumes(region) for region in self._regions}
        uids = {claim.uid for claim in await self._claims.list()}
        for region, found in volumes.items():
            if found is not None:
                self._ours |= homes(found, uids=uids)
                self._report(region, orphans(found, uids=uids, namespaces=self._namespaces, ours=self._ours))

    async def _volumes(self, region: str) -> tuple[Volume, ...] | None:
        try:
            return await self._cloud.volumes(region=region).managed_volumes()
        except CloudError as error:
            logger.info("The operator cannot count orphaned volumes in %s; the next count retries: %s", region, error)
            return None

    def _report(self, region: str, found: Mapping[str, str]) -> None:
        self._metrics.set(VOLUMES_ORPHANED, len(found), region)
        if found:
            named = ", ".join(f"{volume_id} of {owner}" for volume_id, owner in sorted(found.items())[:NAMED])
            logger.warning(
                "%d volumes in %s have the tag of a claim that no longer exists, and incur cost: %s. Adopt "
                "each with a new claim (source.volumeId, management.adoptionPolicy: Force), or delete it in EC2.",
                len(found),
                region,
                named,
            )


def homes(volumes: Iterable[Volume], *, uids: set[str]) -> set[str]:
    """The EKS clusters of the volumes of these claims."""
    found = (one.tags.get(TAG_EKS_CLUSTER) for one in volumes if one.tags.get(TAG_CLAIM_UID) in uids and _stays(one))
    return {eks for eks in found if eks}


def orphans(
    volumes: Iterable[Volume], *, uids: set[str], namespaces: frozenset[str], ours: set[str]
) -> Mapping[str, str]:
    """Volume id to the claim that it belonged to, of the EKS clusters that are `ours`."""
    return {
        one.volume_id: one.tags.get(TAG_OWNER, "an unknown claim")
        for one in volumes
        if one.tags.get(TAG_CLAIM_UID)
        and _stays(one)
        and one.tags[TAG_CLAIM_UID] not in uids
        and one.tags.get(TAG_EKS_CLUSTER) in ours
        and (not namespaces or one.tags.get(TAG_OWNER, "").partition("/")[0] in namespaces)
    }


def _stays(volume: Volume) -> bool:
    return volume.state not in {"deleting", "deleted"}
