"""Read what of a claim is published, and which pods may use it."""

from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.observed import (
    ClaimReference,
    Observed,
    PersistentVolume,
    PersistentVolumeClaim,
)
from hyperpod_operator.core.volume.ports import Volume


async def published(*, ports: VolumePorts, claim: Claim, there: Volume | None, fresh: bool) -> Observed:
    """What is published, and the pods that use it; nothing else is filled in."""
    if _not_yet_published(claim, there):
        return Observed(cluster=None)
    found = None
    if claim.publish is not None or claim.status.persistentVolumeName:
        found = await ports.publications.persistent_volume(name=claim.persistent_volume_name)
    pods: tuple[str, ...] = ()
    if (bound := _bound_to(claim, found)) is not None:
        pods = await ports.users.pods(namespace=bound.namespace, claim_name=bound.name, fresh=fresh)
    if bound is not None and pods and await _uses_another(ports=ports, claim=claim, published=found, bound=bound):
        pods = ()
    return Observed(
        cluster=None,
        pods=pods,
        persistent_volume=found,
        persistent_volume_claim=await _bound_claim(ports=ports, claim=claim),
    )


async def _uses_another(
    *, ports: VolumePorts, claim: Claim, published: PersistentVolume | None, bound: ClaimReference
) -> bool:
    """Whether the PersistentVolumeClaim of this name is provably bound to another PersistentVolume: two claims may name
    one. One that cannot be read, or is gone while its pods run, proves nothing."""
    try:
        found = await ports.publications.persistent_volume_claim(namespace=bound.namespace, name=bound.name)
    except KubernetesError:
        return False
    if found is None or found.volume_name in {"", claim.persistent_volume_name}:
        return False
    reserved_for = published.reserved_for if published is not None else None
    return reserved_for is None or reserved_for.uid != found.uid


def _bound_to(claim: Claim, published: PersistentVolume | None) -> ClaimReference | None:
    """The PersistentVolumeClaim whose pods may have the volume mounted. They keep it when its PersistentVolume, or the
    reference in it, is removed, however many passes ago that was."""
    return (published.reserved_for if published is not None else None) or claim.reserved_for


def _not_yet_published(claim: Claim, there: Volume | None) -> bool:
    """Whether no pod can have come to the volume yet, because status tells of its making and of nothing later, and AWS
    shows it on no node. A status that was lost tells nothing; then Kubernetes is asked, also before a volume is made.
    """
    later = claim.status.persistentVolumeName or claim.status.persistentVolumeClaimName or claim.deleting
    if later or not claim.direct:
        return False
    creation = claim.status.remembered.creation
    if there is None:
        return claim.publish is None or creation is not None
    return claim.requested and not there.attachments


async def _bound_claim(*, ports: VolumePorts, claim: Claim) -> PersistentVolumeClaim | None:
    name = claim.persistent_volume_claim_name
    if not name:
        return None
    return await ports.publications.persistent_volume_claim(namespace=claim.key.namespace, name=name)
