"""The tables of docs/conditions.md: conditions from the records of the kinds, reasons from the records of the reasons.

Each table stands between two marks; the words around it are written by hand. A kind without a section of its own gets
one at the end of the page.
"""

import re
from collections.abc import Sequence

from hyperpod_operator.api.kinds import ConditionRow, Kind
from hyperpod_operator.api.reasons import SECTIONS, ReasonRecord

_TABLE = re.compile(r"(<!-- ([^\n]*?): generated from api/ by `make chart` -->\n).*?(?=<!-- end -->\n)", re.DOTALL)
FURTHER = "conditions of further kinds"


def with_tables(text: str, kinds: Sequence[Kind]) -> str:
    """The page with every table made again. Raises ValueError when a table is missing or belongs to nothing."""
    found = [mark for _, mark in _TABLE.findall(text)]
    further = [kind for kind in kinds if _mark(kind) not in found]
    tables = {
        **{_mark(kind): _conditions(_besides(kind, kinds)) for kind in kinds if kind not in further},
        **{f"reasons: {section}": _reasons(listed) for section, listed in SECTIONS.items()},
        FURTHER: "".join(f"\n## {kind.name}\n\n{_conditions(kind.conditions)}\n" for kind in further),
    }
    if sorted(found) != sorted(tables):
        raise ValueError(f"docs/conditions.md has to have these marks once each: {sorted(set(tables) ^ set(found))}")
    return _TABLE.sub(lambda match: match[1] + tables[match[2]], text)


def _mark(kind: Kind) -> str:
    return f"conditions of {kind.name}"


def _besides(kind: Kind, kinds: Sequence[Kind]) -> list[ConditionRow]:
    """Those of the first kind, and of any other kind what it has besides."""
    first = kinds[0]
    return [row for row in kind.conditions if kind is first or row.type not in first.table]


def _conditions(rows: Sequence[ConditionRow]) -> str:
    return _table("| Type | True means | False means |", [_row(row) for row in rows])


def _row(row: ConditionRow) -> str:
    return f"| `{row.type}` | {row.true} | {row.false} |"


def _reasons(listed: tuple[ReasonRecord, ...]) -> str:
    rows = [f"| `{one.word}` | {one.meaning} | {one.remedy} |" for one in listed]
    return _table("| Reason | What it means | What to do |", rows)


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "|---|---|---|", *rows, ""])
