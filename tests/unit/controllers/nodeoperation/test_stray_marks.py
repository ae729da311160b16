"""Nodes that are marked for an object that is gone, or that a kubelet marked, are free again."""

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig

from hyperpod_operator.api.kinds import CLUSTER, NODE_OPERATION
from hyperpod_operator.api.names import DRAINING
from hyperpod_operator.controllers.stray_marks import StrayMarks
from hyperpod_operator.core.drain.marks import TAINT, Owner
from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject

OTHER = Key(KEY.namespace, "second")


def sweeper(rig: OperationRig) -> StrayMarks:
    return StrayMarks(
        nodes=rig.nodes, marks=rig.marks, objects={NODE_OPERATION.name: rig.operations, CLUSTER.name: rig.clusters}
    )


async def swept(rig: OperationRig) -> None:
    """Two looks: the first one decides nothing."""
    strays, before = sweeper(rig), rig.marks.writes
    await strays.sweep()
    assert rig.marks.writes == before
    await strays.sweep()


async def drained(rig: OperationRig) -> str:
    """A Node that an operation drains, whose pod does not go."""
    name = rig.name(rig.ids[0])
    rig.pods.add("train", name)
    rig.pods.refused["train"] = "the budget allows none"
    rig.apply("Reboot", rig.ids[:1])
    await rig.until_state("Draining")
    assert rig.marks.marked == {name}
    return name


def mark(rig: OperationRig, holder: str) -> str:
    name = rig.name(rig.ids[0])
    rig.nodes.annotations[name], rig.nodes.taints[name] = {DRAINING: holder}, (TAINT,)
    return name


async def test_a_node_of_an_operation_that_was_lost_is_freed_and_another_operation_takes_it(rig: OperationRig) -> None:
    await drained(rig)
    del rig.operations._bodies[KEY]  # its finalizer was taken off
    rig.restart()
    rig.pods.pods.clear()
    rig.apply("Reboot", rig.ids[:1], key=OTHER)
    for _ in range(5):
        await rig.step(OTHER)
    assert rig.states(OTHER) == ["Pending"]
    await swept(rig)
    await rig.rest(OTHER)
    assert (rig.states(OTHER), rig.marks.marked) == (["Succeeded"], set())


async def test_a_node_of_an_operation_that_is_there_stays_marked(rig: OperationRig) -> None:
    name = await drained(rig)
    writes = rig.marks.writes
    await swept(rig)
    assert (rig.marks.marked, rig.marks.writes) == ({name}, writes)


async def test_a_node_of_a_cluster_that_was_made_again_is_freed(rig: OperationRig) -> None:
    mark(rig, str(Owner(kind=CLUSTER.name, namespace=CLUSTER_KEY.namespace, name=CLUSTER_KEY.name, uid="former")))
    await swept(rig)
    assert rig.marks.marked == set()


async def test_the_nodes_of_a_cluster_that_drains_them_stay_marked(rig: OperationRig) -> None:
    uid = rig.clusters._bodies[CLUSTER_KEY]["metadata"]["uid"]
    name = mark(rig, f"{CLUSTER.name} {CLUSTER_KEY} {uid}")
    await swept(rig)
    assert rig.marks.marked == {name}


@pytest.mark.parametrize(
    "holder",
    ["", "somebody", "Unknown team/x u", f"{CLUSTER.name} ../../secrets u", f"{CLUSTER.name} team/x", "\x1b[2J a/b c"],
)
async def test_marks_that_are_not_the_operators_stay(rig: OperationRig, holder: str) -> None:
    name = mark(rig, holder)
    await swept(rig)
    assert rig.nodes.taints[name] == (TAINT,)


async def test_an_object_that_is_there_at_the_second_look_keeps_its_node(rig: OperationRig) -> None:
    name = await drained(rig)
    strays, body = sweeper(rig), rig.operations._bodies.pop(KEY)
    await strays.sweep()
    rig.operations._bodies[KEY] = body
    await strays.sweep()
    assert rig.marks.marked == {name}


async def test_an_object_that_cannot_be_read_keeps_its_node(rig: OperationRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be in a namespace that another installation serves."""
    name = mark(rig, f"{NODE_OPERATION.name} elsewhere/x some-uid")

    async def forbidden(key: Key) -> StoredObject | None:
        raise KubernetesError(status=403, message=f"{key} is forbidden")

    monkeypatch.setattr(rig.operations, "read", forbidden)
    await swept(rig)
    assert rig.marks.marked == {name}


async def test_a_node_that_the_api_server_refuses_to_change_does_not_end_the_sweep(
    rig: OperationRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark(rig, f"{NODE_OPERATION.name} team/gone-too some-uid")

    async def refused(*, node: str, owner: Owner) -> None:
        raise KubernetesError(status=403, message=f"{node} {owner}")

    monkeypatch.setattr(rig.marks, "unmark", refused)
    await swept(rig)


@pytest.mark.parametrize("operation", ["Reboot", "Delete"])
async def test_a_kubelet_keeps_no_operation_from_its_node(rig: OperationRig, operation: str) -> None:
    """It may write annotations on its own Node, and no taints."""
    uid = rig.clusters._bodies[CLUSTER_KEY]["metadata"]["uid"]
    rig.nodes.annotations[rig.name(rig.ids[0])] = {DRAINING: f"{CLUSTER.name} {CLUSTER_KEY} {uid}"}
    rig.apply(operation, rig.ids[:1])
    await rig.rest()
    assert rig.states() == ["Succeeded"]
