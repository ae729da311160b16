"""Nodes whose marks are to come off and did not in this pass: what is left, and when it is tried again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hyperpod_operator.core.cluster.departures import Unwritten
from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.timings import Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class StillMarked:
    """Nodes that are not to end any more and show the operator's marks all the same, after this pass."""

    nodes: tuple[Unwritten, ...]
    tries: int = 0
    """How many passes in a row the API server refused one of them; 0 where a pass had no room for more."""

    def again(self, timings: Timings) -> float:
        """Seconds until the next try."""
        return growing(first=timings.debounce, most=timings.resync, attempts=self.tries)


def left_marked(
    names: Iterable[str], *, tried: Iterable[str], failed: Sequence[Unwritten], tries: int
) -> StillMarked | None:
    """What is left of the Nodes `names` after this pass; `tries` are the passes before it that failed, in a row."""
    done, refused = set(tried) | {one.node for one in failed}, tries + 1 if failed else 0
    left = (*failed, *(Unwritten(node=name) for name in names if name not in done))
    return StillMarked(nodes=left, tries=refused) if left else None
