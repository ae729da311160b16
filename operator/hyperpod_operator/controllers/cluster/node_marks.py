"""Writes to many Nodes, one after the other: one that is refused keeps no other from being written."""

import logging
from collections.abc import Awaitable, Callable, Iterable

from hyperpod_operator.core.cluster.departures import Unwritten
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.core.text import plain, shortened

logger = logging.getLogger(__name__)

WHY_MOST = 300
"""Characters of the API server's words about one Node."""
_UNAVAILABLE = frozenset({0, 429, 503, 504})
"""Answers that are not about this Node: the next one would get the same, after the same time."""
_DENIED = frozenset({401, 403})


async def write_each(writes: Iterable[tuple[str, Callable[[], Awaitable[object]]]]) -> tuple[Unwritten, ...]:
    """The Nodes (by name) whose write failed. A Node that is gone is no failure. Ends early while the API server does
    not answer. Never raises."""
    failed: list[Unwritten] = []
    for name, write in writes:
        try:
            await write()
        except ObjectGone:
            continue
        except StaleObject:
            failed.append(Unwritten(node=name, why="the Node changed meanwhile"))
        except KubernetesError as error:
            why = shortened(plain(str(error)), WHY_MOST).rstrip(".")
            failed.append(Unwritten(node=name, why=why, denied=error.status in _DENIED))
            if error.status in _UNAVAILABLE:
                break
    if failed:
        logger.warning(
            "%d Nodes could not be marked, or unmarked; the next pass tries again. The first: %s",
            len(failed),
            failed[0],
        )
    return tuple(failed)
