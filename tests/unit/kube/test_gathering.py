"""Whether a watch waits before it is read on: never where updates are rare, much come at once, or one is urgent."""

import asyncio

import pytest

from hyperpod_operator.kube.watch.gathering import GATHER, GATHER_MOST, HURRY, MUCH, Gathering

pytestmark = pytest.mark.looptime


@pytest.fixture
def gathering() -> Gathering:
    return Gathering()


def just_read(gathering: Gathering, *, lines: int = 1, size: int = 10_000) -> float:
    gathering.read_on()
    return gathering.pause(lines=lines, size=size)


async def test_what_comes_after_a_while_is_followed_at_once(gathering: Gathering) -> None:
    assert gathering.pause(lines=1, size=1) == 0
    gathering.read_on()
    await asyncio.sleep(GATHER)
    assert gathering.pause(lines=1, size=1) == 0


async def test_what_comes_fast_is_left_to_gather(gathering: Gathering) -> None:
    assert just_read(gathering) == GATHER


async def test_the_more_comes_together_the_longer_it_gathers_up_to_a_bound(gathering: Gathering) -> None:
    pauses = [just_read(gathering, lines=3) for _ in range(6)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (2 * GATHER, GATHER_MOST)


async def test_one_line_alone_starts_over(gathering: Gathering) -> None:
    for _ in range(6):
        just_read(gathering, lines=3)
    assert just_read(gathering, lines=1) == GATHER


async def test_what_has_gathered_by_itself_is_read_on(gathering: Gathering) -> None:
    assert just_read(gathering, lines=20, size=MUCH) == 0


async def test_a_wait_takes_its_time(gathering: Gathering) -> None:
    began = asyncio.get_running_loop().time()
    await gathering.wait(GATHER_MOST)
    assert asyncio.get_running_loop().time() - began == pytest.approx(GATHER_MOST)


async def test_a_hurry_ends_the_wait(gathering: Gathering) -> None:
    began = asyncio.get_running_loop().time()
    asyncio.get_running_loop().call_later(GATHER, gathering.hurry)
    await gathering.wait(GATHER_MOST)
    assert asyncio.get_running_loop().time() - began == pytest.approx(GATHER)


async def test_nothing_gathers_for_a_moment_after_a_hurry(gathering: Gathering) -> None:
    gathering.hurry()
    gathering.hurry()
    assert just_read(gathering, lines=3) == 0
    await asyncio.sleep(HURRY)
    assert just_read(gathering, lines=3) > 0


async def test_a_wait_that_is_cancelled_leaves_nothing_behind(gathering: Gathering) -> None:
    task = asyncio.create_task(gathering.wait(GATHER_MOST))
    await asyncio.sleep(GATHER)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    gathering.hurry()
    await asyncio.sleep(GATHER_MOST)
