"""Names, ids and places, all derived from the seed: the same calls give the same world.

Forms: cluster id `[a-z0-9]{12}`, instance id `i-` and 17 hexadecimal digits, the patterns of the API model.
"""

import random
import string
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_DIRECTIONS = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
}


@dataclass(frozen=True)
class Zone:
    """An availability zone: its name (us-west-2a) and its id (usw2-az1), which differ between accounts in AWS."""

    name: str
    id: str


class Names:
    """Everything that AWS would draw at random."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(f"names:{seed}")
        self._addresses = 0

    def cluster_id(self) -> str:
        """A new cluster id."""
        return "".join(self._random.choices(string.ascii_lowercase + string.digits, k=12))

    def instance_id(self) -> str:
        """A new EC2 instance id."""
        return f"i-{self._random.getrandbits(68):017x}"

    def volume_id(self) -> str:
        """A new EBS volume id."""
        return f"vol-{self._random.getrandbits(68):017x}"

    def snapshot_id(self) -> str:
        """A new EBS snapshot id."""
        return f"snap-{self._random.getrandbits(68):017x}"

    def logical_id(self) -> str:
        """A new NodeLogicalId: a UUID, as seen on live clusters."""
        return self.identifier()

    def identifier(self) -> str:
        """A new UUID, for events, operations and requests."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def address(self) -> str:
        """The next private IPv4 address; no two instances share one."""
        self._addresses += 1
        number = self._addresses
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def spread(self, seconds: float, jitter: float) -> float:
        """A duration up to the fraction `jitter` longer than this."""
        return seconds * (1 + self._random.random() * jitter)

    def chance(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()

    def shuffled(self, items: Sequence[T], *, key: str) -> list[T]:
        """The items in an order that depends on the seed and the key alone."""
        return random.Random(f"{self._seed}:{key}").sample(list(items), len(items))

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Some of the items, at random."""
        return self._random.sample(list(items), count)


def partition(region: str) -> str:
    """The ARN partition of a region."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def zone(region: str, subnet: str) -> Zone:
    """The zone of a subnet: one of three, fixed for a subnet id."""
    return zones(region)[sum(subnet.encode()) % 3]


def zones(region: str) -> list[Zone]:
    """The three zones of a region."""
    area, *middle, direction, digit = region.split("-")
    short = area + "".join(part[0] for part in middle) + _DIRECTIONS.get(direction, direction[:1]) + digit
    return [Zone(name=f"{region}{letter}", id=f"{short}-az{number}") for number, letter in enumerate("abc", 1)]
