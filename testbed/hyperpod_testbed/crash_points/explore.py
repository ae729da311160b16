"""All points of a phase: one clean run to find them, then a run for each, on as many lanes as pay."""

import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.crash_points.ending import Run, faults
from hyperpod_testbed.crash_points.lane import Lane
from hyperpod_testbed.crash_points.phases import Phase
from hyperpod_testbed.crash_points.points import Point, points

LANES = 1
"""`make test` explores three phases at a time, and each point starts an operator: with more lanes some of them start
too slowly for their deadlines."""


@dataclass(frozen=True)
class Exploration:
    """The clean run and all that were killed."""

    clean: Run
    runs: tuple[Run, ...]

    @property
    def faults(self) -> list[str]:
        """What any of them did otherwise than the clean one."""
        return [fault for run in self.runs for fault in faults(self.clean, run)]


def explore(
    plane: ControlPlane,
    phase: Phase,
    *,
    prefix: str,
    directory: Path,
    wanted: Callable[[Point], bool] = lambda _point: True,
    lanes: int = LANES,
    unseen: bool = False,
    how: signal.Signals = signal.SIGKILL,
) -> Exploration:
    """End the process by `how` at every wanted point of a phase; namespaces and files are named after `prefix`.

    `unseen`: AWS is slow to show a new cluster, see `Lane`.
    """
    found: list[Run] = []
    errors: list[BaseException] = []
    open_points: queue.SimpleQueue[Point] = queue.SimpleQueue()
    clean: list[Run] = []
    known = threading.Event()

    def work(number: int) -> None:
        try:
            with Lane(plane, namespace=f"{prefix}-{number}", directory=directory, unseen=unseen, how=how) as lane:
                if number == 0:
                    clean.append(lane.run(phase, None))
                    for point in filter(wanted, points(clean[0].ios)):
                        open_points.put(point)
                    known.set()
                known.wait()
                while clean and not errors:
                    try:
                        point = open_points.get_nowait()
                    except queue.Empty:
                        return
                    found.append(lane.run(phase, point, like=clean[0].ending))
        except BaseException as error:  # it is raised again where the caller sees it
            errors.append(error)
        finally:
            known.set()

    threads = [threading.Thread(target=work, args=(number,), name=f"lane-{number}") for number in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return Exploration(clean=clean[0], runs=tuple(found))
