"""The rate limiter: bursts pass, floods queue in order, a throttled answer slows it down for a while."""

import asyncio

import pytest

from hyperpod_operator.aws.call.limiter import RECOVERY_SECONDS, Limiter, RateLimit

pytestmark = pytest.mark.looptime


def limiter(rate: float, burst: int) -> Limiter:
    return Limiter(RateLimit(rate=rate, burst=burst), monotonic=asyncio.get_running_loop().time)


async def spent(made: Limiter, calls: int) -> float:
    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(made.wait() for _ in range(calls)))
    return asyncio.get_running_loop().time() - started


async def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    made = limiter(2.0, 4)
    assert await spent(made, 4) == 0
    assert await spent(made, 6) == pytest.approx(3.0)


async def test_a_rate_of_zero_lifts_the_limit() -> None:
    assert await spent(limiter(0.0, 1), 1000) == 0


async def test_waiters_keep_their_order() -> None:
    made, order = limiter(10.0, 1), []

    async def call(number: int) -> None:
        await made.wait()
        order.append(number)

    await asyncio.gather(*(call(number) for number in range(20)))
    assert order == list(range(20))


async def test_a_throttled_answer_halves_the_rate_and_it_recovers() -> None:
    made = limiter(8.0, 8)
    made.throttled()
    assert made.rate == pytest.approx(4.0)
    made.throttled()
    assert made.rate == pytest.approx(2.0)
    await asyncio.sleep(RECOVERY_SECONDS)
    assert made.rate == pytest.approx(4.0)
    await asyncio.sleep(10 * RECOVERY_SECONDS)
    assert made.rate == pytest.approx(8.0)


async def test_it_never_stops_for_good() -> None:
    made = limiter(8.0, 1)
    for _ in range(100):
        made.throttled()
    assert made.rate == pytest.approx(0.5)
    assert await spent(made, 1) < 5


async def test_a_namespace_with_many_calls_delays_another_by_one_of_them() -> None:
    whose, served = "noisy", list[str]()
    made = Limiter(RateLimit(rate=1.0, burst=1), monotonic=asyncio.get_running_loop().time, group=lambda: whose)

    async def call(name: str) -> None:
        await made.wait()
        served.append(name)

    calls = [asyncio.create_task(call("noisy")) for _ in range(50)]
    await asyncio.sleep(0.1)
    whose = "quiet"
    calls.append(asyncio.create_task(call("quiet")))
    await asyncio.sleep(3)
    assert served.index("quiet") <= 2
    await asyncio.gather(*calls)
    assert len(served) == 51


async def test_a_caller_that_gives_up_leaves_its_turn_to_the_next() -> None:
    made = limiter(1.0, 1)
    await made.wait()
    first, second = asyncio.create_task(made.wait()), asyncio.create_task(made.wait())
    await asyncio.sleep(0.5)
    first.cancel()
    await asyncio.wait_for(second, 0.6)


async def test_a_turn_that_came_as_its_caller_gave_up_is_not_lost() -> None:
    made = limiter(1.0, 1)
    await made.wait()
    first, second = asyncio.create_task(made.wait()), asyncio.create_task(made.wait())
    asyncio.get_running_loop().call_later(1.0, lambda: asyncio.get_running_loop().call_soon(first.cancel))
    await asyncio.wait_for(second, 1.1)


async def test_after_a_throttled_answer_waiters_wait_for_the_slower_pace() -> None:
    made = limiter(4.0, 1)
    await made.wait()
    started = asyncio.get_running_loop().time()
    waiting = asyncio.create_task(made.wait())
    await asyncio.sleep(0.1)
    made.throttled()
    await waiting
    assert asyncio.get_running_loop().time() - started > 0.4
