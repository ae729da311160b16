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
        """The oldest first."""
        self._sums: dict[str, Counter[str]] = {}
        """By region: as last counted, and with the choices that count. Hundreds of claims that choose at once must not
        add up all choices each."""
        self._counting: dict[str, asyncio.Lock] = {}

    async def refresh(self, *, region: str, cloud: VolumeCloud) -> None:
        """Count the volumes of the region, unless that was done a moment ago."""
        async with self._counting.setdefault(region, asyncio.Lock()):
            started, held = self._monotonic(), self._counted.get(region)
            if held is None or started - held.counted_at > AGE:
                self._counted[region] = counted = _count(await cloud.managed_volumes(), at=started)
                self._sums[region] = Counter(counted.taken)
                for choice in self._choices.values():
                    if choice.region == region:
                        self._add(choice, 1)

    def taken(self, *, region: str, by_others_than: Key) -> Mapping[str, int] | None:
        """Volumes by instance id, as last counted and with the choices of other claims; None where never counted."""
        self._forget_old()
        if region not in self._counted:
            return None
        taken, own = dict(self._sums[region]), self._choices.get(by_others_than)
        if own is not None and self._counts(own, region):
            taken[own.instance_id] -= 1
        return taken

    def chosen(self, *, region: str, key: Key, instance_id: str, volume_id: str) -> None:
        """This claim's volume is about to be attached there: whoever chooses next counts it."""
        self.forget(key)
        choice = _Choice(region=region, instance_id=instance_id, volume_id=volume_id, at=self._monotonic())
        self._choices[key] = choice
        self._add(choice, 1)

    def forget(self, key: Key) -> None:
        """The claim is gone, or chooses again."""
        choice = self._choices.pop(key, None)
        if choice is not None:
            self._add(choice, -1)

    def _forget_old(self) -> None:
        now = self._monotonic()
        while self._choices and now - next(iter(self._choices.values())).at > CHOICE:
            self.forget(next(iter(self._choices)))

    def _add(self, choice: _Choice, number: int) -> None:
        if self._counts(choice, choice.region):
            self._sums[choice.region][choice.instance_id] += number

    def _counts(self, choice: _Choice, region: str) -> bool:
        """Whether the choice is of this region, and its volume not counted already."""
        held = self._counted.get(region)
        return held is not None and choice.region == region and choice.volume_id not in held.attached


def _count(volumes: tuple[Volume, ...], *, at: float) -> _Count:
    attached = frozenset(one.volume_id for one in volumes if slots.attached([one]))
    return _Count(counted_at=at, taken=slots.attached(volumes), attached=attached)
