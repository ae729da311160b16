"""How many volumes each node has, counted once for all claims that choose a node.

Counting takes a list of every volume that somebody manages, so hundreds of claims that choose at once must not ask for
it each. What the operator itself attaches is added to the last count; what others attach meanwhile EC2 refuses when
there is no room, and then another node is next.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from hyperpod_operator.core.volume import slots
from hyperpod_operator.core.volume.ports import VolumeCloud

AGE = 15.0
"""Seconds for which a count serves."""


class Counts:
    """By region and instance id. Belongs to one event loop. Raises CloudError."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._counted_at: dict[str, float] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._counting: dict[str, asyncio.Lock] = {}

    async def get(self, *, region: str, cloud: VolumeCloud) -> Mapping[str, int]:
        """Attachments by instance id; nodes that have none are left out."""
        async with self._counting.setdefault(region, asyncio.Lock()):
            started = self._monotonic()
            if started - self._counted_at.get(region, float("-inf")) > AGE:
                self._counts[region] = Counter(slots.attached(await cloud.managed_volumes()))
                self._counted_at[region] = started
            return dict(self._counts[region])

    def chosen(self, *, region: str, instance_id: str) -> None:
        """A volume is about to be attached there: who chooses next sees it."""
        if region in self._counts:
            self._counts[region][instance_id] += 1
