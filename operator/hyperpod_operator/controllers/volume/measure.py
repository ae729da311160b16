"""How long attaching and detaching took, read off two statuses: no clock of our own has to survive a restart."""

from datetime import datetime

from hyperpod_operator.api.volume_status import EBSVolumeClaimStatus
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.volume.metrics import VolumeMetrics


def measure_moves(
    before: EBSVolumeClaimStatus, after: EBSVolumeClaimStatus, *, now: datetime, metrics: VolumeMetrics
) -> None:
    """Count an attachment that was first seen now, and one that was last seen before."""
    was, now_is = before.attachment, after.attachment
    attached_before = was is not None and was.state == "attached"
    if now_is is not None and now_is.state == "attached":
        called = parse_time(now_is.attachTime or "")
        same = attached_before and was is not None and was.instanceId == now_is.instanceId
        if called is not None and not same:
            metrics.volume_attached(seconds=(now - called).total_seconds(), moved=bool(after.previousAttachments))
            lost = parse_time((was.remembered.followTime or "") if was else "")
            if lost is not None:
                metrics.volume_followed(seconds=(now - lost).total_seconds())
    elif attached_before or (was is not None and was.state == "detaching"):
        wanted = parse_time((was.remembered.detachTime or was.remembered.lostTime or "") if was else "")
        gone = now_is is None or now_is.state in (None, "detached")
        if wanted is not None and gone:
            metrics.volume_detached(seconds=(now - wanted).total_seconds())
