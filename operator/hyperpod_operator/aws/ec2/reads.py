"""One DescribeVolumes for all claims: remembers what was read, reads in batches, one batch at a time.

EC2 throttles an account by calls, not by ids, and takes 500 ids in a call. So a question that memory cannot answer
takes along the ids that others ask about and whose answer is getting old. A thousand settled claims cost two calls in
`Ages.settled` seconds however often they look.

Memory is kept honest by four rules. An answer is as old as the start of its read. After a write, nothing read before
its end counts. "There is no such volume" is never remembered: EC2 says so of a volume that was made a moment ago. A
volume that an answer leaves out without a word is not known, and whoever asks about it gets an error.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hyperpod_operator.aws.ec2.gathered import Gathered
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.volume.ports import Volume

# [assumption: limits-of-ec2-reads]
MOST_IDS = 500
"""Ids in one DescribeVolumes."""
FRESH = 1.0
"""Seconds that an answer may be old for claims that are being worked on: the steps of one that follow each other at
once share it. A write of ours to the volume ends it earlier."""
FORGOTTEN_AFTER = 1800.0
"""Seconds after which a volume that nobody asks about is not read along any more: two resyncs and more."""

VOLUME_ID = re.compile(r"vol-[0-9a-f]{8}(?:[0-9a-f]{9})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How old an answer may be, in seconds: of a volume on which nothing moves, and of one that is on its way.

    A settled claim is looked at every ten minutes: two minutes more do not matter there, and keep a thousand claims at
    four reads a minute.
    """

    settled: float = 120.0
    moving: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    read_at: float
    volume: Volume


Read = Callable[[Sequence[str]], Awaitable[Mapping[str, Volume | CloudError]]]
"""Reads at most MOST_IDS volumes now; those that do not exist are left out. An error stands for one that the answer
says nothing about."""


class VolumeReads:
    """The volumes of one region, as read lately. Belongs to one event loop."""

    def __init__(self, read: Read, *, monotonic: Callable[[], float], ages: Ages | None = None) -> None:
        self._read = read
        self._monotonic = monotonic
        self._ages = ages or Ages()
        self._answers: dict[str, _Answer] = {}
        self._unknown: dict[str, CloudError] = {}
        self._asked_at: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        """Id → when a write of ours ended."""
        self._gathered = Gathered(self._read_all)

    def __len__(self) -> int:
        return len(self._asked_at.keys() | self._not_before.keys() | self._answers.keys())

    async def get(self, ids: Iterable[str], *, fresh: bool = False) -> dict[str, Volume]:
        """The volumes that exist, by id. `fresh` accepts only what was read in the last second or is read now.

        Raises CloudError, also where EC2's answer says nothing about one of them.
        """
        now = self._monotonic()
        wanted = [one for one in dict.fromkeys(ids) if VOLUME_ID.fullmatch(one)]
        self._asked_at.update(dict.fromkeys(wanted, now))
        settled: set[str] = set()
        while due := [one for one in wanted if one not in settled and not self._usable(one, now=now, fresh=fresh)]:
            read_at = await self._gathered.ask(due)
            # What was asked after this question came, and is not there, does not exist.
            settled |= {one for one in due if read_at.get(one, float("-inf")) >= max(now, self._barrier(one))}
        if unknown := [self._unknown[one] for one in wanted if one in self._unknown]:
            raise unknown[0]
        return {one: self._answers[one].volume for one in wanted if one in self._answers}

    def forget(self, volume_id: str) -> None:
        """A write to the volume ended, well or not: what was read before does not count any more."""
        self._not_before[volume_id] = self._monotonic()
        self._answers.pop(volume_id, None)

    def _barrier(self, volume_id: str) -> float:
        return self._not_before.get(volume_id, float("-inf"))

    def _usable(self, volume_id: str, *, now: float, fresh: bool) -> bool:
        answer = self._answers.get(volume_id)
        if answer is None:
            return False
        age = self._ages.moving if moving(answer.volume) else self._ages.settled
        return answer.read_at >= now - (min(FRESH, age) if fresh else age)

    async def _read_all(self, batch: list[str]) -> dict[str, float]:
        """Read these volumes now; when each was read."""
        read_at: dict[str, float] = {}
        for part in self._parts(batch):
            started = self._monotonic()
            self._keep(part, await self._read(part), read_at=started)
            read_at |= dict.fromkeys(part, started)
        return read_at

    def _parts(self, batch: list[str]) -> list[list[str]]:
        """The batch in calls; the last one is filled up with what is due soon, oldest first."""
        parts = [batch[start : start + MOST_IDS] for start in range(0, len(batch), MOST_IDS)]
        now, asked = self._monotonic(), set(batch)
        self._drop_forgotten(now)
        soon = [
            (answer.read_at, one)
            for one, answer in self._answers.items()
            if one not in asked and now - answer.read_at > self._ages.settled / 2
        ]
        parts[-1] += [one for _, one in sorted(soon)[: MOST_IDS - len(parts[-1])]]
        return parts

    def _drop_forgotten(self, now: float) -> None:
        for one in [one for one, asked_at in self._asked_at.items() if now - asked_at > FORGOTTEN_AFTER]:
            del self._asked_at[one]
            self._answers.pop(one, None)
            self._unknown.pop(one, None)
        for one in [one for one, at in self._not_before.items() if now - at > FORGOTTEN_AFTER]:
            del self._not_before[one]

    def _keep(self, part: Iterable[str], found: Mapping[str, Volume | CloudError], *, read_at: float) -> None:
        for one in part:
            if read_at < self._barrier(one):
                continue
            self._unknown.pop(one, None)
            self._answers.pop(one, None)
            answer = found.get(one)
            if isinstance(answer, CloudError):
                self._unknown[one] = answer
            elif answer is not None:
                self._answers[one] = _Answer(read_at=read_at, volume=answer)


def moving(volume: Volume) -> bool:
    """Whether something is on its way that somebody waits for."""
    return volume.state not in {"available", "in-use", "error"} or any(
        one.state != "attached" for one in volume.attachments
    )
