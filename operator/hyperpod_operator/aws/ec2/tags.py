"""One DescribeVolumes for all claims that look for a volume by the same tag at once.

A claim that is new asks whether it has a volume already, and whether an earlier claim of its name left one; the answers
decide whether one is made. So nothing is remembered: a question is answered by a read that starts after it. Hundreds of
claims that are created together share these reads, because EC2 throttles an account by calls.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from hyperpod_operator.aws.ec2.gathered import Gathered
from hyperpod_operator.aws.ec2.queries import MOST_FILTER_VALUES, parts
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.volume.ports import Volume

Found = Mapping[str, tuple[Volume, ...] | CloudError]
"""Volumes by the value of a tag. An error stands for those of a value that the answer says nothing about."""
Read = Callable[[str, Sequence[str]], Awaitable[Found]]
"""Finds the volumes whose tag of this key has one of these values; at most MOST_FILTER_VALUES."""


class TagReads:
    """The volumes that one tag names, by its value. Belongs to one event loop."""

    def __init__(self, key: str, read: Read) -> None:
        self._key = key
        self._read = read
        self._gathered = Gathered(self._read_all)

    async def get(self, value: str) -> tuple[Volume, ...]:
        """Raises CloudError: that of the read, as all who share it, or that of one of these very volumes."""
        found = (await self._gathered.ask([value])).get(value, ())
        if isinstance(found, CloudError):
            raise found
        return found

    # [assumption: limits-of-ec2-reads]
    async def _read_all(self, values: list[str]) -> Found:
        found: dict[str, tuple[Volume, ...] | CloudError] = {}
        for part in parts(values, MOST_FILTER_VALUES):
            found |= await self._read(self._key, part)
        return found
