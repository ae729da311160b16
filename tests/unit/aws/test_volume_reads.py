"""One read for all claims: what is remembered, what is read along, and what a thousand claims cost."""

import asyncio
import random
from collections.abc import Mapping, Sequence

import pytest

from hyperpod_operator.aws.ec2.gathered import GATHER
from hyperpod_operator.aws.ec2.reads import FORGOTTEN_AFTER, MOST_IDS, Ages, VolumeReads
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.volume.ports import Attachment, Volume

AGES = Ages(settled=30.0, moving=4.0)


def name(number: int) -> str:
    return f"vol-{number:017x}"


class World:
    """EC2 as one method, a clock that the test moves, and the reads between them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.calls: list[list[str]] = []
        self.absent: set[str] = set()
        self.states: dict[str, str] = {}
        self.attachments: dict[str, tuple[Attachment, ...]] = {}
        self.failure: CloudError | None = None
        self.gate: asyncio.Event | None = None
        self.called = asyncio.Event()
        self.reads = VolumeReads(self.read, monotonic=lambda: self.now, ages=AGES)

    async def read(self, ids: Sequence[str]) -> Mapping[str, Volume]:
        self.calls.append(list(ids))
        self.called.set()
        seen = {one: self.volume(one) for one in ids if one not in self.absent}
        if self.gate:
            await self.gate.wait()
        if self.failure:
            raise self.failure
        return seen

    def volume(self, one: str) -> Volume:
        state = self.states.get(one, "available")
        return Volume(volume_id=one, state=state, size=1, volume_type="gp3", attachments=self.attachments.get(one, ()))


@pytest.fixture
async def world() -> World:
    return World()


async def test_what_was_read_serves_until_it_is_old(world: World) -> None:
    await world.reads.get([name(1)])
    world.now += 30.0
    await world.reads.get([name(1)])
    assert len(world.calls) == 1
    world.now += 0.1
    await world.reads.get([name(1)])
    assert len(world.calls) == 2


@pytest.mark.parametrize("moves", ["volume", "attachment"])
async def test_what_is_on_its_way_is_looked_at_sooner(world: World, moves: str) -> None:
    if moves == "volume":
        world.states[name(1)] = "creating"
    else:
        world.states[name(1)] = "in-use"
        world.attachments[name(1)] = (Attachment(state="attaching"),)
    await world.reads.get([name(1)])
    world.now += 4.1
    await world.reads.get([name(1)])
    assert len(world.calls) == 2


async def test_an_attached_volume_is_settled(world: World) -> None:
    world.states[name(1)] = "in-use"
    world.attachments[name(1)] = (Attachment(state="attached"),)
    await world.reads.get([name(1)])
    world.now += 29.0
    await world.reads.get([name(1)])
    assert len(world.calls) == 1


async def test_questions_at_once_are_one_call(world: World) -> None:
    found = await asyncio.gather(*(world.reads.get([name(number)]) for number in range(40)))
    assert len(world.calls) == 1
    assert [list(one) for one in found] == [[name(number)] for number in range(40)]


async def test_a_question_while_a_read_runs_waits_for_the_next_and_joins_it(world: World) -> None:
    world.gate = asyncio.Event()
    first = asyncio.create_task(world.reads.get([name(1)]))
    await world.called.wait()
    later = [asyncio.create_task(world.reads.get([name(number)])) for number in (2, 3)]
    await asyncio.sleep(3 * GATHER)
    assert len(world.calls) == 1
    world.gate.set()
    await asyncio.gather(first, *later)
    assert world.calls == [[name(1)], [name(2), name(3)]]


async def test_more_ids_than_a_call_takes_are_several_calls(world: World) -> None:
    found = await world.reads.get([name(number) for number in range(MOST_IDS + 1)])
    assert [len(call) for call in world.calls] == [MOST_IDS, 1]
    assert len(found) == MOST_IDS + 1


async def test_what_is_due_soon_is_read_along(world: World) -> None:
    await world.reads.get([name(1), name(2)])
    world.now += 31.0
    await world.reads.get([name(1)])
    await world.reads.get([name(2)])
    assert world.calls[1:] == [[name(1), name(2)]]


async def test_what_nobody_asks_about_is_not_read_along_for_ever(world: World) -> None:
    await world.reads.get([name(1), name(2)])
    world.now += FORGOTTEN_AFTER + 1
    await world.reads.get([name(1)])
    assert world.calls[1:] == [[name(1)]]


@pytest.mark.parametrize(("later", "calls"), [(0.9, 1), (1.1, 2)])
async def test_fresh_takes_what_was_read_in_the_last_second(world: World, later: float, calls: int) -> None:
    await world.reads.get([name(1)])
    world.now += later
    await world.reads.get([name(1)], fresh=True)
    assert len(world.calls) == calls


async def test_after_a_write_the_volume_is_read_again(world: World) -> None:
    await world.reads.get([name(1)])
    world.now += 0.1
    world.reads.forget(name(1))
    world.states[name(1)] = "in-use"
    found = await world.reads.get([name(1)])
    assert found[name(1)].state == "in-use"


async def test_a_read_that_a_write_overtook_answers_nobody(world: World) -> None:
    world.gate = asyncio.Event()
    question = asyncio.create_task(world.reads.get([name(1)]))
    await world.called.wait()
    world.now += 0.1
    world.reads.forget(name(1))
    world.states[name(1)] = "in-use"
    world.gate.set()
    found = await question
    assert found[name(1)].state == "in-use"
    assert len(world.calls) == 2


async def test_a_missing_volume_is_left_out_and_asked_for_again(world: World) -> None:
    world.absent = {name(1)}
    assert list(await world.reads.get([name(1), name(2)])) == [name(2)]
    world.absent = set()
    assert list(await world.reads.get([name(1), name(2)])) == [name(1), name(2)]


async def test_a_volume_that_went_away_is_forgotten(world: World) -> None:
    await world.reads.get([name(1)])
    world.absent = {name(1)}
    world.now += 31.0
    assert await world.reads.get([name(1)]) == {}


async def test_an_id_that_no_volume_can_have_is_never_sent(world: World) -> None:
    assert await world.reads.get(["vol-nonsense"]) == {}
    assert world.calls == []


async def test_a_failure_reaches_everybody_who_asked_and_the_next_question_asks_again(world: World) -> None:
    world.failure = CloudError(
        kind=ErrorKind.DENIED, operation="DescribeVolumes", code="UnauthorizedOperation", message=""
    )
    answers = await asyncio.gather(*(world.reads.get([name(one)]) for one in (1, 2)), return_exceptions=True)
    assert [type(one) for one in answers] == [CloudError, CloudError]
    world.failure = None
    assert list(await world.reads.get([name(1)])) == [name(1)]


async def test_a_caller_that_gives_up_takes_nothing_from_the_others(world: World) -> None:
    world.gate = asyncio.Event()
    impatient, patient = (asyncio.create_task(world.reads.get([name(1)])) for _ in range(2))
    await world.called.wait()
    impatient.cancel()
    world.gate.set()
    assert list(await patient) == [name(1)]
    assert len(world.calls) == 1


@pytest.mark.parametrize("claims", [500, 1000])
async def test_a_thousand_settled_claims_cost_at_most_four_reads_a_minute(
    world: World, claims: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperpod_operator.aws.ec2.gathered.GATHER", 0.0)
    chance = random.Random(7)
    resync = [(chance.uniform(0, 600), number) for number in range(claims)]
    minutes = 30
    per_minute = [0] * minutes
    started = world.now
    # Every claim looks once in ten minutes, and once more because something else happened.
    moments = sorted(
        (when + 600 * turn + offset, number)
        for when, number in resync
        for turn in range(3)
        for offset in (0.0, chance.uniform(0, 300))
    )
    for when, number in moments:
        if when >= minutes * 60:
            continue
        world.now = started + when
        before = len(world.calls)
        await world.reads.get([name(number)])
        per_minute[int(when // 60)] += len(world.calls) - before
    # While they are met for the first time, each is a question of its own.
    assert max(per_minute[10:]) <= 4
