"""Tables: plain and aligned for pipes, with rich's colours on a terminal where rich is installed."""

import os
import sys
from collections.abc import Sequence

from hyperpod_operator.core.text import plain
from kubectl_hyperpod.view.say import say

GOOD = frozenset({"True", "InService", "Schedulable", "Running", "Attached", "Pass", "Succeeded", "Complete", "Normal"})
BAD = frozenset(
    {"False", "Failed", "Unschedulable", "Lost", "Fail", "You", "Stalled", "NotReady", "NotFound", "Warning"}
)
BUSY = frozenset({"Unknown", "Creating", "Updating", "SystemUpdating", "Deleting", "RollingBack", "Warn", "AWS"})
GAP = "   "


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns as kubectl prints them; `-` where a cell is empty."""
    cells = [list(head), *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def show(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    if not _coloured():
        say(*table(head, rows).split("\n"))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for index, name in enumerate(head):
        made.add_column(name, overflow="fold", no_wrap=index < len(head) - 1)
    for row in rows:
        made.add_row(*(Text(cell, style=style(cell)) for cell in _cells(row)))
    Console(soft_wrap=False).print(made)


def heading(words: str) -> None:
    """A line that names what follows."""
    if _coloured():
        from rich.console import Console
        from rich.text import Text

        Console().print(Text(plain(words), style="bold"))
    else:
        say(words)


def _cells(row: Sequence[str]) -> list[str]:
    return [plain(cell) or "-" for cell in row]


def style(cell: str) -> str:
    """The colour of a known word; a cell such as 3/4 is judged by its counts."""
    current, slash, target = cell.partition("/")
    if slash and current.isdigit() and target.isdigit():
        return "green" if int(current) >= int(target) else "yellow"
    return "green" if cell in GOOD else "red" if cell in BAD else "yellow" if cell in BUSY else ""


def _coloured() -> bool:
    """A terminal that is no dumb one, and rich installed."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
        return False
    from importlib.util import find_spec

    return find_spec("rich") is not None
