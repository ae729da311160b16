"""Objects that stop the event loop, or the process: counted, held back, and let out again."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.crash_marks import COUNTS, RUNNING, CrashMarks
from hyperpod_operator.runtime.quarantine import FIRST_INTERVAL, LONGEST_INTERVAL, Quarantine

A, B = Key("ns", "a"), Key("ns", "b")


class Machine:
    """Clocks that the test turns: CPU time of the loop, and time."""

    def __init__(self) -> None:
        self.cpu = self.time = 0.0

    def quarantine(self, marks: CrashMarks | None = None) -> Quarantine:
        return Quarantine(marks=marks, cpu=lambda: self.cpu, monotonic=lambda: self.time)

    async def hold(self, *, cpu: float = 0.0, waiting: float = 0.0) -> None:
        """One step that takes so long."""
        self.cpu += cpu
        self.time += cpu + waiting


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def marks(tmp_path: Path) -> CrashMarks:
    return CrashMarks(tmp_path)


async def test_a_pass_of_short_steps_leaves_nothing(machine: Machine) -> None:
    quarantine = machine.quarantine()
    await quarantine.run("cluster", A, machine.hold(cpu=0.5))
    assert (quarantine.times("cluster", A), quarantine.interval("cluster", A)) == (0, None)


async def test_a_step_that_holds_the_loop_puts_its_object_into_quarantine(machine: Machine) -> None:
    quarantine = machine.quarantine()
    await quarantine.run("cluster", A, machine.hold(cpu=2.5))
    assert quarantine.interval("cluster", A) == FIRST_INTERVAL
    assert quarantine.objects("cluster") == {A: FIRST_INTERVAL}


async def test_a_step_on_a_machine_without_cpu_is_innocent(machine: Machine) -> None:
    quarantine = machine.quarantine()
    await quarantine.run("cluster", A, machine.hold(cpu=0.1, waiting=5))
    assert quarantine.interval("cluster", A) is None


async def test_a_step_that_waits_without_end_is_not(machine: Machine) -> None:
    quarantine = machine.quarantine()
    await quarantine.run("cluster", A, machine.hold(waiting=12))
    assert quarantine.interval("cluster", A) == FIRST_INTERVAL


async def test_a_step_that_fails_counts_too(machine: Machine) -> None:
    quarantine = machine.quarantine()

    async def broken() -> None:
        await machine.hold(cpu=3)
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await quarantine.run("cluster", A, broken())
    assert quarantine.interval("cluster", A) == FIRST_INTERVAL


async def test_another_kind_of_the_same_name_is_another_object(machine: Machine) -> None:
    quarantine = machine.quarantine()
    await quarantine.run("cluster", A, machine.hold(cpu=3))
    assert quarantine.interval("volume", A) is None
    assert quarantine.interval("cluster", B) is None


async def test_the_interval_doubles_up_to_a_day(machine: Machine) -> None:
    quarantine, found = machine.quarantine(), list[float | None]()
    for _ in range(12):
        await quarantine.run("cluster", A, machine.hold(cpu=3))
        found.append(quarantine.interval("cluster", A))
    assert found[:3] == [FIRST_INTERVAL, 2 * FIRST_INTERVAL, 4 * FIRST_INTERVAL]
    assert found[-1] == LONGEST_INTERVAL


async def test_an_object_that_was_cleared_starts_over(machine: Machine) -> None:
    quarantine = machine.quarantine()
    await quarantine.run("cluster", A, machine.hold(cpu=3))
    quarantine.clear("cluster", A)
    assert (quarantine.times("cluster", A), quarantine.objects("cluster")) == (0, {})


# Across processes.


def dies(directory: Path, name: str = "a", *, how: str = "os.kill(os.getpid(), signal.SIGKILL)") -> int:
    """A process that dies while a step of ns/`name` runs, after one of another object ended."""
    script = f"""
        import asyncio, os, re, signal, sys
        from pathlib import Path
        from hyperpod_operator.core.ports import Key
        from hyperpod_operator.runtime.crash_marks import CrashMarks
        from hyperpod_operator.runtime.quarantine import Quarantine

        async def fine() -> None:
            await asyncio.sleep(0)

        async def fatal() -> None:
            {how}

        async def main() -> None:
            quarantine = Quarantine(marks=CrashMarks(Path({str(directory)!r})))
            await quarantine.run("cluster", Key("ns", "fine"), fine())
            await quarantine.run("cluster", Key("ns", {name!r}), fatal())

        asyncio.run(main())
    """
    return subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False).returncode


def test_one_death_may_be_chance(tmp_path: Path, machine: Machine) -> None:
    assert dies(tmp_path) == -signal.SIGKILL
    quarantine = machine.quarantine(CrashMarks(tmp_path))
    assert (quarantine.times("cluster", A), quarantine.interval("cluster", A)) == (1, None)


def test_two_deaths_during_passes_of_one_object_are_not(tmp_path: Path, machine: Machine) -> None:
    dies(tmp_path)
    dies(tmp_path)
    quarantine = machine.quarantine(CrashMarks(tmp_path))
    assert quarantine.objects("cluster") == {A: 2 * FIRST_INTERVAL}


def test_two_deaths_during_passes_of_two_objects_are_chance(tmp_path: Path, machine: Machine) -> None:
    dies(tmp_path, "a")
    dies(tmp_path, "b")
    assert machine.quarantine(CrashMarks(tmp_path)).objects("cluster") == {}


def test_a_call_that_stops_every_thread_of_the_process_is_found(tmp_path: Path, machine: Machine) -> None:
    """A backtracking expression holds the interpreter's lock: nothing but a file written before can tell of it."""
    for _ in range(2):
        script = "signal.alarm(1); re.match('(a+)+b', 'a' * 64)"  # SIGALRM without a handler ends the process
        assert dies(tmp_path, how=script) == -signal.SIGALRM
    assert machine.quarantine(CrashMarks(tmp_path)).objects("cluster") == {A: 2 * FIRST_INTERVAL}


def test_a_process_that_ends_between_passes_leaves_nothing(tmp_path: Path, machine: Machine) -> None:
    assert dies(tmp_path, how="pass") == 0
    assert machine.quarantine(CrashMarks(tmp_path)).times("cluster", A) == 0


def test_an_orderly_end_in_the_middle_of_a_short_step_blames_nobody(tmp_path: Path, machine: Machine) -> None:
    """The Lease was lost while another object held the loop; the next step that wants to write ends the process."""
    quarantine = machine.quarantine(CrashMarks(tmp_path))
    quarantine._began = ("cluster/ns/a", machine.cpu, machine.time)
    assert quarantine._marks is not None
    quarantine._marks.enter(b"cluster/ns/a")
    quarantine.forgive()
    assert CrashMarks(tmp_path).left_behind == ""


def test_an_orderly_end_in_the_middle_of_a_long_step_does_blame_it(tmp_path: Path, machine: Machine) -> None:
    quarantine = machine.quarantine(CrashMarks(tmp_path))
    quarantine._began = ("cluster/ns/a", machine.cpu, machine.time)
    assert quarantine._marks is not None
    quarantine._marks.enter(b"cluster/ns/a")
    machine.time += 12
    quarantine.forgive()
    assert CrashMarks(tmp_path).left_behind == "cluster/ns/a"


async def test_a_held_loop_is_written_down_before_the_pass_ends(marks: CrashMarks, machine: Machine) -> None:
    """The Lease may be lost with it, and the process right after the step."""
    quarantine = machine.quarantine(marks)

    async def work() -> dict[str, int]:
        await machine.hold(cpu=3)
        await asyncio.sleep(0)
        return marks.counts()

    assert await quarantine.run("cluster", A, work()) == {"cluster/ns/a": 1}


async def test_a_clean_pass_is_remembered_across_processes(marks: CrashMarks, tmp_path: Path, machine: Machine) -> None:
    quarantine = machine.quarantine(marks)
    for _ in range(2):
        await quarantine.run("cluster", A, machine.hold(cpu=3))
    quarantine.clear("cluster", A)
    assert machine.quarantine(CrashMarks(tmp_path)).objects("cluster") == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 3}', '{"cluster/ns/a": "two"}', '{"cluster/ns/a": -1}', "\0"])
def test_a_file_that_is_not_understood_counts_nothing(tmp_path: Path, text: str, machine: Machine) -> None:
    (tmp_path / COUNTS).write_text(text)
    assert machine.quarantine(CrashMarks(tmp_path)).objects("cluster") == {}


def test_a_mark_that_is_garbage_starts_no_quarantine(tmp_path: Path, machine: Machine) -> None:
    (tmp_path / RUNNING).write_bytes(os.urandom(1024))
    assert machine.quarantine(CrashMarks(tmp_path)).objects("cluster") == {}


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        CrashMarks(tmp_path / "nowhere")


def test_a_full_disk_costs_the_memory_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = CrashMarks(tmp_path)
    (tmp_path / "quarantine.new").mkdir()
    made.keep({"cluster/ns/a": 1})
    assert "cannot be written" in caplog.text
