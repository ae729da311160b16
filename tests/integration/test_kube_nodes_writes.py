"""Changes of Nodes on the real API server: what a guarded patch does when it wins, and when it loses."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from tests.unit.kube.nodes.scripted import HEALTH, node_body

from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node, Taint
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.writes import NodeWriter
from hyperpod_testbed.control_plane import ControlPlane

NAME = "hyperpod-i-00000000000000001"
PATH = f"/api/v1/nodes/{NAME}"
TAINTED = "hyperpod-operator.dev/tainted-at"
OURS = Taint(key=HEALTH, value="Unschedulable", effect="NoSchedule")

Read = Callable[[], Any]


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    """One without controllers: they write to Nodes as well, whenever they like."""
    with ControlPlane(components=frozenset({"etcd", "kube-apiserver"})) as plane:
        yield plane


@pytest.fixture
async def api(control_plane: ControlPlane) -> AsyncIterator[ApiServer]:
    api = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
    yield api
    control_plane.kubectl("delete", "--raw=/api/v1/nodes")
    await api.close()


@pytest.fixture
def writer(api: ApiServer) -> NodeWriter:
    return NodeWriter(api)


async def make(api: ApiServer, *taints: dict[str, str]) -> None:
    body = node_body()
    metadata = {key: body["metadata"][key] for key in ("name", "labels")}
    await api.create("/api/v1/nodes", {"metadata": metadata, "spec": body["spec"] | {"taints": list(taints)}})


async def read(writer: NodeWriter) -> Node:
    node = await writer.read(NAME)
    assert node is not None
    return node


def others(node: Node) -> list[str]:
    """The taints of neither us nor the control plane."""
    return [taint.key for taint in node.taints if taint.key.startswith("example.com/")]


async def test_a_taint_comes_last_and_goes_without_a_trace(api: ApiServer, writer: NodeWriter) -> None:
    await make(api, {"key": "example.com/z", "effect": "NoExecute"}, {"key": "example.com/a", "effect": "NoSchedule"})
    before = await read(writer)
    taint = NodeChange(taints=(*before.taints, OURS), annotations={TAINTED: "now"})
    await writer.change(before, taint)
    tainted = await read(writer)
    assert tainted.taints == (*before.taints, OURS)
    assert tainted.annotations == {TAINTED: "now"}
    await writer.change(tainted, NodeChange(taints=before.taints, annotations={TAINTED: None}))
    untainted = await read(writer)
    assert (untainted.taints, untainted.annotations) == (before.taints, {})
    assert others(untainted) == ["example.com/z", "example.com/a"]


async def test_the_last_taint_takes_the_member_with_it(api: ApiServer, writer: NodeWriter) -> None:
    await make(api)
    for taints in ((), (OURS,), ()):
        await writer.change(await read(writer), NodeChange(taints=taints))
    assert "taints" not in (await api.get(PATH))["spec"]


async def test_annotations_of_others_outlive_the_first_of_ours(api: ApiServer, writer: NodeWriter) -> None:
    await make(api)
    await api.merge_patch(PATH, {"metadata": {"annotations": {"example.com/x": "y"}}})
    await writer.change(await read(writer), NodeChange(annotations={TAINTED: "now"}))
    annotations = (await api.get(PATH))["metadata"]["annotations"]
    assert annotations.items() >= {"example.com/x": "y", TAINTED: "now"}.items()


async def test_a_node_without_annotations_gets_its_first(api: ApiServer, writer: NodeWriter) -> None:
    await make(api)
    await api.merge_patch(PATH, {"metadata": {"annotations": None}})
    await writer.change(await read(writer), NodeChange(annotations={TAINTED: "now"}))
    assert (await read(writer)).annotations == {TAINTED: "now"}


async def test_labels_are_set_and_removed_one_by_one(api: ApiServer, writer: NodeWriter) -> None:
    await make(api)
    one, two = "hyperpod-operator.dev/instance-type", "node.kubernetes.io/instance-type"
    await writer.change(await read(writer), NodeChange(labels={one: "p5.48xlarge", two: None}))
    node = await read(writer)
    assert (node.labels.get(one), node.labels.get(two), node.labels[HEALTH]) == ("p5.48xlarge", None, "Schedulable")
    assert "kubernetes.io/hostname" in (await api.get(PATH))["metadata"]["labels"]


async def test_a_change_decided_on_an_older_version_is_refused(api: ApiServer, writer: NodeWriter) -> None:
    await make(api)
    node = await read(writer)
    await api.merge_patch(PATH, {"metadata": {"labels": {HEALTH: "Unschedulable"}}})
    with pytest.raises(StaleObject, match="changed by another client"):
        await writer.change(node, NodeChange(taints=(OURS,)))
    assert OURS not in (await read(writer)).taints


async def test_a_deleted_node_is_gone(api: ApiServer, writer: NodeWriter, control_plane: ControlPlane) -> None:
    await make(api)
    node = await read(writer)
    control_plane.kubectl("delete", "node", NAME)
    with pytest.raises(ObjectGone):
        await writer.change(node, NodeChange(taints=(OURS,)))
    assert await writer.read(NAME) is None
    await make(api)
    with pytest.raises(ObjectGone, match="another one created"):
        await writer.change(node, NodeChange(taints=(OURS,)))
    assert OURS not in (await read(writer)).taints


async def test_a_taint_that_the_api_server_does_not_take_is_a_refusal(api: ApiServer, writer: NodeWriter) -> None:
    await make(api)
    node = await read(writer)
    with pytest.raises(KubernetesError, match="NoSuchEffect") as caught:
        await writer.change(node, NodeChange(taints=(Taint(key=HEALTH, value="", effect="NoSuchEffect"),)))
    assert caught.value.status == 422


async def test_writers_that_race_lose_no_taint_of_each_other(api: ApiServer, writer: NodeWriter) -> None:
    await make(api)
    stale, written = 0, asyncio.Event()

    async def ours(rounds: int) -> None:
        nonlocal stale
        done = 0
        while done < rounds:
            node = await read(writer)
            if not stale:  # the two may keep in step: once at least, the other writes in between
                written.clear()
                await written.wait()
            ours_gone = tuple(taint for taint in node.taints if taint != OURS)
            wanted = ours_gone if OURS in node.taints else (*node.taints, OURS)
            try:
                await writer.change(node, NodeChange(taints=wanted))
            except StaleObject:
                stale += 1
            else:
                done += 1

    async def theirs(rounds: int) -> None:
        done = 0
        while done < rounds:
            body = await api.get(PATH)
            taints = [*body["spec"].get("taints", []), {"key": f"example.com/t{done}", "effect": "NoSchedule"}]
            version = body["metadata"]["resourceVersion"]
            try:
                await api.merge_patch(PATH, {"metadata": {"resourceVersion": version}, "spec": {"taints": taints}})
            except StaleObject:
                continue
            done += 1
            written.set()

    await asyncio.gather(ours(40), theirs(40))
    assert others(await read(writer)) == [f"example.com/t{number}" for number in range(40)]
    assert stale > 0
    assert OURS not in (await read(writer)).taints
