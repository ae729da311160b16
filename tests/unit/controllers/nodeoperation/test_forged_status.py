"""A user who may write the status of an operation names any node there: nothing happens to nodes of others."""

from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig

from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.ports import Key

OTHERS = Key("team-b", "victim")


def victim(rig: OperationRig) -> str:
    """An instance of another namespace's cluster, with a pod on its Node."""
    rig.add_cluster(OTHERS, nodes=1, eks="arn:aws:eks:us-west-2:111122223333:cluster/theirs")
    (node,) = rig.simulator.settings.dump()["us-west-2"][OTHERS.name]["Nodes"]
    rig.pods.add("training", rig.name(node["InstanceId"]))
    return str(node["InstanceId"])


@pytest.mark.parametrize("state", ["Pending", "Draining", "Sent", "Waiting", "Failed"])
@pytest.mark.parametrize("forged", ["name", "name and instance", "name alone"])
async def test_a_forged_name_harms_no_node_of_others(rig: OperationRig, forged: str, state: str) -> None:
    theirs, own = victim(rig), rig.ids[0]
    entry: dict[str, Any] = {
        "id": own,
        "name": rig.name(theirs),
        "state": state,
        "startTime": stamp(rig.clock.now()),
        "memory": {"marked": "Drain", "leftToAwsSince": stamp(rig.clock.now()) if state == "Failed" else None},
    }
    instance = {"name": own, "name and instance": theirs, "name alone": None}[forged]
    if instance is not None:
        entry["instanceId"] = instance
    rig.apply("Reboot", [own])
    rig.operations.set_status(KEY, {"clusterArn": rig.arn, "nodes": [entry]})
    for _ in range(12):
        await rig.step()
    assert rig.pods.evicted == []
    assert rig.name(theirs) not in rig.marks.marked
    assert theirs not in [one for call in rig.named() for one in call]


async def test_no_event_tells_of_a_node_of_others(rig: OperationRig) -> None:
    theirs = victim(rig)
    entry = {"id": theirs, "instanceId": theirs, "name": rig.name(theirs), "state": "Draining"}
    rig.apply("Reboot", rig.ids[:1])
    rig.operations.set_status(KEY, {"clusterArn": rig.arn, "nodes": [entry]})
    await rig.until_state("Failed")
    assert [kind for kind, _ in rig.recorder.about if kind == "Node"] == []


@pytest.mark.parametrize("through", ["its own cluster", "a cluster of others"])
@pytest.mark.parametrize("state", ["Draining", "Sent", "Waiting"])
async def test_a_forged_node_is_not_kept_from_an_operation_of_its_owner(
    rig: OperationRig, state: str, through: str
) -> None:
    theirs = victim(rig)
    rig.pods.pods.clear()
    arn = rig.arn
    if through == "a cluster of others":
        rig.clusters.apply(CLUSTER_KEY, {**rig.clusters._bodies[OTHERS]["spec"], "clusterName": OTHERS.name})
        arn = rig.simulator.settings.dump()["us-west-2"][OTHERS.name]["ClusterArn"]
    rig.apply("Reboot", rig.ids[:1])
    entry = {"id": theirs, "instanceId": theirs, "state": state, "startTime": stamp(rig.clock.now())}
    rig.operations.set_status(KEY, {"clusterArn": arn, "nodes": [entry | {"sentTime": entry["startTime"]}]})
    await rig.once()
    key = Key(OTHERS.namespace, "reboot")
    rig.apply("Reboot", [theirs], key=key, clusterRef={"name": OTHERS.name})
    await rig.once(key)
    await rig.once(key)
    assert "Waits for" not in str(rig.entries(key))
    assert rig.states(key) == ["Draining"]
