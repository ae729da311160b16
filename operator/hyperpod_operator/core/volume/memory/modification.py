"""The last change of the volume, and what is left of the day's four."""

from hyperpod_operator.api.volume.memory import ModificationMemory
from hyperpod_operator.api.volume.status import ModificationStatus
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.modification import budget, describe, pending_change
from hyperpod_operator.core.volume.pass_record import PassRecord, Rejected
from hyperpod_operator.core.volume.plan import ModifyVolume
from hyperpod_operator.core.volume.ports import Change
from hyperpod_operator.core.volume.refusals import DEFINITE


def modification(pass_record: PassRecord) -> ModificationStatus | None:
    snapshot, result = pass_record.snapshot, pass_record.result
    old = snapshot.claim.status.modification
    if pass_record.blind or snapshot.volume is None or snapshot.observed.modification_denied is not None:
        return old
    latest, spent = snapshot.observed.modification, budget(snapshot)
    called = stamp(snapshot.now) if result is not None and isinstance(result.step, ModifyVolume) else ""
    started = [text for moment in spent.started if (text := stamp(moment)) != called]
    open_change = pending_change(snapshot) or None
    made = ModificationStatus(
        modificationState=latest.modification_state if latest else None,
        progress=latest.progress if latest else None,
        startTime=stamp(latest.start_time) if latest and latest.start_time else None,
        target=_target(latest) if latest else None,
        used24h=len(started),
        nextAllowedTime=stamp(spent.next_at) if spent.next_at else None,
        memory=ModificationMemory(pendingChange=open_change, startTimes=started or None).or_none(),
    )
    if open_change:
        before = old.remembered if old is not None else ModificationMemory()
        since = before.pendingSince if before.pendingChange == open_change else None
        made = updated(made, {"pendingSince": since or stamp(snapshot.now)})
    certain = not (isinstance(result, Rejected) and result.error.kind in DEFINITE)
    if called and certain:
        spent_now = [*started, called]
        made = updated(made, {"startTimes": spent_now, "used24h": len(spent_now)})
    empty = latest is None and not open_change and not made.remembered.startTimes
    return None if empty else made


def _target(latest: object) -> str | None:
    change = Change(
        size=getattr(latest, "target_size", None),
        volume_type=getattr(latest, "target_volume_type", "") or None,
        iops=getattr(latest, "target_iops", None),
        throughput=getattr(latest, "target_throughput", None),
    )
    return describe(change) or None
