"""From a stored EBSVolumeClaim to a Claim, or to the reason why not."""

import logging

from pydantic import ValidationError

from hyperpod_operator.api.members import unknown_members
from hyperpod_operator.api.names import FORCE_DELETE, RECONCILE_REQUESTED_AT, VOLUME_CLAIM_FINALIZER
from hyperpod_operator.api.volume import EBSVolumeClaimSpec
from hyperpod_operator.api.volume_status import EBSVolumeClaimStatus
from hyperpod_operator.controllers.parse import REQUEST_MOST, InvalidSpecError, problems
from hyperpod_operator.core.ports import StoredObject
from hyperpod_operator.core.text import plain
from hyperpod_operator.core.volume.claim import Claim

logger = logging.getLogger(__name__)


def parse(stored: StoredObject) -> Claim:
    """Raises InvalidSpecError. The API server's schema refuses most of this; an older CRD may not."""
    try:
        spec = EBSVolumeClaimSpec.model_validate(stored.body.get("spec") or {})
    except ValidationError as error:
        raise InvalidSpecError(problems(error)) from None
    return Claim(
        key=stored.key,
        uid=stored.uid,
        generation=stored.generation,
        deleting=stored.deleting,
        has_finalizer=VOLUME_CLAIM_FINALIZER in stored.finalizers,
        reconcile_requested_at=plain(stored.annotations.get(RECONCILE_REQUESTED_AT, ""))[:REQUEST_MOST],
        force_delete=stored.annotations.get(FORCE_DELETE) == stored.key.name,
        spec=spec,
        status=parse_status(stored),
        unknown=unknown_members(EBSVolumeClaimSpec, stored.body.get("spec")),
    )


def parse_status(stored: StoredObject) -> EBSVolumeClaimStatus:
    """The stored status; one that cannot be read counts as empty: the volume is then found by its tag."""
    try:
        return EBSVolumeClaimStatus.model_validate(stored.body.get("status") or {})
    except ValidationError as error:
        logger.warning("status of %s cannot be parsed and is rebuilt from AWS: %s", stored.key, problems(error))
        return EBSVolumeClaimStatus()
