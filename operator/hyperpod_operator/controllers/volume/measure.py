"""How long attaching and detaching took, read off two statuses: no clock of our own has to survive a restart."""

from datetime import datetime

from hyperpod_operator.api.metrics.volumes import (
    VOLUME_ATTACH_SECONDS,
    VOLUME_DETACH_SECONDS,
    VOLUME_FOLLOW_SECONDS,
)
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.ports import Metrics


def measure_moves(
    before: EBSVolumeClaimStatus, after: EBSVolumeClaimStatus, *, now: datetime, metrics: Metrics
) -> None:
    """Count an attachment that was first seen now, and one that was last seen before."""
    was, now_is = before.attachment, after.attachment
    attached_before = was is not None and was.state == "attached"
    if now_is is not None and now_is.state == "attached":
        called = parse_time(now_is.attachTime or "")
        same = attached_before and was is not None and was.instanceId == now_is.instanceId
        if called is not None and not same:
            moved = str(bool(after.previousAttachments)).lower()
            metrics.observe(VOLUME_ATTACH_SECONDS, (now - called).total_seconds(), moved)
            lost = parse_time((was.remembered.followTime or "") if was else "")
            if lost is not None:
                metrics.observe(VOLUME_FOLLOW_SECONDS, (now - lost).total_seconds())
    elif attached_before or (was is not None and was.state == "detaching"):
        wanted = parse_time((was.remembered.detachTime or was.remembered.lostTime or "") if was else "")
        gone = now_is is None or now_is.state in (None, "detached")
        if wanted is not None and gone:
            metrics.observe(VOLUME_DETACH_SECONDS, (now - wanted).total_seconds())
