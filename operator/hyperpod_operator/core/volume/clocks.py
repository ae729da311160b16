"""The status of a claim without moments that have not come yet (see `core.engine.clocks`).

When the volume was attached stays as it is: it is compared with AWS's time, and proves whose the attachment is.
"""

from datetime import datetime, timedelta

from hyperpod_operator.api.volume.status import AttachmentStatus, EBSVolumeClaimStatus, ModificationStatus
from hyperpod_operator.core.engine.clocks import all_by_now, by_now, has_come
from hyperpod_operator.core.engine.memory import revised
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.timings import PAUSE_MOST


def with_moments_until(status: EBSVolumeClaimStatus, *, now: datetime) -> EBSVolumeClaimStatus:
    """All that a decision measures the time from; a retry is due within the longest pause."""
    notes = status.remembered
    operations = all_by_now(status.operations, "time", "rejectedAt", now=now)
    latest = now + timedelta(seconds=PAUSE_MOST)
    if operations is not None:
        operations = [
            one if has_come(one.retryAt, now=latest) else one.model_copy(update={"retryAt": stamp(latest)})
            for one in operations
        ]
    members = {
        "operations": operations,
        "adoption": by_now(status.adoption, "announcedAt", now=now) if status.adoption is not None else None,
        "missing": by_now(notes.missing, "since", now=now) if notes.missing is not None else None,
        "creation": by_now(notes.creation, "time", now=now) if notes.creation is not None else None,
        "attachment": _attachment(status.attachment, now=now) if status.attachment is not None else None,
        "modification": _modification(status.modification, now=now) if status.modification is not None else None,
    }
    return revised(status, members)


def _attachment(attachment: AttachmentStatus, *, now: datetime) -> AttachmentStatus:
    before = attachment.remembered
    after = by_now(before, "lostTime", "followTime", "detachTime", now=now)
    after = after.model_copy(update={"refused": all_by_now(before.refused, "time", now=now)})
    return attachment if after == before else attachment.model_copy(update={"memory": after})


def _modification(modification: ModificationStatus, *, now: datetime) -> ModificationStatus:
    before = modification.remembered
    after = by_now(before, "pendingSince", now=now)
    times = [text if has_come(text, now=now) else stamp(now) for text in before.startTimes or ()] or None
    after = after.model_copy(update={"startTimes": times})
    return modification if after == before else modification.model_copy(update={"memory": after})
