"""Policies about size, type, IOPS and throughput: one call for all of them, and only one that AWS will take.

AWS allows one modification at a time and four in 24 hours, and counts those that change nothing. So edits are
collected for a moment, and what cannot be done now never keeps the volume from being attached.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT, Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import entry_of
from hyperpod_operator.core.errors import SLOW, TREATMENTS
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.ending import text as said
from hyperpod_operator.core.volume.guards import act_once, since
from hyperpod_operator.core.volume.holding import LOST, SLACK
from hyperpod_operator.core.volume.plan import MODIFICATION, ModifyVolume, fingerprint
from hyperpod_operator.core.volume.ports import Change, Modification, Volume
from hyperpod_operator.core.volume.timings import DAY

UNDER_WAY = frozenset({"modifying", "optimizing"})
NOTHING = Change()
MARGIN = 60.0
"""Seconds that our day of modifications is longer than AWS's: one sent a moment too early is refused, and costs half an
hour. Records are in whole seconds, and clocks differ."""
RATED = frozenset({"gp3", "io1", "io2"})
"""Types that keep their IOPS when something else is changed; those of others follow from the size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What is left of the day's modifications. `next_at` is None while one is possible at once."""

    started: tuple[datetime, ...]
    next_at: datetime | None


def change(snapshot: ClaimSnapshot) -> Change:
    """What a call would have to change; members that the spec leaves out are left alone."""
    volume = snapshot.volume
    if volume is None:
        return NOTHING
    wanted, now = snapshot.claim.members, _effective(volume, snapshot)
    return Change(
        size=wanted.size if wanted.size is not None and wanted.size > now.size else None,
        volume_type=wanted.volumeType if wanted.volumeType not in {None, now.volume_type} else None,
        iops=wanted.iops if wanted.iops not in {None, now.iops} else _kept(wanted.iops, snapshot),
        throughput=(
            wanted.throughput if wanted.throughput not in {None, now.throughput} else _kept(wanted.throughput, snapshot)
        ),
    )


def _kept(value: int | None, snapshot: ClaimSnapshot) -> int | None:
    """A changed type resets IOPS and throughput, so the desired values go along with it."""
    volume, wanted = snapshot.volume, snapshot.claim.members.volumeType
    if volume is None or wanted is None:
        return None
    return value if wanted != _effective(volume, snapshot).volume_type else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effective:
    size: int
    volume_type: str
    iops: int | None
    throughput: int | None


def _effective(volume: Volume, snapshot: ClaimSnapshot) -> _Effective:
    """What the volume is, or is on its way to be: DescribeVolumes lags behind a modification that was taken."""
    modification = snapshot.observed.modification
    if modification is None or not _counts(modification, snapshot):
        return _Effective(
            size=volume.size, volume_type=volume.volume_type, iops=volume.iops, throughput=volume.throughput
        )
    return _Effective(
        size=modification.target_size or volume.size,
        volume_type=modification.target_volume_type or volume.volume_type,
        iops=modification.target_iops if modification.target_iops is not None else volume.iops,
        throughput=modification.target_throughput if modification.target_throughput is not None else volume.throughput,
    )


def _counts(modification: Modification, snapshot: ClaimSnapshot) -> bool:
    """Under way, or completed so lately that DescribeVolumes may not show it yet."""
    done = modification.end_time
    lately = done is not None and (snapshot.now - done).total_seconds() < snapshot.timings.unseen
    return modification.modification_state in UNDER_WAY or (modification.modification_state == "completed" and lately)


# [assumption: modification-budget]
def budget(snapshot: ClaimSnapshot) -> Budget:
    """From our own record, and AWS's latest modification if it was somebody else's."""
    recorded = snapshot.claim.status.modification
    times = recorded.remembered.startTimes if recorded else None
    moments = {moment for text in times or [] if (moment := parse_time(text))}
    latest, lost = snapshot.observed.modification, _lost(snapshot)
    span = timedelta(seconds=snapshot.timings.unseen)
    if lost is not None and not any(lost <= moment <= lost + span for moment in moments):
        moments.add(lost)
    began = latest.start_time if latest else None
    if began is not None and not any(abs(began - moment) <= SLACK for moment in moments):
        late = lost is not None and lost < began <= lost + span
        moments = (moments - {lost} if late else moments) | {began}
    window = DAY + MARGIN
    fresh = tuple(sorted(moment for moment in moments if (snapshot.now - moment).total_seconds() < window))
    if len(fresh) < snapshot.timings.modifications:
        return Budget(started=fresh, next_at=None)
    return Budget(started=fresh, next_at=fresh[-snapshot.timings.modifications] + timedelta(seconds=window))


# [assumption: no-answer-leaves-outcome-open]
def _lost(snapshot: ClaimSnapshot) -> datetime | None:
    """When the last call was sent, if nobody knows its answer: AWS may have carried it out, or do so later."""
    last = entry_of(snapshot.claim.status.operations, MODIFICATION)
    return parse_time(last.time or "") if last is not None and last.state in LOST else None


def _shown(snapshot: ClaimSnapshot) -> bool:
    """Whether AWS's latest modification is the last one that is known, and cannot be the one before it."""
    latest, spent = snapshot.observed.modification, budget(snapshot).started
    began = latest.start_time if latest else None
    if began is None or not spent:
        return not spent
    return [moment for moment in spent if abs(began - moment) <= SLACK] == [spent[-1]]


def pending_change(snapshot: ClaimSnapshot) -> str:
    """A hash of the change that is still to be made; empty when there is none."""
    wanted, volume = change(snapshot), snapshot.volume
    if volume is None or wanted == NOTHING:
        return ""
    return fingerprint(ModifyVolume(volume_id=volume.volume_id, change=wanted))


def modify(snapshot: ClaimSnapshot) -> Decision | None:
    """The call, when it is possible now. Otherwise None: attaching goes on, and `unfinished` tells at the end."""
    volume, wanted = snapshot.volume, change(snapshot)
    if volume is None or wanted == NOTHING or not _possible(snapshot):
        return None
    message = f"Modifying {volume.volume_id}: {describe(wanted)}."
    step = ModifyVolume(volume_id=volume.volume_id, change=wanted)
    if _retries(snapshot, wanted):
        return Act(step=step, reason=Reason.MODIFYING, message=message)
    decision = act_once(snapshot, step=step, reason=Reason.MODIFYING, message=message)
    return None if isinstance(decision, Wait) else decision


def unfinished(snapshot: ClaimSnapshot) -> Wait | None:
    """Why the volume is not what the spec asks for, when nothing else is left to do."""
    volume, wanted, timings = snapshot.volume, change(snapshot), snapshot.timings
    if volume is None:
        return None
    if denied := snapshot.observed.modification_denied:
        means = TREATMENTS[denied.kind]
        return Wait(reason=means.reason, message=said(denied, means), after=means.after or SLOW, stalled=means.stalled)
    size, actual = snapshot.claim.members.size, _effective(volume, snapshot).size
    # [assumption: volumes-only-grow]
    if size is not None and size < actual:
        message = (
            f"{volume.volume_id} has {actual} GiB and the spec asks for {size}: EBS volumes only grow. Set "
            f"volume.size to {actual} or more, or remove it."
        )
        return Wait(reason=Reason.SIZE_BELOW_ACTUAL, message=message, after=timings.resync, stalled=True)
    latest = snapshot.observed.modification
    if latest is not None and latest.modification_state == "modifying":
        progress = f" ({latest.progress} %)" if latest.progress is not None else ""
        message = f"AWS is modifying {volume.volume_id}{progress}."
        return Wait(reason=Reason.MODIFYING, message=message, after=timings.poll)
    if wanted == NOTHING:
        return None
    return _why_not(snapshot, wanted)


def _why_not(snapshot: ClaimSnapshot, wanted: Change) -> Wait:
    timings, latest = snapshot.timings, snapshot.observed.modification
    text = describe(wanted)
    if latest is not None and latest.modification_state in UNDER_WAY:
        message = f"{text} waits until AWS has completed the previous modification, which can take hours."
        return Wait(reason=Reason.MODIFYING, message=message, after=timings.watch)
    next_at = budget(snapshot).next_at
    if _failed_alike(snapshot, wanted) and not snapshot.claim.requested_anew:
        at = next_at if next_at is not None or _seen(snapshot) else _sure_at(snapshot)
        when = f", not before {at:%Y-%m-%dT%H:%M:%SZ}" if at is not None else ""
        message = (
            f"AWS could not modify the volume ({text}): "
            f"{((latest and latest.status_message) or 'no reason given').rstrip('. ')}. "
            f"Edit spec.volume, or set the annotation {RECONCILE_REQUESTED_AT} to retry{when}."
        )
        return Wait(reason=Reason.MODIFICATION_FAILED, message=message, after=timings.resync, stalled=True)
    if next_at is not None:
        message = (
            f"{text} waits: AWS allows {timings.modifications} modifications of a volume in 24 hours. The next "
            f"is possible at {next_at:%Y-%m-%dT%H:%M:%SZ}; nothing to do."
        )
        left = (next_at - snapshot.now).total_seconds()
        return Wait(reason=Reason.RATE_LIMITED, message=message, after=min(max(left, timings.poll), timings.resync))
    volume = snapshot.volume
    if volume is not None:
        step = ModifyVolume(volume_id=volume.volume_id, change=wanted)
        decision = act_once(snapshot, step=step, reason=Reason.MODIFYING, message="")
        if isinstance(decision, Wait):
            return decision
    if not _seen(snapshot):
        message = (
            f"{text} waits until {_sure_at(snapshot):%Y-%m-%dT%H:%M:%SZ}: a modification was sent a while ago, and AWS "
            "may not show it yet. Nothing to do."
        )
        return Wait(reason=Reason.MODIFYING, message=message, after=timings.poll)
    message = f"Collecting edits of spec.volume for {timings.debounce:.0f} seconds: {text}."
    return Wait(reason=Reason.MODIFYING, message=message, after=timings.debounce)


def _possible(snapshot: ClaimSnapshot) -> bool:
    volume, latest = snapshot.volume, snapshot.observed.modification
    if volume is None or volume.state not in {"available", "in-use"} or snapshot.observed.modification_denied:
        return False
    if latest is not None and latest.modification_state in UNDER_WAY:
        return False
    wanted = change(snapshot)
    if budget(snapshot).next_at is not None:
        return False
    if _failed_alike(snapshot, wanted):
        return _retries(snapshot, wanted)
    if not _seen(snapshot):
        return False
    recorded = snapshot.claim.status.modification
    if recorded is None or recorded.remembered.pendingChange != pending_change(snapshot):
        return False
    return since(recorded.remembered.pendingSince, now=snapshot.now) >= snapshot.timings.debounce


def _seen(snapshot: ClaimSnapshot) -> bool:
    """Whether AWS shows the last modification, or would by now: until then it would be counted once more."""
    sure_at = _sure_at(snapshot)
    return sure_at is None or snapshot.now >= sure_at or _shown(snapshot)


def _sure_at(snapshot: ClaimSnapshot) -> datetime | None:
    """When AWS shows the last modification at the latest; None without one."""
    spent = budget(snapshot).started
    return spent[-1] + timedelta(seconds=snapshot.timings.unseen) if spent else None


def _failed_alike(snapshot: ClaimSnapshot, wanted: Change) -> bool:
    """Whether AWS's latest modification was this one and failed: the same again would use up another of the four."""
    latest, volume = snapshot.observed.modification, snapshot.volume
    if latest is None or volume is None or latest.modification_state != "failed":
        return False
    kind = wanted.volume_type or volume.volume_type
    kept = kind if kind == volume.volume_type else ""
    pairs = (
        (wanted.size or volume.size, latest.target_size),
        (kind, latest.target_volume_type),
        (wanted.iops or (volume.iops if kept in RATED else None), latest.target_iops),
        (wanted.throughput or (volume.throughput if kept == "gp3" else None), latest.target_throughput),
    )
    return all(own is None or not theirs or own == theirs for own, theirs in pairs)


def _retries(snapshot: ClaimSnapshot, wanted: Change) -> bool:
    """Whether a person wants what failed to be tried again, and AWS shows that it is over: nothing is to be collected,
    and a request that would have to wait would be forgotten."""
    return snapshot.claim.requested_anew and _failed_alike(snapshot, wanted) and _seen(snapshot)


def describe(wanted: Change) -> str:
    """For people: `size 200 GiB, iops 6000`."""
    parts = (
        ("size", wanted.size, " GiB"),
        ("type", wanted.volume_type, ""),
        ("iops", wanted.iops, ""),
        ("throughput", wanted.throughput, " MiB/s"),
    )
    return ", ".join(f"{name} {value}{unit}" for name, value, unit in parts if value is not None)
