"""How soon something else than the object itself, such as a Node that changed, gets a pass for it.

The first few changes get one at once. Where they go on, as with a Node that flaps or a hundred Nodes that join, the
passes come further and further apart, and each sees all changes before it.
"""

from dataclasses import dataclass

from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.ports import Key

AT_ONCE = 4
"""Wakes in a row that are served at once."""
FIRST, MOST = 1.0, 10.0
"""Seconds between the passes that follow, twice as many each time. A wake after `MOST` of rest is the first again."""


@dataclass(frozen=True, slots=True)
class _Row:
    due: float
    """When the last pass that was asked for begins, or began."""
    wakes: int
    """In a row, those that asked for a pass."""


class Wakes:
    """By object, in RAM only. What lies back longer than `MOST` is forgotten."""

    def __init__(self) -> None:
        self._rows: dict[Key, _Row] = {}
        self._room = 64

    def __len__(self) -> int:
        return len(self._rows)

    def after(self, key: Key, *, now: float) -> float:
        """In how many seconds the pass for this wake begins: one that is asked for already serves this one, too."""
        row = self._rows.get(key)
        if row is not None and now < row.due:
            return row.due - now
        wakes = row.wakes + 1 if row is not None and now - row.due < MOST else 1
        late = wakes - AT_ONCE
        pause = growing(first=FIRST, most=MOST, attempts=late) if late > 0 else 0.0
        self._rows[key] = _Row(due=now + pause, wakes=wakes)
        self._forget_old(now)
        return pause

    def _forget_old(self, now: float) -> None:
        if len(self._rows) > self._room:
            self._rows = {key: row for key, row in self._rows.items() if now - row.due < MOST}
            self._room = 2 * len(self._rows) + 64
