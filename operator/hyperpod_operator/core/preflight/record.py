"""The memory of preflight in status: what was checked, when, with which result, and when it is checked again."""

from datetime import datetime
from math import inf

from hyperpod_operator.api.common.preflight import PreflightCheck, PreflightStatus
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.preflight.model import Preflight, Result
from hyperpod_operator.core.preflight.run import ORDER
from hyperpod_operator.core.text import counted

FIRST_PAUSE = 60.0
"""Seconds until checks that failed run again; the pause doubles with each failure."""
LONGEST_PAUSE = 1800.0
STANDS = 600.0
"""Seconds for which checks that passed count for the same call: AWS may refuse it for a moment and be asked again."""
READ_WITHIN = 30.0
"""Seconds within which what a check is judged by has been read: its patience, and what others read just before."""
MOST_CHECKS = 100
"""Checks that status holds; the schema has the same bound."""


def recorded(
    result: Preflight,
    *,
    mark: str,
    call: str,
    before: PreflightStatus | None,
    now: datetime,
    requested: bool = False,
) -> PreflightStatus:
    """`status.preflight` after the checks ran. `mark` names what was checked, `call` says it to people."""
    again = before is not None and before.fingerprint == mark and bool(before.failures) and not requested
    worst_first = sorted(result.checks, key=lambda check: ORDER.index(check.result))
    return PreflightStatus(
        checkedAt=stamp(now),
        call=call,
        fingerprint=mark,
        attempts=(((before.attempts or 0) if again and before else 0) + 1) if result.failed else None,
        passed=len(result.of(Result.PASS)),
        warnings=len(result.of(Result.WARN)),
        failures=len(result.failed),
        unknown=len(result.of(Result.UNKNOWN)),
        checks=[
            PreflightCheck(
                name=check.name,
                group=check.area,
                result=check.result,
                message=check.message,
            )
            for check in worst_first
            if check.result is not Result.PASS
        ][:MOST_CHECKS]
        or None,
    )


def pause(status: PreflightStatus) -> float:
    """Seconds from checks that failed to the next."""
    doublings = min(max((status.attempts or 1) - 1, 0), 15)
    return min(FIRST_PAUSE * 2.0**doublings, LONGEST_PAUSE)


def left(status: PreflightStatus | None, *, mark: str, now: datetime) -> float:
    """Seconds for which what is recorded stands; 0 when the checks are due, or were about something else."""
    since = parse_time(status.checkedAt or "") if status else None
    if status is None or since is None or status.fingerprint != mark or since > now:
        return 0.0  # a time to come was not written by a pass: it must not hold anything for long
    stands = pause(status) if status.failures else STANDS
    return max(0.0, stands - (now - since).total_seconds())


def max_age(status: PreflightStatus | None, *, requested: bool, now: datetime) -> float:
    """How many seconds old an answer of AWS may be that counts now. None counts where a person asks for a repetition,
    and after checks that failed none that they were judged by: what it says may have been corrected."""
    if requested:
        return 0.0
    since = parse_time(status.checkedAt or "") if status is not None and status.failures else None
    return max(READ_WITHIN, (now - since).total_seconds() - READ_WITHIN) if since is not None else inf


def passed(status: PreflightStatus | None) -> tuple[bool, str] | None:
    """Whether nothing failed, and in words what was found; None where nothing was checked."""
    if status is None or not status.checkedAt:
        return None
    failures = [check.message or check.name for check in status.checks or [] if check.result == Result.FAIL]
    if failures:
        return False, " ".join(failures)
    others = [check.message or check.name for check in status.checks or [] if check.result == Result.WARN]
    counts = (
        f"{counted(status.passed or 0, 'check')} passed, {counted(status.warnings or 0, 'warns', 'warn')}, "
        f"{counted(status.unknown or 0, 'is unknown', 'are unknown')}."
    )
    return True, " ".join([counts, *others])
