"""One DescribeVolumes for all claims that look for a volume by the same tag at once.

A claim that is new asks whether it has a volume already, and whether an earlier claim of its name left one; the answers
decide whether one is made. So nothing is remembered: a question is answered by a read that starts after it. Hundreds of
claims that are created together share these reads, because EC2 throttles an account by calls.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from hyperpod_operator.aws.ec2 import reads as volume_reads
from hyperpod_operator.core.volume.ports import Volume

# [assumption: limits-of-ec2-reads]
MOST_VALUES = 200
"""Values of the filters of one request (EC2 user guide)."""

Read = Callable[[str, Sequence[str]], Awaitable[Sequence[Volume]]]
"""Lists the volumes whose tag of this key has one of these values; at most MOST_VALUES."""


class TagReads:
    """The volumes that one tag names, by its value. Belongs to one event loop."""

    def __init__(self, key: str, read: Read) -> None:
        self._key = key
        self._read = read
        self._wanted: set[str] = set()
        self._next: asyncio.Task[Mapping[str, tuple[Volume, ...]]] | None = None
        self._one_at_a_time = asyncio.Lock()
        """While a read waits for its turn at AWS, questions gather for the next."""

    async def get(self, value: str) -> tuple[Volume, ...]:
        """Raises CloudError, as all who share the read."""
        self._wanted.add(value)
        if self._next is None:
            self._next = asyncio.create_task(self._read_soon())
            self._next.add_done_callback(_observed)
        found = await asyncio.shield(self._next)
        return found.get(value, ())

    async def _read_soon(self) -> Mapping[str, tuple[Volume, ...]]:
        found: dict[str, list[Volume]] = defaultdict(list)
        try:
            await asyncio.sleep(volume_reads.GATHER)
            await self._one_at_a_time.acquire()
        except BaseException:
            self._wanted, self._next = set(), None
            raise
        try:
            # From here on, questions are for the next read.
            wanted, self._wanted, self._next = sorted(self._wanted), set(), None
            for start in range(0, len(wanted), MOST_VALUES):
                for volume in await self._read(self._key, wanted[start : start + MOST_VALUES]):
                    found[volume.tags.get(self._key, "")].append(volume)
        finally:
            self._one_at_a_time.release()
        return {value: tuple(volumes) for value, volumes in found.items()}


def _observed(task: asyncio.Task[Mapping[str, tuple[Volume, ...]]]) -> None:
    """Whoever asked may have been cancelled; somebody has to look at the failure."""
    if not task.cancelled():
        task.exception()
