"""The tables of docs/conditions.md: conditions from the records of the kinds, reasons from the records of the reasons.

Each table stands between two marks; the words around it are written by hand.
"""

import re

from hyperpod_operator.api.kinds import KINDS, ConditionRow, Kind
from hyperpod_operator.api.reasons import SECTIONS, ReasonRecord

_TABLE = re.compile(r"(<!-- ([^\n]*?): generated from api/ by `make chart` -->\n).*?(?=<!-- end -->\n)", re.DOTALL)


def with_tables(text: str) -> str:
    """The page with every table made anew. Raises ValueError when a table is missing or is nobody's."""
    tables = {
        **{f"conditions of {kind.name}": _conditions(kind) for kind in KINDS},
        **{f"reasons: {section}": _reasons(listed) for section, listed in SECTIONS.items()},
    }
    found = [mark for _, mark in _TABLE.findall(text)]
    if sorted(found) != sorted(tables):
        raise ValueError(f"docs/conditions.md has to have these marks once each: {sorted(set(tables) ^ set(found))}")
    return _TABLE.sub(lambda match: match[1] + tables[match[2]], text)


def _conditions(kind: Kind) -> str:
    first = KINDS[0].table
    rows = [row for row in kind.conditions if kind is KINDS[0] or row.type not in first]
    return _table("| Type | True means | False means |", [_row(row) for row in rows])


def _row(row: ConditionRow) -> str:
    return f"| `{row.type}` | {row.true} | {row.false} |"


def _reasons(listed: tuple[ReasonRecord, ...]) -> str:
    rows = [f"| `{one.word}` | {one.meaning} | {one.remedy} |" for one in listed]
    return _table("| Reason | What it means | What to do |", rows)


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "|---|---|---|", *rows, ""])
