"""The work queue's promises, in fake time."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.queue import QueueClosed, WorkQueue

pytestmark = pytest.mark.looptime

A, B, C = Key("ns", "a"), Key("ns", "b"), Key("ns", "c")


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue(random=lambda: 0.5)


async def test_keys_come_out_in_the_order_they_came_in(queue: WorkQueue) -> None:
    for key in (B, A, C):
        queue.add(key)
    assert [await queue.get() for _ in range(3)] == [B, A, C]


async def test_a_key_that_waits_is_not_queued_twice(queue: WorkQueue) -> None:
    queue.add(A)
    queue.add(A)
    assert queue.depth == 1


async def test_a_key_that_is_added_during_its_pass_gets_one_more_pass_after_it(queue: WorkQueue) -> None:
    queue.add(A)
    assert await queue.get() == A
    queue.add(A)
    queue.add(A)
    assert queue.depth == 0
    queue.done(A)
    assert await queue.get() == A
    queue.done(A)
    assert queue.depth == 0


async def test_a_delayed_key_comes_at_its_time(queue: WorkQueue) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    queue.add_after(A, 20)
    assert await queue.get() == A
    assert loop.time() - start == pytest.approx(20, abs=0.01)


@pytest.mark.parametrize(("first", "second"), [(5, 50), (50, 5)])
async def test_of_two_delays_the_earlier_wins(queue: WorkQueue, first: float, second: float) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    queue.add_after(A, first)
    queue.add_after(A, second)
    await queue.get()
    assert loop.time() - start == pytest.approx(5, abs=0.01)
    queue.done(A)
    await asyncio.sleep(100)
    assert queue.depth == 0


async def test_a_pass_grants_the_wishes_for_later(queue: WorkQueue) -> None:
    queue.add_after(A, 60)
    queue.add(A)
    await queue.get()
    queue.done(A)
    await asyncio.sleep(100)
    assert (queue.depth, queue.delayed) == (0, 0)


async def test_a_delay_that_ends_during_the_pass_causes_one_more(queue: WorkQueue) -> None:
    queue.add(A)
    await queue.get()
    queue.add_after(A, 10)
    await asyncio.sleep(30)
    assert queue.depth == 0
    queue.done(A)
    assert queue.depth == 1


async def test_backoff_doubles_from_five_seconds_to_five_minutes() -> None:
    queue = WorkQueue(random=lambda: 1.0)
    pauses = []
    for _ in range(9):
        pauses.append(queue.add_failed(A))
        await queue.get()
        queue.done(A)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


async def test_backoff_is_spread_by_chance_but_never_below_the_floor() -> None:
    queue = WorkQueue(random=lambda: 0.0)
    assert queue.add_failed(A, at_least=30) == 30
    assert WorkQueue(random=lambda: 0.5).add_failed(A) == 2.5


async def test_a_key_that_recovered_starts_with_the_shortest_backoff(queue: WorkQueue) -> None:
    queue.add_failed(A)
    queue.add_failed(A)
    assert queue.failures(A) == 2
    queue.recovered(A)
    assert (queue.failures(A), queue.add_failed(A)) == (0, 2.5)


async def test_a_key_that_fails_for_years_keeps_the_longest_backoff(queue: WorkQueue) -> None:
    for _ in range(3000):
        queue.add_failed(A)
    assert queue.add_failed(A) == 150


async def test_a_forgotten_key_never_comes_back_by_itself(queue: WorkQueue) -> None:
    queue.add_after(A, 5)
    queue.forget(A)
    await asyncio.sleep(10)
    assert (queue.depth, queue.known()) == (0, frozenset())


async def test_forgetting_does_not_lose_what_was_added_during_the_pass(queue: WorkQueue) -> None:
    queue.add(A)
    await queue.get()
    queue.add(A)
    queue.forget(A)
    queue.done(A)
    assert (queue.depth, queue.known()) == (1, frozenset({A}))


async def test_ages_are_those_of_the_longest_waiting(queue: WorkQueue) -> None:
    queue.add(A)
    await asyncio.sleep(3)
    queue.add(B)
    assert queue.oldest_ready_age() == pytest.approx(3, abs=0.01)
    await queue.get()
    await asyncio.sleep(4)
    assert queue.oldest_active_age() == pytest.approx(4, abs=0.01)
    assert queue.oldest_ready_age() == pytest.approx(4, abs=0.01)


async def test_a_cancelled_worker_passes_its_wake_up_on(queue: WorkQueue) -> None:
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(A)
    first.cancel()
    assert await asyncio.wait_for(second, 1) == A


async def test_a_closed_queue_lets_its_workers_go(queue: WorkQueue) -> None:
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add_after(A, 5)
    queue.close()
    with pytest.raises(QueueClosed):
        await waiting
    await asyncio.sleep(10)
    with pytest.raises(QueueClosed):
        await queue.get()


async def test_draining_waits_for_the_passes_under_way(queue: WorkQueue) -> None:
    queue.add(A)
    await queue.get()
    asyncio.get_running_loop().call_later(3, queue.done, A)
    assert await queue.drain(within=5)


async def test_draining_gives_up_in_time(queue: WorkQueue) -> None:
    queue.add(A)
    await queue.get()
    assert not await queue.drain(within=5)
    assert queue.active_keys() == (A,)


async def test_superseded_delays_do_not_pile_up(queue: WorkQueue) -> None:
    for seconds in range(5000, 0, -1):
        queue.add_after(A, seconds)
    assert len(queue._heap) < 100


# The invariants, against any interleaving of requests, passes and time.

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "after", "failed", "forget", "sleep"]),
        st.sampled_from([A, B, C]),
        st.integers(min_value=0, max_value=40),
    ),
    max_size=40,
)


def in_fake_time(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    loop = looptime.new_event_loop(noop_cycles=10)
    try:
        loop.run_until_complete(scenario())
    finally:
        loop.close()


@settings(max_examples=120, deadline=None)
@given(actions=ACTIONS, durations=st.lists(st.integers(0, 30), min_size=1, max_size=10))
def test_whatever_happens_passes_are_exclusive_and_every_wish_is_granted_in_time(
    actions: list[tuple[str, Key, int]], durations: list[int]
) -> None:
    in_fake_time(lambda: _interleave(actions, durations))


async def _interleave(actions: list[tuple[str, Key, int]], durations: list[int]) -> None:
    loop = asyncio.get_running_loop()
    queue = WorkQueue(random=lambda: 0.5)
    starts: list[tuple[float, int, Key]] = []
    running: set[Key] = set()
    sequence = iter(range(1_000_000))

    async def work() -> None:
        while True:
            try:
                key = await queue.get()
            except QueueClosed:
                return
            assert key not in running, "two passes of one key at once"
            running.add(key)
            starts.append((loop.time(), next(sequence), key))
            await asyncio.sleep(durations[len(starts) % len(durations)])
            running.remove(key)
            queue.done(key)

    workers = [asyncio.create_task(work()) for _ in range(len({A, B, C}))]
    wishes: list[tuple[int, Key, float]] = []  # asked as number N: a pass of this key, due at this time
    for action, key, number in actions:
        match action:
            case "add":
                wishes.append((next(sequence), key, loop.time()))
                queue.add(key)
            case "after":
                wishes.append((next(sequence), key, loop.time() + number))
                queue.add_after(key, number)
            case "failed":
                asked = next(sequence)
                wishes.append((asked, key, loop.time() + queue.add_failed(key)))
            case "forget":
                # A pass is under way or wished for: only plans for later are given up.
                now = loop.time()
                wishes = [
                    desired for desired in wishes if desired[1] != key or desired[2] <= now or _granted(desired, starts)
                ]
                queue.forget(key)
            case _:
                await asyncio.sleep(number)
    await asyncio.sleep(1000)
    assert (queue.depth, queue.active, queue.delayed) == (0, 0, 0)
    for asked, key, due in wishes:
        later = [at for at, order, started in starts if started == key and order > asked]
        assert later, f"no pass of {key} after it was asked for"
        # As many workers as keys: only the key's own pass under way can make it wait.
        assert min(later) <= due + max(durations) + 0.1
    queue.close()
    await asyncio.gather(*workers)


def _granted(desired: tuple[int, Key, float], starts: list[tuple[float, int, Key]]) -> bool:
    return any(started == desired[1] and order > desired[0] for _, order, started in starts)


class TestLanes:
    @pytest.fixture
    def lanes(self) -> WorkQueue:
        return WorkQueue(random=lambda: 1.0, lanes=3)

    async def test_the_most_urgent_line_is_served_first(self, lanes: WorkQueue) -> None:
        lanes.add(A)
        lanes.add(B, lane=1)
        lanes.add(C, lane=0)
        assert [await lanes.get() for _ in range(3)] == [C, B, A]

    async def test_a_waiting_key_that_becomes_urgent_changes_lines(self, lanes: WorkQueue) -> None:
        lanes.add(A)
        lanes.add(B)
        lanes.add(B, lane=0)
        assert lanes.depth == 2
        assert [await lanes.get() for _ in range(2)] == [B, A]

    async def test_a_waiting_key_never_becomes_less_urgent(self, lanes: WorkQueue) -> None:
        lanes.add(A, lane=1)
        lanes.add(B, lane=0)
        lanes.add(B)
        assert await lanes.get() == B
        assert lanes.depth == 1

    async def test_an_urgent_add_during_a_pass_is_urgent_after_it(self, lanes: WorkQueue) -> None:
        lanes.add(A)
        assert await lanes.get() == A
        lanes.add(A)
        lanes.add(B, lane=1)
        lanes.add(A, lane=0)
        lanes.done(A)
        assert await lanes.get() == A


class TestNamespaces:
    async def test_they_are_served_in_turn(self, queue: WorkQueue) -> None:
        for number in range(400):
            queue.add(Key("noisy", f"n{number}"))
        queue.add(Key("quiet", "q"))
        assert [(await queue.get()).namespace for _ in range(3)] == ["noisy", "quiet", "noisy"]

    async def test_an_urgent_key_of_any_namespace_comes_first(self) -> None:
        queue = WorkQueue(random=lambda: 0.5, lanes=2)
        queue.add(Key("a", "x"))
        queue.add(Key("b", "y"), lane=0)
        assert (await queue.get()).namespace == "b"

    async def test_one_does_not_take_every_worker(self) -> None:
        queue = WorkQueue(random=lambda: 0.5, most_active=2)
        for number in range(5):
            queue.add(Key("noisy", f"n{number}"))
        first, _ = await queue.get(), await queue.get()
        third = asyncio.create_task(queue.get())
        await asyncio.sleep(60)
        assert not third.done()
        queue.add(Key("quiet", "q"))
        assert (await asyncio.wait_for(third, 1)).namespace == "quiet"
        fourth = asyncio.create_task(queue.get())
        await asyncio.sleep(60)
        assert not fourth.done()
        queue.done(first)
        assert (await asyncio.wait_for(fourth, 1)).namespace == "noisy"


class TestRequests:
    """Passes that an object asks for itself, by edits and annotations."""

    async def starts(self, queue: WorkQueue, *, seconds: float, every: float) -> list[float]:
        """When passes of an object start that asks for one `every` so many seconds."""
        loop = asyncio.get_running_loop()
        begin, found = loop.time(), list[float]()

        async def work() -> None:
            while True:
                key = await queue.get()
                found.append(loop.time() - begin)
                queue.done(key)

        worker = asyncio.create_task(work())
        while loop.time() - begin < seconds:
            queue.request(A)
            await asyncio.sleep(every)
        worker.cancel()
        return found

    async def test_the_first_few_come_at_once(self, queue: WorkQueue) -> None:
        assert len(await self.starts(queue, seconds=4, every=1)) == 4

    async def test_an_object_that_goes_on_asking_gets_a_pass_in_ten_seconds(self, queue: WorkQueue) -> None:
        found = await self.starts(queue, seconds=600, every=0.1)
        assert 60 <= len(found) <= 65
        assert min(later - earlier for earlier, later in pairwise(found[4:])) >= 9.9

    async def test_the_last_request_is_never_lost(self, queue: WorkQueue) -> None:
        await self.starts(queue, seconds=7, every=0.1)
        loop = asyncio.get_running_loop()
        start = loop.time()
        queue.request(A)
        assert await queue.get() == A
        assert loop.time() - start <= 10.1

    async def test_a_request_that_was_put_off_outlives_the_end_of_an_earlier_object(self, queue: WorkQueue) -> None:
        await self.starts(queue, seconds=7, every=0.1)
        queue.request(A)
        queue.forget(A)
        assert await asyncio.wait_for(queue.get(), 11) == A

    async def test_after_a_while_the_first_few_come_at_once_again(self, queue: WorkQueue) -> None:
        await self.starts(queue, seconds=7, every=0.1)
        await asyncio.sleep(60)
        assert len(await self.starts(queue, seconds=4, every=1)) >= 4

    async def test_a_plan_of_the_operator_itself_is_not_put_off(self, queue: WorkQueue) -> None:
        await self.starts(queue, seconds=7, every=0.1)
        queue.request(A)
        queue.add(A)
        assert queue.depth == 1

    async def test_nothing_is_remembered_of_objects_that_went(self, queue: WorkQueue) -> None:
        for number in range(1000):
            key = Key("ns", f"n{number}")
            queue.request(key)
            queue.done(await queue.get())
            queue.forget(key)
            await asyncio.sleep(1)
        assert len(queue._asked_until) < 100


class TestHeldBack:
    """Keys whose passes harm the others."""

    async def test_passes_are_far_apart_whoever_asks(self, queue: WorkQueue) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        queue.hold_back(A, seconds=300)
        for ask in (queue.add, queue.request, queue.add_failed):
            ask(A)
        assert queue.depth == 0
        assert await queue.get() == A
        assert loop.time() - start == pytest.approx(300, abs=0.1)
        queue.add(A)
        queue.done(A)
        assert await queue.get() == A
        assert loop.time() - start == pytest.approx(600, abs=0.2)

    async def test_a_key_that_waits_is_taken_out_of_its_line(self, queue: WorkQueue) -> None:
        queue.add(A)
        queue.hold_back(A, seconds=300)
        assert (queue.depth, queue.delayed, queue.oldest_ready_age()) == (0, 1, 0.0)

    async def test_it_is_served_after_everybody_else(self, queue: WorkQueue) -> None:
        queue.hold_back(A, seconds=300)
        queue.add(A)
        await asyncio.sleep(301)
        queue.add(B)
        assert [await queue.get() for _ in range(2)] == [B, A]

    async def test_an_object_of_the_same_name_is_held_back_too(self, queue: WorkQueue) -> None:
        queue.hold_back(A, seconds=300)
        queue.forget(A)
        queue.request(A)
        await asyncio.sleep(290)
        assert queue.depth == 0

    async def test_a_key_that_is_released_is_served_at_once(self, queue: WorkQueue) -> None:
        queue.hold_back(A, seconds=300)
        queue.release(A)
        queue.add(A)
        assert queue.depth == 1
