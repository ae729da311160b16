"""Marks of a drained Node on the wire: set once, undone exactly, and never at the cost of another client's."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.kube.conftest import FakeServer, ManualClock
from tests.unit.kube.nodes.scripted import node_body

from hyperpod_operator.api.names import DETACH_VOLUMES, DRAINING
from hyperpod_operator.core.audit import AuditRecord
from hyperpod_operator.core.drain.marks import HeldBy, Lifecycle, Marks, Owner
from hyperpod_operator.core.ports import KubernetesError, StaleObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.marks import KubeNodeMarks

MINE = Owner(kind="HyperPodCluster", namespace="research", name="ml", uid="u1")
NAME = node_body()["metadata"]["name"]
MARKS = Marks(owner=MINE, conditions=frozenset({Lifecycle.DRAIN_IN_PROGRESS}), message="Scale-in of gpu.")
TAINT = {"key": DRAINING, "effect": "NoSchedule"}
THEIRS = {"key": "example.com/x", "effect": "NoSchedule"}
GONE = (404, {"kind": "Status", "message": "not found", "details": {"name": NAME}})


@pytest.fixture
def marks(api: ApiServer) -> KubeNodeMarks:
    return KubeNodeMarks(api, clock=ManualClock(), audit=Trail())


def stored(*, taints: list[dict[str, str]], owner: str = "", conditions: tuple[dict[str, str], ...] = ()) -> Any:
    body = node_body(spec={"taints": taints}, metadata={"annotations": {DRAINING: owner} if owner else {}})
    body["status"]["conditions"] += conditions
    return 200, body


def condition(kind: str, *, reason: str = "HyperPodOperator", message: str = MARKS.message) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def writes(server: FakeServer) -> list[Any]:
    return [request.body for request in server.requests if request.method == "PATCH"]


async def test_a_node_is_marked_by_taint_annotation_and_condition(marks: KubeNodeMarks, server: FakeServer) -> None:
    server.answers = [stored(taints=[THEIRS]), stored(taints=[THEIRS, TAINT], owner=str(MINE)), (200, {})]
    assert await marks.mark(node=NAME, marks=MARKS) is None
    spec, status = writes(server)
    assert {
        "op": "add",
        "path": "/spec/taints",
        "value": [THEIRS, {**TAINT, "timeAdded": "2023-11-14T22:30:00Z"}],
    } in spec
    assert [operation["path"] for operation in spec if operation["op"] == "test"] == [
        "/metadata/uid",
        "/metadata/resourceVersion",
    ]
    (shown,) = status["status"]["conditions"]
    assert (shown["type"], shown["status"], shown["reason"]) == ("DrainInProgress", "True", "HyperPodOperator")
    assert status["metadata"] == {"uid": "uid-1"}


async def test_what_is_marked_already_is_not_written_again(marks: KubeNodeMarks, server: FakeServer) -> None:
    server.answers = [stored(taints=[TAINT], owner=str(MINE), conditions=(condition("DrainInProgress"),))]
    await marks.mark(node=NAME, marks=MARKS)
    assert writes(server) == []


async def test_a_node_that_is_held_asks_for_its_volumes_by_an_annotation(
    marks: KubeNodeMarks, server: FakeServer
) -> None:
    held = stored(taints=[TAINT], owner=str(MINE), conditions=(condition("DrainInProgress"),))
    server.answers = [held, held]
    await marks.mark(node=NAME, marks=replace(MARKS, detach=True))
    (spec,) = writes(server)
    path = f"/metadata/annotations/{DETACH_VOLUMES.replace('/', '~1')}"
    assert {"op": "add", "path": path, "value": str(MINE)} in spec
    assert not any(operation["path"] == "/spec/taints" for operation in spec)


async def test_a_node_of_another_holder_is_left_alone(marks: KubeNodeMarks, server: FakeServer) -> None:
    server.answers = [stored(taints=[TAINT], owner="HyperPodNodeOperation research/x u2")]
    assert await marks.mark(node=NAME, marks=MARKS) == HeldBy(owner="HyperPodNodeOperation research/x u2")
    assert writes(server) == []


async def test_a_node_that_is_gone_is_no_error(marks: KubeNodeMarks, server: FakeServer) -> None:
    server.default = GONE
    assert await marks.mark(node=NAME, marks=MARKS) is None
    await marks.unmark(node=NAME, owner=MINE)


async def test_a_node_that_changed_meanwhile_is_not_written(marks: KubeNodeMarks, server: FakeServer) -> None:
    changed = stored(taints=[THEIRS])
    changed[1]["metadata"]["resourceVersion"] = "2"
    conflict = (422, {"kind": "Status", "message": "the test failed"})
    server.answers = [stored(taints=[]), conflict, changed]
    with pytest.raises(StaleObject):
        await marks.mark(node=NAME, marks=MARKS)


async def test_without_the_right_to_write_conditions_the_taint_is_there_all_the_same(
    marks: KubeNodeMarks, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    marked = stored(taints=[TAINT], owner=str(MINE))
    denied = (403, {"kind": "Status", "message": "nodes/status is forbidden"})
    server.answers = [marked, denied, marked, denied]
    await marks.mark(node=NAME, marks=MARKS)
    await marks.mark(node=NAME, marks=MARKS)
    assert sum("Conditions of Nodes cannot be written" in record.message for record in caplog.records) == 1


async def test_another_failure_to_write_conditions_is_an_error(marks: KubeNodeMarks, server: FakeServer) -> None:
    server.answers = [stored(taints=[TAINT], owner=str(MINE)), (503, {})]
    with pytest.raises(KubernetesError):
        await marks.mark(node=NAME, marks=MARKS)


async def test_undoing_takes_off_what_is_ours_and_the_taint_last(marks: KubeNodeMarks, server: FakeServer) -> None:
    others = (condition("DrainInProgress"), condition("Drained", reason="NodeMaintenance"))
    marked = stored(taints=[THEIRS, TAINT], owner=str(MINE), conditions=others)
    changed = stored(taints=[THEIRS, TAINT], owner=str(MINE), conditions=others[1:])
    changed[1]["metadata"]["resourceVersion"] = "2"
    server.answers = [marked, changed, stored(taints=[THEIRS])]
    await marks.unmark(node=NAME, owner=MINE)
    assert [request.method for request in server.requests] == ["GET", "PATCH", "PATCH"]
    status, spec = writes(server)
    assert status["status"]["conditions"] == [{"$patch": "delete", "type": "DrainInProgress"}]
    assert {"op": "add", "path": "/spec/taints", "value": [THEIRS]} in spec
    assert {"op": "test", "path": "/metadata/resourceVersion", "value": "2"} in spec
    assert {"op": "remove", "path": f"/metadata/annotations/{DRAINING.replace('/', '~1')}"} in spec


async def test_undoing_what_another_holder_marked_changes_nothing(marks: KubeNodeMarks, server: FakeServer) -> None:
    server.answers = [stored(taints=[TAINT], owner="HyperPodNodeOperation research/x u2")]
    await marks.unmark(node=NAME, owner=MINE)
    assert writes(server) == []


async def test_undoing_what_is_undone_changes_nothing(marks: KubeNodeMarks, server: FakeServer) -> None:
    server.default = stored(taints=[THEIRS])
    await marks.unmark(node=NAME, owner=MINE)
    assert writes(server) == []


class Trail:
    """Takes records of the audit trail."""

    def __init__(self) -> None:
        self.entries: list[AuditRecord] = []

    def record(self, entry: AuditRecord) -> None:
        self.entries.append(entry)


async def test_a_write_is_recorded_with_the_object_that_drains(api: ApiServer, server: FakeServer) -> None:
    trail = Trail()
    marks = KubeNodeMarks(api, clock=ManualClock(), audit=trail)
    server.answers = [stored(taints=[]), stored(taints=[TAINT], owner=str(MINE)), (200, {})]
    await marks.mark(node=NAME, marks=MARKS)
    server.answers = [stored(taints=[TAINT], owner=str(MINE), conditions=(condition("DrainInProgress"),))]
    await marks.mark(node=NAME, marks=MARKS)
    entry, conditions = trail.entries
    assert (conditions.call, conditions.changes) == ("PatchNodeStatus", ("conditions[DrainInProgress]: True",))
    assert (entry.kind, str(entry.key), entry.target) == (MINE.kind, "research/ml", f"Node {NAME}")
    assert (entry.outcome, entry.code) == ("Accepted", "OK")
    assert any("draining" in line for line in entry.changes)


async def test_a_write_that_the_api_server_refuses_is_recorded_with_its_status(
    api: ApiServer, server: FakeServer
) -> None:
    trail = Trail()
    marks = KubeNodeMarks(api, clock=ManualClock(), audit=trail)
    server.answers = [stored(taints=[]), (403, {"kind": "Status", "message": "denied"})]
    with pytest.raises(KubernetesError):
        await marks.mark(node=NAME, marks=MARKS)
    assert [(entry.outcome, entry.code) for entry in trail.entries] == [("Rejected", "403")]


async def test_conditions_that_the_api_server_refuses_are_recorded_with_its_status(
    api: ApiServer, server: FakeServer
) -> None:
    trail = Trail()
    marks = KubeNodeMarks(api, clock=ManualClock(), audit=trail)
    server.answers = [stored(taints=[TAINT], owner=str(MINE)), (403, {"kind": "Status", "message": "denied"})]
    await marks.mark(node=NAME, marks=MARKS)
    assert [(entry.call, entry.outcome, entry.code) for entry in trail.entries] == [
        ("PatchNodeStatus", "Rejected", "403")
    ]
