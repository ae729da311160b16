"""What becomes of a Node's bytes: a table of members, and what is refused."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.kube.nodes.scripted import CLUSTER, bookmark, line, node_body, page, refused

from hyperpod_operator.core.health.node import Fault, Node, Taint
from hyperpod_operator.kube.nodes.decoding import NODES, node_object
from hyperpod_operator.kube.nodes.factory import NodeFactory
from hyperpod_operator.kube.watch.decoding import BOOKMARK, Garbled, Rejected, WatchEvent


@pytest.fixture
def factory() -> NodeFactory:
    return NodeFactory()


def decoded(body: Mapping[str, Any], factory: NodeFactory) -> Node | None:
    """By way of a watch's line."""
    event = NODES.event(line("ADDED", body))
    assert isinstance(event, WatchEvent)
    return factory.node(event.object)


def condition(kind: str, status: str = "True", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastHeartbeatTime": "2026-01-01T00:00:00Z", **more}


def test_all_that_decisions_use_is_read(factory: NodeFactory) -> None:
    body = node_body(7, version=42)
    assert decoded(body, factory) == Node(
        name="hyperpod-i-00000000000000007",
        uid="uid-7",
        resource_version="42",
        cluster_id=CLUSTER,
        instance_id="i-00000000000000007",
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        labels={
            "node.kubernetes.io/instance-type": "ml.p5.48xlarge",
            "sagemaker.amazonaws.com/compute-type": "hyperpod",
            "sagemaker.amazonaws.com/node-health-status": "Schedulable",
        },
        annotations={},
        ready=True,
        hostname="hyperpod-i-00000000000000007",
    )


@pytest.mark.parametrize(
    ("parts", "member", "expected"),
    [
        ({"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}}, "deleting", True),
        ({"metadata": {"annotations": {"hyperpod-operator.dev/tainted-at": "t", "example.com/x": "y"}}},
         "annotations", {"hyperpod-operator.dev/tainted-at": "t"}),
        ({"metadata": {"annotations": {"example.com/x": "y"}}}, "annotations", {}),
        ({"metadata": {"labels": None}}, "labels", {}),
        ({"spec": {"taints": [{"key": "b", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"},
                              {"key": "a", "value": "v", "effect": "NoSchedule"}]}},
         "taints", (Taint(key="b", value="", effect="NoExecute", time_added="2026-01-01T00:00:00Z"),
                    Taint(key="a", value="v", effect="NoSchedule"))),
        ({"status": {"conditions": [condition("Ready", "False")]}}, "ready", False),
        ({"status": {"conditions": [condition("Ready", "Unknown")]}}, "ready", None),
        ({"status": {"conditions": None}}, "ready", None),
        ({"status": {"conditions": [condition("NvidiaErrorReboot", reason="Xid",
                                              lastTransitionTime="2026-01-01T00:00:00Z")]}},
         "faults", (Fault(type="NvidiaErrorReboot", reason="Xid", since=datetime(2026, 1, 1, tzinfo=UTC)),)),
        ({"status": {"conditions": [condition("SomethingNew", lastTransitionTime=None)]}},
         "faults", (Fault(type="SomethingNew", reason="", since=None),)),
        ({"status": {"conditions": [condition("NvidiaErrorReboot", "False")]}}, "faults", ()),
        ({"status": {"conditions": [condition("DiskPressure"), condition("KernelReady")]}}, "faults", ()),
    ],
)  # fmt: skip
def test_each_member_is_read(parts: dict[str, Any], member: str, expected: Any, factory: NodeFactory) -> None:
    assert getattr(decoded(node_body(**parts), factory), member) == expected


@pytest.mark.parametrize(
    "provider_id",
    [
        "",
        "aws:///us-west-2a/i-00000000000000001",
        f"aws:///usw2-az1/sagemaker/cluster/hyperpod-{CLUSTER}",
        f"aws:///usw2-az1/sagemaker/cluster/hyperpod-{CLUSTER}-i-00000000000000001x",
        f"gce:///usw2-az1/sagemaker/cluster/hyperpod-{CLUSTER}-i-00000000000000001",
    ],
)
def test_a_provider_id_of_another_kind_makes_no_node(provider_id: str, factory: NodeFactory) -> None:
    assert decoded(node_body(spec={"providerID": provider_id}), factory) is None


@pytest.mark.parametrize(
    "name",
    ["plain", "hyperpod-i-00000000000000002", "hyperpod-i-00000000000000001x", "i-00000000000000001", "HYPERPOD-I-1"],
)
def test_a_node_whose_name_is_not_that_of_its_instance_makes_no_node(name: str, factory: NodeFactory) -> None:
    assert decoded(node_body(1, metadata={"name": name}), factory) is None


@pytest.mark.parametrize(
    ("label", "hostname"),
    [("hyperpod-i-00000000000000001", "hyperpod-i-00000000000000001"), ("ip-10-0-0-1", "ip-10-0-0-1")],
)
def test_the_hostname_is_what_the_label_says(label: str, hostname: str, factory: NodeFactory) -> None:
    node = decoded(node_body(1, metadata={"labels": {"kubernetes.io/hostname": label}}), factory)
    assert node is not None
    assert node.hostname == hostname


def test_a_node_without_the_label_has_no_hostname(factory: NodeFactory) -> None:
    node = decoded(node_body(1, metadata={"labels": {}}), factory)
    assert node is not None
    assert node.hostname == ""


def test_equal_parts_of_two_nodes_are_one_object(factory: NodeFactory) -> None:
    taints = {"taints": [{"key": "a", "effect": "NoSchedule"}]}
    one, two = (decoded(node_body(number, spec=taints), factory) for number in (1, 2))
    assert one is not None
    assert two is not None
    for member in ("labels", "annotations", "taints", "cluster_id"):
        assert getattr(one, member) is getattr(two, member), member


def test_a_shared_map_cannot_be_changed(factory: NodeFactory) -> None:
    node = decoded(node_body(), factory)
    assert node is not None
    with pytest.raises(TypeError):
        node.labels["a"] = "b"  # type: ignore[index] # the point


def test_values_of_single_nodes_do_not_pile_up(factory: NodeFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperpod_operator.kube.nodes.factory._MOST_SHARED", 5)
    for number in range(50):
        details = {"annotations": {"sagemaker.amazonaws.com/fault-details": str(number)}}
        node = decoded(node_body(metadata=details), factory)
        assert node is not None
        assert node.annotations == details["annotations"]
    assert len(factory._shared) <= 5


def test_a_page_names_the_next_one() -> None:
    found = NODES.page(page(node_body(1), node_body(2), position=9, following="token"))
    assert (len(found.items), found.metadata.resource_version, found.metadata.next) == (2, "9", "token")


def test_a_bookmark_is_a_version_alone() -> None:
    event = NODES.event(bookmark(12))
    assert isinstance(event, WatchEvent)
    assert (event.type, event.object.metadata.resource_version) == (BOOKMARK, "12")


def test_a_refusal_in_the_stream_is_told_from_an_event() -> None:
    found = NODES.event(refused(410, "too old"))
    assert isinstance(found, Rejected)
    assert (found.code, found.message) == (410, "too old")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"type":"ADDED"', b'{"type":"ADDED","object":{"metadata":{"name":1}}}',
     b'{"type":"ADDED","object":{"metadata":{"name":"\xff"}}}', json.dumps({"type": "ERROR"}).encode()],
)  # fmt: skip
def test_what_no_api_server_sends_is_garbled(content: bytes) -> None:
    with pytest.raises(Garbled, match="not what it should be"):
        NODES.event(content)
    with pytest.raises(Garbled, match="not what it should be"):
        NODES.page(content)


def test_a_node_that_is_json_already_is_read_alike(factory: NodeFactory) -> None:
    body = node_body(3, spec={"taints": [{"key": "a", "effect": "NoSchedule"}]})
    assert factory.node(node_object(body)) == decoded(body, factory)
    with pytest.raises(Garbled):
        node_object({"metadata": {"name": 1}})
