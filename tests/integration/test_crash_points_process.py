"""End the real operator around each of its I/Os, by SIGKILL and by SIGTERM, start it again, compare with a clean run.

The points are found by a clean run, so a new write in the operator is tried without a word here. `make test` tries each
call that changes AWS, and of a creation the first of each kind of write. `make crash-points` tries the others: scaling,
which is an update, writes of progress, and reads and Events, around which a kill leaves the same behind as one before
the next write. The tests of controllers kill at each of them, in one process.
"""

import secrets
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.crash_points.ending import Ending, Run, faults
from hyperpod_testbed.crash_points.explore import Exploration, explore
from hyperpod_testbed.crash_points.phases import PHASES
from hyperpod_testbed.crash_points.points import Point, name_of, points
from hyperpod_testbed.proxy import Request
from hyperpod_testbed.stack import ROOT

CHANGES = {
    "create": {"CreateCluster": 1},
    "update": {"UpdateCluster": 1, "AddTags": 1},
    "scale": {"UpdateCluster": 1},
    "delete": {"DeleteCluster": 1},
}
"""What each phase takes when nothing goes wrong: a clean run that does more would excuse the others."""


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> ControlPlane:
    control_plane.install_crds(ROOT / "crds")
    return control_plane


def chosen(phase: str) -> Callable[[Point], bool]:
    """Which points of a phase `make test` tries."""
    return lambda point: point.changes_aws or (phase == "create" and point.lasting and point.number == 1)


def explored(
    plane: ControlPlane, tmp_path: Path, phase: str, *, rest: bool = False, how: signal.Signals = signal.SIGKILL
) -> Exploration:
    """The chosen points of a phase, or the rest of them."""
    pick = chosen(phase)
    return explore(
        plane,
        PHASES[phase],
        prefix=f"crash-{phase}-{secrets.token_hex(3)}",
        directory=tmp_path,
        wanted=(lambda point: not pick(point)) if rest else pick,
        how=how,
    )


@pytest.mark.timeout(480)
@pytest.mark.parametrize(
    "phase", [pytest.param(name, marks=pytest.mark.long if name == "scale" else pytest.mark.slow) for name in PHASES]
)
def test_a_kill_around_any_write_changes_nothing_about_the_end(plane: ControlPlane, tmp_path: Path, phase: str) -> None:
    found = explored(plane, tmp_path, phase)
    assert found.faults == []
    assert found.clean.sent == CHANGES[phase]
    assert {run.point.io for run in found.runs if run.point} >= set(CHANGES[phase])
    assert mostly(found)


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_a_cluster_that_aws_does_not_show_yet_is_not_created_again(plane: ControlPlane, tmp_path: Path) -> None:
    """The one gap that looking cannot close: the next process starts while AWS still says that there is nothing."""
    points_around_it = {Point("CreateCluster", 1, after=True), Point("PATCH hyperpodclusters/status", 2, after=False)}
    found = explore(
        plane,
        PHASES["create"],
        prefix=f"crash-unseen-{secrets.token_hex(3)}",
        directory=tmp_path,
        wanted=lambda point: point in points_around_it,
        unseen=True,
    )
    assert found.faults == []
    assert {run.point for run in found.runs if run.reached} == points_around_it


@pytest.mark.long
@pytest.mark.timeout(480)
@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_around_any_other_io_changes_nothing_about_the_end(
    plane: ControlPlane, tmp_path: Path, phase: str
) -> None:
    found = explored(plane, tmp_path, phase, rest=True)
    assert found.faults == []
    assert any(run.reached for run in found.runs)


def mostly(found: Exploration) -> bool:
    """Whether nearly every point was come to: a status about progress may be written once less on a busy machine."""
    return sum(run.reached for run in found.runs) >= 0.75 * len(found.runs)


@pytest.mark.slow
@pytest.mark.fault(23)
@pytest.mark.timeout(480)
def test_a_stop_around_any_write_of_a_creation_ends_in_order_and_costs_no_call(
    plane: ControlPlane, tmp_path: Path
) -> None:
    found = explored(plane, tmp_path, "create", how=signal.SIGTERM)
    assert found.faults == []
    assert mostly(found)


@pytest.mark.long
@pytest.mark.fault(23)
@pytest.mark.timeout(480)
@pytest.mark.parametrize(
    ("phase", "rest"),
    [(phase, rest) for phase in PHASES for rest in (False, True) if (phase, rest) != ("create", False)],
)
def test_a_stop_around_any_other_io_ends_in_order_and_costs_no_call(
    plane: ControlPlane, tmp_path: Path, phase: str, rest: bool
) -> None:
    found = explored(plane, tmp_path, phase, rest=rest, how=signal.SIGTERM)
    assert found.faults == []
    assert any(run.reached for run in found.runs)


CLEAN = Run(
    point=None,
    reached=False,
    ios=("DescribeCluster", "CreateCluster", "PATCH hyperpodclusters/status"),
    ending=Ending(cluster={"ClusterStatus": "InService"}, finalizers=("ours",), exists=True),
    sent=Counter(CreateCluster=1),
    done=Counter(CreateCluster=1),
)
AFTER_CREATE = Point("CreateCluster", 1, after=True)


class TestWhatCountsAsAFault:
    """Without these a comparison that never differs would look like a proof."""

    def killed(self, point: Point = AFTER_CREATE) -> Run:
        return replace(CLEAN, point=point, reached=True)

    def test_the_same_end_is_none(self) -> None:
        assert faults(CLEAN, self.killed()) == []

    def test_another_end(self) -> None:
        run = replace(self.killed(), ending=replace(CLEAN.ending, finalizers=()))
        assert "it ended as" in faults(CLEAN, run)[0]

    def test_a_second_creation(self) -> None:
        run = replace(self.killed(), done=Counter(CreateCluster=2))
        assert faults(CLEAN, run) == ["killed after CreateCluster 1: CreateCluster took effect 2 times, 1 expected"]

    def test_a_second_creation_that_aws_refused(self) -> None:
        run = replace(self.killed(), sent=Counter(CreateCluster=2))
        assert faults(CLEAN, run) == ["killed after CreateCluster 1: CreateCluster was sent 2 times"]

    def test_one_call_more_is_allowed_where_aws_acted_unheard(self) -> None:
        assert faults(CLEAN, replace(self.killed(), sent=Counter(CreateCluster=1, AddTags=1))) == []

    def test_two_calls_more_are_not(self) -> None:
        assert "it sent" in faults(CLEAN, replace(self.killed(), sent=Counter(CreateCluster=1, AddTags=2)))[0]

    def test_one_call_more_is_not_allowed_where_nothing_reached_aws(self) -> None:
        run = self.killed(replace(AFTER_CREATE, after=False))
        assert "it sent" in faults(CLEAN, replace(run, sent=Counter(CreateCluster=1, AddTags=1)))[0]

    def test_a_write_that_never_came(self) -> None:
        run = replace(self.killed(), reached=False)
        assert "never came to this point" in faults(CLEAN, run)[0]


@pytest.mark.parametrize(
    ("method", "path", "operation", "name"),
    [
        ("POST", "/", "CreateCluster", "CreateCluster"),
        (
            "PATCH",
            "/apis/hyperpod-operator.dev/v1alpha1/namespaces/a/hyperpodclusters/b",
            "",
            "PATCH hyperpodclusters",
        ),
        (
            "PATCH",
            "/apis/hyperpod-operator.dev/v1alpha1/namespaces/a/hyperpodclusters/b/status",
            "",
            "PATCH hyperpodclusters/status",
        ),
        ("POST", "/apis/events.k8s.io/v1/namespaces/a/events", "", "POST events"),
        ("PATCH", "/api/v1/nodes/n", "", "PATCH nodes"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/l", "", None),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "", None),
    ],
)
def test_an_io_has_a_name_without_the_names_of_objects(
    method: str, path: str, operation: str, name: str | None
) -> None:
    request = Request(number=1, method=method, path=path, query="", body=b"", operation=operation)
    assert name_of(request) == name


def test_every_io_is_two_points_and_repetitions_are_counted() -> None:
    assert [str(point) for point in points(["DescribeCluster", "DescribeCluster"])] == [
        "before DescribeCluster 1",
        "after DescribeCluster 1",
        "before DescribeCluster 2",
        "after DescribeCluster 2",
    ]
