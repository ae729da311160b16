"""How many volumes each node has, counted once for all claims that choose a node.

Counting takes a list of every volume that somebody manages, so hundreds of claims that choose at once must not ask for
it each. A choice counts from the pass that makes it, until EC2 shows its volume attached: claims that are made together
spread over the nodes. What others attach meanwhile EC2 refuses when there is no room, and then another node is next.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.volume import slots
from hyperpod_operator.core.volume.ports import Volume, VolumeCloud

AGE = 15.0
"""Seconds for which a count serves."""
CHOICE = 600.0
"""Seconds after which a choice that EC2 never showed as an attachment counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """One look at the volumes of a region."""

    counted_at: float
    taken: Mapping[str, int]
    attached: frozenset[str]
    """Ids of the volumes that EC2 shows on a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    region: str
    instance_id: str
    volume_id: str
    """Empty while the volume is yet to be made."""
    at: float


class Counts:
    """By region and instance id. Belongs to one event loop. Raises CloudError."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._counted: dict[str, _Count] = {}
        self._choices: dict[Key, _Choice] = {}
        self._counting: dict[str, asyncio.Lock] = {}

    async def refresh(self, *, region: str, cloud: VolumeCloud) -> None:
        """Count the volumes of the region, unless that was done a moment ago."""
        async with self._counting.setdefault(region, asyncio.Lock()):
            started, held = self._monotonic(), self._counted.get(region)
            if held is None or started - held.counted_at > AGE:
                self._counted[region] = _count(await cloud.managed_volumes(), at=started)

    def taken(self, *, region: str, by_others_than: Key) -> Mapping[str, int] | None:
        """Volumes by instance id, as last counted and with the choices of other claims; None where never counted."""
        held, now = self._counted.get(region), self._monotonic()
        if held is None:
            return None
        taken = Counter(held.taken)
        for key, choice in list(self._choices.items()):
            if now - choice.at > CHOICE:
                del self._choices[key]
            elif choice.region == region and key != by_others_than and choice.volume_id not in held.attached:
                taken[choice.instance_id] += 1
        return taken

    def chosen(self, *, region: str, key: Key, instance_id: str, volume_id: str) -> None:
        """This claim's volume is about to be attached there: whoever chooses next counts it."""
        self._choices[key] = _Choice(region=region, instance_id=instance_id, volume_id=volume_id, at=self._monotonic())

    def forget(self, key: Key) -> None:
        """The claim is gone."""
        self._choices.pop(key, None)


def _count(volumes: tuple[Volume, ...], *, at: float) -> _Count:
    attached = frozenset(one.volume_id for one in volumes if slots.attached([one]))
    return _Count(counted_at=at, taken=slots.attached(volumes), attached=attached)
