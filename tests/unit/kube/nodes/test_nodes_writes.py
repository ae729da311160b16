"""What is sent for a change of a Node, and how a failed test is told from a refusal."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.kube.conftest import FakeServer
from tests.unit.kube.nodes.scripted import HEALTH, node_body

from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node, Taint
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes import decoding as node_decoding
from hyperpod_operator.kube.nodes.factory import NodeFactory
from hyperpod_operator.kube.nodes.writes import NodeWriter

TAINTED = "hyperpod-operator.dev/tainted-at"
TESTS = [
    {"op": "test", "path": "/metadata/uid", "value": "uid-1"},
    {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
]
OURS = Taint(key=HEALTH, value="Unschedulable", effect="NoSchedule")
OTHERS = {"key": "example.com/theirs", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}
FAILED_TEST = (422, {"kind": "Status", "message": "testing value /metadata/resourceVersion failed"})
GONE = (404, {"kind": "Status", "message": "not found", "details": {"name": "a"}})


def as_read(body: Mapping[str, Any]) -> Node:
    node = NodeFactory().node(node_decoding.node_object(body))
    assert node is not None
    return node


@pytest.fixture
def writer(api: ApiServer) -> NodeWriter:
    return NodeWriter(api)


@pytest.mark.parametrize(
    ("body", "change", "operations"),
    [
        (node_body(), {"taints": (OURS,)},
         [{"op": "add", "path": "/spec/taints",
           "value": [{"key": HEALTH, "value": "Unschedulable", "effect": "NoSchedule"}]}]),
        (node_body(spec={"taints": [OTHERS]}),
         {"taints": (Taint(key=OTHERS["key"], value="", effect="NoExecute", time_added=OTHERS["timeAdded"]), OURS)},
         [{"op": "add", "path": "/spec/taints",
           "value": [OTHERS, {"key": HEALTH, "value": "Unschedulable", "effect": "NoSchedule"}]}]),
        (node_body(spec={"taints": [OTHERS]}), {"taints": ()}, [{"op": "remove", "path": "/spec/taints"}]),
        (node_body(), {"labels": {"hyperpod-operator.dev/instance-type": "p5.48xlarge"}},
         [{"op": "add", "path": "/metadata/labels/hyperpod-operator.dev~1instance-type", "value": "p5.48xlarge"}]),
        (node_body(), {"labels": {"hyperpod-operator.dev/a~b": "c"}},
         [{"op": "add", "path": "/metadata/labels/hyperpod-operator.dev~1a~0b", "value": "c"}]),
        (node_body(metadata={"annotations": {TAINTED: "then"}}), {"annotations": {TAINTED: None}},
         [{"op": "remove", "path": "/metadata/annotations/hyperpod-operator.dev~1tainted-at"}]),
    ],
)  # fmt: skip
async def test_a_change_is_one_patch_that_tests_first(
    writer: NodeWriter, server: FakeServer, body: dict[str, Any], change: dict[str, Any], operations: list[Any]
) -> None:
    server.default = (200, node_body(version=2))
    await writer.change(as_read(body), NodeChange(**change))
    (request,) = server.requests
    assert (request.method, request.path) == ("PATCH", "/api/v1/nodes/hyperpod-i-00000000000000001")
    assert request.body == [*TESTS, *operations]


@pytest.mark.parametrize(
    "change",
    [{}, {"taints": ()}, {"labels": {"hyperpod-operator.dev/x": None}}, {"annotations": {TAINTED: None}},
     {"labels": {HEALTH: "Schedulable"}}],
)  # fmt: skip
async def test_what_is_so_already_is_not_written(
    writer: NodeWriter, server: FakeServer, change: dict[str, Any]
) -> None:
    node = as_read(node_body())
    await writer.change(node, NodeChange(**change))
    assert server.requests == []


async def test_keys_that_are_not_read_are_never_written(writer: NodeWriter, server: FakeServer) -> None:
    with pytest.raises(ValueError, match="which example"):
        await writer.change(as_read(node_body()), NodeChange(labels={"example.com/x": "y"}))
    assert server.requests == []


@pytest.mark.parametrize("answer", [FAILED_TEST, (409, {"kind": "Status", "message": "conflict"})])
@pytest.mark.parametrize(
    ("now", "expected", "words"),
    [
        ((200, node_body(version=2)), StaleObject, "changed by another client"),
        ((200, node_body(metadata={"uid": "another"})), ObjectGone, "another one created"),
        (GONE, ObjectGone, "was deleted"),
    ],
)
async def test_a_lost_race_is_called_what_it_is(
    writer: NodeWriter, server: FakeServer, answer: Any, now: Any, expected: type[Exception], words: str
) -> None:
    server.answers = [answer, now]
    with pytest.raises(expected, match=words):
        await writer.change(as_read(node_body()), NodeChange(taints=(OURS,)))


async def test_a_refusal_of_the_content_stays_one(writer: NodeWriter, server: FakeServer) -> None:
    server.answers = [(422, {"kind": "Status", "message": "spec.taints: Invalid value"}), (200, node_body())]
    with pytest.raises(KubernetesError, match="Invalid value"):
        await writer.change(as_read(node_body()), NodeChange(taints=(OURS,)))


async def test_a_node_that_is_gone_is_said_to_be(writer: NodeWriter, server: FakeServer) -> None:
    server.default = GONE
    with pytest.raises(ObjectGone):
        await writer.change(as_read(node_body()), NodeChange(taints=(OURS,)))
    assert await writer.read("a") is None


async def test_annotations_are_created_only_where_there_are_none(writer: NodeWriter, server: FakeServer) -> None:
    bare = node_body()
    server.answers = [(422, {"kind": "Status", "message": "missing path"}), (200, bare), (200, node_body(version=2))]
    await writer.change(as_read(bare), NodeChange(annotations={TAINTED: "now"}))
    add = {"op": "add", "path": "/metadata/annotations/hyperpod-operator.dev~1tainted-at", "value": "now"}
    patches = [request.body for request in server.requests if request.method == "PATCH"]
    assert patches == [[*TESTS, add], [*TESTS, {"op": "add", "path": "/metadata/annotations", "value": {}}, add]]


async def test_a_node_that_lost_its_provider_id_is_not_ours_to_read(writer: NodeWriter, server: FakeServer) -> None:
    server.default = (200, node_body(spec={"providerID": "aws:///us-west-2a/i-00000000000000001"}))
    assert await writer.read("hyperpod-i-00000000000000001") is None


async def test_an_answer_that_is_no_node_is_refused(writer: NodeWriter, server: FakeServer) -> None:
    server.default = (200, {"kind": "Thing"})
    with pytest.raises(KubernetesError, match="Check that nothing between"):
        await writer.read("hyperpod-i-00000000000000001")


async def test_other_errors_pass_through_unasked(writer: NodeWriter, server: FakeServer) -> None:
    server.default = (503, {"kind": "Status", "message": "overloaded"})
    with pytest.raises(KubernetesError, match="overloaded"):
        await writer.change(as_read(node_body()), NodeChange(taints=(OURS,)))
    assert len(server.requests) == 1


async def test_annotations_of_others_are_never_created_anew(writer: NodeWriter, server: FakeServer) -> None:
    body = node_body(metadata={"annotations": {"example.com/theirs": "x"}})
    server.answers = [(422, {"kind": "Status", "message": "Invalid value"}), (200, body)]
    with pytest.raises(KubernetesError, match="Invalid value"):
        await writer.change(as_read(body), NodeChange(annotations={TAINTED: "now"}))
    assert [request.method for request in server.requests] == ["PATCH", "GET"]


async def test_a_refusal_that_creating_the_map_does_not_solve_ends_it(writer: NodeWriter, server: FakeServer) -> None:
    refusal = (422, {"kind": "Status", "message": "Invalid value"})
    server.answers = [refusal, (200, node_body()), refusal, (200, node_body())]
    with pytest.raises(KubernetesError, match="Invalid value"):
        await writer.change(as_read(node_body()), NodeChange(annotations={TAINTED: "now"}))
