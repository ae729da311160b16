"""Choices that are added up as they come and go: the sums are those of a new count, whatever happened in between."""

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any, cast

from tests.unit.core.volume.builders import attachment, volume

from hyperpod_operator.controllers.volume.counts import AGE, CHOICE, Counts
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.volume.ports import Volume, VolumeCloud

REGION = "us-west-2"
KEYS = [Key("team", f"data-{number}") for number in range(8)]
NODES = [f"i-{number:017x}" for number in range(3)]


class Ec2:
    def __init__(self) -> None:
        self.volumes: tuple[Volume, ...] = ()

    async def managed_volumes(self) -> tuple[Volume, ...]:
        return self.volumes


class World:
    """What is chosen and attached, added up anew each time."""

    def __init__(self) -> None:
        self.now, self.ec2 = 0.0, Ec2()
        self.counts = Counts(monotonic=lambda: self.now)
        self.chosen: dict[Key, tuple[str, str, float]] = {}
        self.counted: tuple[Volume, ...] | None = None
        self.counted_at = 0.0

    async def refresh(self) -> None:
        if self.counted is None or self.now - self.counted_at > AGE:
            self.counted, self.counted_at = self.ec2.volumes, self.now
        await self.counts.refresh(region=REGION, cloud=cast(VolumeCloud, self.ec2))

    def choose(self, key: Key, node: str) -> None:
        self.chosen[key] = (node, f"vol-{key.name}", self.now)
        self.counts.chosen(region=REGION, key=key, instance_id=node, volume_id=f"vol-{key.name}")

    def forget(self, key: Key) -> None:
        self.chosen.pop(key, None)
        self.counts.forget(key)

    def expected(self, key: Key) -> dict[str, int] | None:
        if self.counted is None:
            return None
        shown = {one.volume_id for one in self.counted}
        taken = Counter(_node(one) for one in self.counted)
        taken.update(
            node
            for other, (node, volume_id, at) in self.chosen.items()
            if other != key and volume_id not in shown and self.now - at <= CHOICE
        )
        return _without_zeros(taken.items())


def _node(one: Volume) -> str:
    return str(one.attachments[0].associated_resource).rsplit("/", 1)[-1].split("-", 1)[1]


def _without_zeros(found: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {node: number for node, number in found if number}


def on(key: Key, node: str) -> Volume:
    return volume(attachment(node), volume_id=f"vol-{key.name}")


async def test_the_sums_are_those_of_a_new_count() -> None:
    for seed in range(30):
        chance, world = random.Random(seed), World()
        for _ in range(150):
            await _step(world, chance)
            for key in KEYS:
                taken = world.counts.taken(region=REGION, by_others_than=key)
                assert (None if taken is None else _without_zeros(taken.items())) == world.expected(key)


async def _step(world: World, chance: random.Random) -> None:
    key, node = chance.choice(KEYS), chance.choice(NODES)
    what: Any = chance.choice(["choose", "choose", "forget", "attach", "refresh", "wait", "wait long"])
    if what == "choose":
        world.choose(key, node)
    elif what == "forget":
        world.forget(key)
    elif what == "attach" and key in world.chosen:
        rest = tuple(one for one in world.ec2.volumes if one.volume_id != f"vol-{key.name}")
        world.ec2.volumes = (*rest, on(key, world.chosen[key][0]))
    elif what == "refresh":
        await world.refresh()
    else:
        world.now += chance.uniform(0, CHOICE if what == "wait long" else AGE)


def test_nothing_is_known_of_a_region_that_was_never_counted() -> None:
    world = World()
    world.choose(KEYS[0], NODES[0])
    assert world.counts.taken(region="eu-west-1", by_others_than=KEYS[1]) is None
