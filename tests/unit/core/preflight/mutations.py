"""Changes of a row of a table of checks. Its cases have to notice each: a row that no case holds may say anything."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from hyperpod_operator.core.preflight.model import Check, Finding, Result, passes, warns
from hyperpod_operator.core.preflight.run import ORDER


def as_passed(found: Finding) -> Finding:
    return passes(group=found.group)


def as_warning(found: Finding) -> Finding:
    return replace(found, result=Result.WARN) if found.result is Result.FAIL else found


def as_failure(found: Finding) -> Finding:
    return replace(found, result=Result.FAIL) if found.result is Result.WARN else found


def as_known(found: Finding) -> Finding:
    return passes(group=found.group) if found.result is Result.UNKNOWN else found


def as_wrong(found: Finding) -> Finding:
    return warns(group=found.group) if found.result is Result.PASS else found


MUTATIONS: dict[str, Callable[[Finding], Finding]] = {
    "it passes whatever it finds": as_passed,
    "it warns where it fails": as_warning,
    "it fails where it warns": as_failure,
    "it passes what it cannot read": as_known,
    "it finds fault with what is right": as_wrong,
}


def applies(check: Check, change: str, *, denied: bool) -> bool:
    """Whether the change makes another check of this one: one that never warns is the same when it warns wrongly."""
    changes = {
        "it warns where it fails": bool(check.fail),
        "it fails where it warns": bool(check.warn),
        "it passes what it cannot read": denied,
    }
    return changes.get(change, True)


def noticed(check: Check, about: Sequence[object], change: str) -> bool:
    """Whether a case has another result after the change."""

    def judge(subject: object) -> Iterator[Finding]:
        return (MUTATIONS[change](found) for found in check.judge(subject))

    return _results(replace(check, judge=judge), about) != _results(check, about)


def _results(check: Check, about: Sequence[object]) -> list[Result]:
    return [min((found.result for found in check.judge(one)), key=ORDER.index) for one in about]
