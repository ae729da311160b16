"""All checks of a table over one subject: findings become one message and one result for each check."""

from collections.abc import Iterable, Sequence

from hyperpod_operator.core.preflight.model import Check, Checked, Finding, Preflight, Result
from hyperpod_operator.core.text import plain

SHOWN = 3
"""Findings that a message names before it counts the rest."""
MESSAGE_MOST = 1024
"""Longest message of a check; the schema of status has the same bound."""

ORDER = (Result.FAIL, Result.WARN, Result.UNKNOWN, Result.PASS)
"""The worst finding is the result of a check."""
RANK = {result: rank for rank, result in enumerate(ORDER)}


def preflight(table: Sequence[Check], subject: object) -> Preflight:
    """The checks of the table that apply to the subject."""
    found = ((check, tuple(check.judge(subject))) for check in table)
    return Preflight(checks=tuple(_checked(check, findings) for check, findings in found if findings))


def _checked(check: Check, findings: Sequence[Finding]) -> Checked:
    worst = min((finding.result for finding in findings), key=RANK.__getitem__)
    if worst is Result.PASS:
        return Checked(name=check.name, area=check.area, result=worst, message=check.template(worst))
    said = [finding for finding in findings if finding.result is worst]
    groups = frozenset(finding.group for finding in said) if worst is Result.FAIL else frozenset()
    return Checked(
        name=check.name,
        area=check.area,
        result=worst,
        message=_message(check, worst, said),
        groups=groups if "" not in groups else frozenset(),
    )


def _message(check: Check, result: Result, findings: Iterable[Finding]) -> str:
    template = check.template(result)
    lines = list(dict.fromkeys(_line(template, finding) for finding in findings))
    more = f" And {len(lines) - SHOWN} more." if len(lines) > SHOWN else ""
    remedy = f" {check.remedy}" if result in {Result.FAIL, Result.WARN} else ""
    body = " ".join(lines[:SHOWN])
    room = MESSAGE_MOST - len(more) - len(remedy)
    return (body if len(body) <= room else body[: room - 3] + "...") + more + remedy


def _line(template: str, finding: Finding) -> str:
    where = f"Group {finding.group}: " if finding.group else ""
    return plain(where + template.format_map(finding.values))
