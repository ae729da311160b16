"""What AWS showed before and did not show in this pass, as status has it until a second look finds the same."""

from hyperpod_operator.api.common.missing import Missing
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.missing import not_shown
from hyperpod_operator.core.volume.pass_record import PassRecord


def missing(pass_record: PassRecord) -> Missing | None:
    what, old = not_shown(pass_record.snapshot), pass_record.snapshot.claim.status.remembered.missing
    if not what or pass_record.result is not None:
        return None
    return old if old is not None and old.what == what else Missing(what=what, since=stamp(pass_record.snapshot.now))
