"""From a stored EBSVolumeClaim to a Claim, or to the reason why not."""

from hyperpod_operator.api.names import FORCE_DELETE
from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus
from hyperpod_operator.controllers.approval import manager_of
from hyperpod_operator.controllers.parse import parse_spec_with_unknown, parse_status, reconcile_requested_at
from hyperpod_operator.core.ports import StoredObject
from hyperpod_operator.core.volume.claim import Claim


def parse(stored: StoredObject) -> Claim:
    """Raises InvalidSpecError."""
    spec, unknown = parse_spec_with_unknown(stored, EBSVolumeClaimSpec)
    return Claim(
        key=stored.key,
        uid=stored.uid,
        generation=stored.generation,
        deleting=stored.deleting,
        reconcile_requested_at=reconcile_requested_at(stored),
        force_delete=stored.annotations.get(FORCE_DELETE) == stored.key.name,
        spec=spec,
        status=claim_status(stored),
        requested_by=manager_of(stored, ("spec",)),
        unknown=unknown,
    )


def claim_status(stored: StoredObject) -> EBSVolumeClaimStatus:
    """Where it cannot be read it is empty: the volume is then found by its tag."""
    return parse_status(stored, EBSVolumeClaimStatus)
