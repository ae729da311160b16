"""Our own pace: bursts pass, floods queue in order, a throttled answer slows it down for a while."""

import asyncio

import pytest

from hyperpod_operator.aws.limiter import RECOVERY_SECONDS, Limiter, Pace

pytestmark = pytest.mark.looptime


def limiter(rate: float, burst: int) -> Limiter:
    return Limiter(Pace(rate=rate, burst=burst), monotonic=asyncio.get_running_loop().time)


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


async def test_a_throttled_answer_halves_the_pace_and_it_recovers() -> None:
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
