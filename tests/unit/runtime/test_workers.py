"""Workers: outcomes become times, and no pass can stop the next one. In fake time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import pytest
from tests.unit.controllers.measured import Measured

from hyperpod_operator.api.metrics.load import RECONCILES
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.outcome import Again, Blocked, Done, Failed, Gone, Outcome, Requeue
from hyperpod_operator.core.ports import Clock, Key
from hyperpod_operator.runtime.quarantine import Quarantine
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.workers import QuarantineGuard, Workers

pytestmark = pytest.mark.looptime

A, B = Key("ns", "a"), Key("ns", "b")


class Counted(Measured):
    @property
    def passes(self) -> list[tuple[str, ...]]:
        """Outcome and reason of each."""
        return [labels[1:] for labels in self.labels_of(RECONCILES)]


class Script:
    """A reconcile that returns or raises what it is told, one after the other, and remembers when it was called."""

    def __init__(self, *steps: Outcome | BaseException | Callable[[], Awaitable[Outcome]]) -> None:
        self.steps = list(steps)
        self.calls: list[tuple[float, int]] = []

    async def __call__(self, key: Key, failures: int) -> Outcome:
        self.calls.append((asyncio.get_running_loop().time(), failures))
        step = self.steps.pop(0) if self.steps else Done()
        if isinstance(step, BaseException):
            raise step
        return await step() if callable(step) else step

    def pauses(self) -> list[float]:
        times = [at for at, _ in self.calls]
        return [round(later - earlier, 1) for earlier, later in pairwise(times)]


Run = Callable[..., Workers]


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue(random=lambda: 1.0)


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
async def run(queue: WorkQueue, counted: Counted, clock: Clock) -> AsyncIterator[Run]:
    started: list[Workers] = []
    at_once = asyncio.Event()
    at_once.set()

    def start(
        reconcile: Script,
        *,
        count: int = 1,
        random: float = 0.5,
        deadline: float = 120,
        after: asyncio.Event = at_once,
    ) -> Workers:
        workers = Workers(
            queue=queue,
            reconcile=reconcile,
            metrics=counted,
            clock=clock,
            random=lambda: random,
            resync=600,
            count=count,
            deadline=deadline,
        )
        workers.start(after=after)
        started.append(workers)
        return workers

    yield start
    for workers in started:
        await workers.drain(within=0)


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (Done(), 600),
        (Requeue(Reason.CREATING, 20), 20),
        (Blocked(Reason.NOT_OWNED, 300), 300),
        (Failed(Reason.AWS_ERROR, 1), 5),
        (Failed(Reason.THROTTLED, 30), 30),
        (Again(), 0),
    ],
)
async def test_an_outcome_says_when_the_next_pass_comes(
    queue: WorkQueue, run: Run, outcome: Outcome, seconds: float
) -> None:
    script = Script(outcome)
    run(script)
    queue.add(A)
    await asyncio.sleep(601)
    assert script.pauses()[0] == seconds


async def test_no_pass_begins_before_everything_is_listed(queue: WorkQueue, run: Run) -> None:
    script, listed = Script(), asyncio.Event()
    workers = run(script, after=listed)
    queue.add(A)
    await asyncio.sleep(10)
    assert (script.calls, workers.fault()) == ([], None)
    listed.set()
    await asyncio.sleep(1)
    assert len(script.calls) == 1


async def test_a_stop_before_everything_is_listed_waits_for_nothing(queue: WorkQueue, run: Run) -> None:
    script = Script()
    workers = run(script, after=asyncio.Event())
    queue.add(A)
    await asyncio.sleep(1)
    assert await workers.drain(within=20)
    assert script.calls == []


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 480), (0.5, 600), (1.0, 720)])
async def test_the_resync_of_settled_objects_is_spread_by_a_fifth(
    queue: WorkQueue, run: Run, random: float, seconds: float
) -> None:
    script = Script()
    run(script, random=random)
    queue.add(A)
    await asyncio.sleep(725)
    assert script.pauses()[0] == seconds


async def test_a_key_whose_object_is_gone_is_forgotten(queue: WorkQueue, run: Run, counted: Counted) -> None:
    script = Script(Gone())
    run(script)
    queue.add(A)
    await asyncio.sleep(10_000)
    assert (len(script.calls), queue.known()) == (1, frozenset())


async def test_failures_in_a_row_are_told_to_the_pass_and_lengthen_the_pause(queue: WorkQueue, run: Run) -> None:
    failed = Failed(Reason.AWS_ERROR, 0)
    script = Script(failed, failed, failed, Requeue(Reason.CREATING, 20), failed, Done())
    run(script)
    queue.add(A)
    await asyncio.sleep(100)
    assert [failures for _, failures in script.calls] == [0, 1, 2, 3, 0, 1]
    assert script.pauses() == [5, 10, 20, 20, 5]


async def test_a_pass_that_raises_is_logged_counted_and_tried_again(
    queue: WorkQueue, run: Run, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(ValueError("boom"), Done())
    run(script)
    queue.add(A)
    await asyncio.sleep(10)
    assert script.pauses() == [5]
    assert counted.passes == [("Failed", "InternalError"), ("Done", "")]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "boom" in str(record.exc_text or record.exc_info)


async def test_a_pass_that_is_cancelled_from_within_does_not_end_its_worker(queue: WorkQueue, run: Run) -> None:
    script = Script(asyncio.CancelledError(), Done())
    workers = run(script)
    queue.add(A)
    await asyncio.sleep(10)
    assert len(script.calls) == 2
    assert workers.fault() is None


async def test_a_pass_that_hangs_is_cut_off_at_the_deadline(
    queue: WorkQueue, run: Run, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang() -> Outcome:
        await asyncio.sleep(1e6)
        return Done()

    script = Script(hang)
    run(script, deadline=120)
    queue.add(A)
    await asyncio.sleep(130)
    assert counted.passes[0] == ("Failed", "InternalError")
    assert script.pauses() == [125]
    assert "longer than 120 s" in caplog.text


async def test_a_timeout_inside_the_pass_is_a_fault_and_no_deadline(
    queue: WorkQueue, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    run(Script(TimeoutError("inner")))
    queue.add(A)
    await asyncio.sleep(1)
    assert "longer than" not in caplog.text
    assert "inner" in caplog.text


async def test_an_object_that_changes_under_every_pass_does_not_spin(queue: WorkQueue, run: Run) -> None:
    script = Script(*[Again()] * 50)
    run(script)
    queue.add(A)
    await asyncio.sleep(4)
    assert len(script.calls) == 6


async def test_several_keys_are_worked_on_at_the_same_time(queue: WorkQueue, run: Run) -> None:
    async def slow() -> Outcome:
        await asyncio.sleep(10)
        return Done()

    script = Script(slow, slow)
    run(script, count=2)
    queue.add(A)
    queue.add(B)
    await asyncio.sleep(1)
    assert len(script.calls) == 2


async def test_draining_lets_a_pass_finish_and_starts_none(queue: WorkQueue, run: Run, counted: Counted) -> None:
    async def slow() -> Outcome:
        await asyncio.sleep(10)
        return Done()

    script = Script(slow)
    workers = run(script)
    queue.add(A)
    queue.add(B)
    await asyncio.sleep(1)
    assert await workers.drain(within=20)
    assert (len(script.calls), counted.passes) == (1, [("Done", "")])


async def test_draining_cuts_off_a_pass_that_takes_too_long(
    queue: WorkQueue, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    ended = []

    async def slow() -> Outcome:
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(asyncio.get_running_loop().time())
        return Done()

    workers = run(Script(slow))
    start = asyncio.get_running_loop().time()
    queue.add(A)
    await asyncio.sleep(1)
    assert not await workers.drain(within=20)
    assert ended == [pytest.approx(start + 21, abs=0.1)]
    assert "ns/a" in caplog.text


async def test_a_worker_that_ended_is_a_fault(queue: WorkQueue, run: Run) -> None:
    workers = run(Script(), count=2)
    assert workers.fault() is None
    workers._tasks[0].cancel()
    await asyncio.sleep(0.1)
    assert workers.fault() == "1 of 2 workers have ended"


async def test_a_pass_that_cannot_be_cut_off_is_a_fault(queue: WorkQueue, run: Run) -> None:
    async def stubborn() -> Outcome:
        for _ in range(3):
            try:
                await asyncio.sleep(200)
            except asyncio.CancelledError:
                continue
        return Done()

    workers = run(Script(stubborn), deadline=120)
    queue.add(A)
    await asyncio.sleep(160)
    assert "a pass has been under way for 160 s" in (workers.fault() or "")
    await asyncio.sleep(1000)


class TestQuarantine:
    """Objects whose passes stop the event loop are looked at seldom, and say so."""

    @pytest.fixture
    def held(self) -> list[float]:
        """CPU time of the loop, which a step moves."""
        return [0.0]

    @pytest.fixture
    def marked(self) -> list[tuple[Key, str]]:
        return []

    @pytest.fixture
    def quarantine(self, held: list[float]) -> Quarantine:
        return Quarantine(cpu=lambda: held[0], monotonic=lambda: held[0])

    @pytest.fixture
    async def workers(
        self,
        queue: WorkQueue,
        counted: Counted,
        clock: Clock,
        quarantine: Quarantine,
        marked: list[tuple[Key, str]],
        held: list[float],
    ) -> AsyncIterator[tuple[list[tuple[float, Key]], set[Key], Workers]]:
        """When passes started; the keys whose passes hold the loop for five seconds; and the workers."""
        starts, bad = list[tuple[float, Key]](), set[Key]()
        at_once = asyncio.Event()
        at_once.set()

        async def reconcile(key: Key, failures: int) -> Outcome:
            starts.append((asyncio.get_running_loop().time(), key))
            held[0] += 5.0 if key in bad else 0.0
            return Requeue(Reason.CREATING, 20)

        async def mark(key: Key, message: str) -> None:
            marked.append((key, message))

        made = Workers(
            queue=queue,
            reconcile=reconcile,
            metrics=counted,
            clock=clock,
            random=lambda: 0.5,
            resync=600,
            count=1,
            guard=QuarantineGuard(quarantine=quarantine, mark=mark),
        )
        bad.add(A)
        made.start(after=at_once)
        yield starts, bad, made
        await made.drain(within=0)

    async def test_one_bad_object_does_not_take_the_loop_from_the_others(
        self, queue: WorkQueue, workers: tuple[list[tuple[float, Key]], set[Key], Workers]
    ) -> None:
        starts, _, _ = workers
        queue.add(A)
        queue.add(B)
        await asyncio.sleep(290)
        assert [key for _, key in starts].count(A) == 1
        assert [key for _, key in starts].count(B) == 15

    async def test_the_object_says_so_and_how_it_gets_out(
        self,
        queue: WorkQueue,
        workers: tuple[list[tuple[float, Key]], set[Key], Workers],
        marked: list[tuple[Key, str]],
    ) -> None:
        queue.add(A)
        await asyncio.sleep(1)
        ((key, message),) = marked
        assert key == A
        assert "every 5 minutes" in message
        assert "Make the object smaller" in message

    async def test_edits_in_a_loop_do_not_bring_it_forward(
        self, queue: WorkQueue, workers: tuple[list[tuple[float, Key]], set[Key], Workers]
    ) -> None:
        starts, _, _ = workers
        for _ in range(200):
            queue.request(A)
            await asyncio.sleep(1)
        assert len(starts) == 1

    async def test_an_object_that_was_fixed_is_served_as_every_other(
        self, queue: WorkQueue, workers: tuple[list[tuple[float, Key]], set[Key], Workers], quarantine: Quarantine
    ) -> None:
        starts, bad, _ = workers
        queue.add(A)
        await asyncio.sleep(1)
        bad.clear()
        await asyncio.sleep(400)
        assert quarantine.objects("cluster") == {}
        assert len(starts) > 4

    async def test_what_an_earlier_process_died_of_is_not_looked_at_at_once(
        self, queue: WorkQueue, counted: Counted, clock: Clock, quarantine: Quarantine, marked: list[tuple[Key, str]]
    ) -> None:
        quarantine._counts, quarantine._inside = {"cluster/ns/a": 2}, {"cluster/ns/a"}
        script, listed = Script(), asyncio.Event()

        async def mark(key: Key, message: str) -> None:
            marked.append((key, message))

        made = Workers(
            queue=queue,
            reconcile=script,
            metrics=counted,
            clock=clock,
            random=lambda: 0.5,
            resync=600,
            guard=QuarantineGuard(quarantine=quarantine, mark=mark),
        )
        made.start(after=listed)
        listed.set()
        queue.request(A)
        await asyncio.sleep(590)
        assert script.calls == []
        assert [key for key, _ in marked] == [A]
        await asyncio.sleep(20)
        assert len(script.calls) == 1
        await made.drain(within=0)

    async def test_an_object_that_is_gone_may_come_back_as_it_was(
        self, queue: WorkQueue, counted: Counted, clock: Clock, quarantine: Quarantine
    ) -> None:
        quarantine._counts, quarantine._inside = {"cluster/ns/a": 1}, {"cluster/ns/a"}
        at_once = asyncio.Event()
        at_once.set()

        async def mark(key: Key, message: str) -> None: ...

        made = Workers(
            queue=queue,
            reconcile=Script(Gone()),
            metrics=counted,
            clock=clock,
            random=lambda: 0.5,
            resync=600,
            guard=QuarantineGuard(quarantine=quarantine, mark=mark),
        )
        made.start(after=at_once)
        await asyncio.sleep(310)
        assert quarantine.interval("cluster", A) is not None
        await made.drain(within=0)
