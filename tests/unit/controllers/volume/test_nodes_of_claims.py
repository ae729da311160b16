"""The node that a claim has, or is to have: what is learnt of it, and what is told on it."""

from dataclasses import replace as changed

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import arn_of, instances, new, published, zone

from hyperpod_operator.core.outcome import Blocked, Done
from hyperpod_operator.core.ports import Key

pytestmark = pytest.mark.slow


def at(instance: str, **members: object) -> dict[str, object]:
    return published(attachment={"target": {"instanceId": instance}}, **members)


async def test_a_node_that_joins_after_the_attach_wakes_its_claim_and_is_named(rig: VolumeRig) -> None:
    first = instances()[0]
    rig.nodes.absent.add(f"hyperpod-{first}")
    rig.apply(at(first, source={"create": {"availabilityZone": zone(rig.nodes)}}))
    await rig.idle(120.0)
    assert "nodeName" not in rig.status["attachment"]
    rig.nodes.absent.clear()
    assert rig.controller.node_changed(f"hyperpod-{first}") == (KEY,)
    assert isinstance(await rig.rest(), Done)
    assert rig.status["attachment"]["nodeName"] == f"hyperpod-{first}"
    assert rig.labelled == [f"hyperpod-{first}"]


async def test_a_cluster_that_is_only_being_made_is_waited_for(rig: VolumeRig) -> None:
    cluster = Key("team", "hpc")
    rig.clusters.apply(cluster, {})
    rig.apply(new(clusterRef={"name": "hpc"}))
    await rig.until("ClusterNotInService")
    assert rig.condition("Stalled") == {}
    rig.clusters.set_status(cluster, {"clusterArn": arn_of(rig.simulator)})
    assert isinstance(await rig.rest(), Done)


@pytest.mark.parametrize("trouble", ["zone", "unready"])
async def test_a_target_that_cannot_take_the_volume_leaves_it_where_it_works(rig: VolumeRig, trouble: str) -> None:
    first, second = instances()[:2]
    rig.apply(at(first))
    await rig.rest()
    name = f"hyperpod-{second}"
    if trouble == "zone":
        rig.nodes.labels[name] |= {"topology.kubernetes.io/zone": "elsewhere", "topology.k8s.aws/zone-id": "usw2-az9"}
    else:
        rig.nodes.labels[name]["sagemaker.amazonaws.com/node-health-status"] = "Unschedulable"
    rig.apply(at(second))
    assert isinstance(await rig.rest(), Blocked)
    await rig.idle(1200.0)
    assert rig.holder == first
    assert rig.labelled == [f"hyperpod-{first}"]
    assert rig.condition("TargetResolved")["status"] == "False"
    assert rig.reason() == ("AZMismatch" if trouble == "zone" else "NodeUnschedulable")


async def test_a_selector_finds_the_next_node_while_aws_still_lists_the_old_one(
    rig: VolumeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for node in rig.nodes.all():
        rig.nodes.labels[node.name]["pool"] = "x"
    rig.apply(new(attachment={"target": {"instanceGroupName": "workers", "nodeSelector": {"pool": "x"}}}))
    await rig.rest()
    old, views = rig.holder, rig.controller._ports.views
    look = views.get

    async def shutting_down(**asked: object) -> object:
        view = await look(**asked)  # type: ignore[arg-type]
        nodes = tuple(changed(one, status="ShuttingDown") if one.instance_id == old else one for one in view.nodes)
        return changed(view, nodes=nodes)

    monkeypatch.setattr(views, "get", shutting_down)
    rig.simulator.ebs.detach_out_of_band(rig.status["volumeId"])
    rig.nodes.absent.add(f"hyperpod-{old}")
    await rig.idle(900.0)
    assert rig.holder not in {"", old}


async def test_the_node_tells_which_volumes_came_and_went(rig: VolumeRig) -> None:
    first, second = instances()[:2]
    rig.apply(at(first))
    await rig.rest()
    rig.apply(at(second))
    await rig.rest()
    assert rig.recorder.on_nodes == [
        (f"hyperpod-{first}", "AttachClusterNodeVolume"),
        (f"hyperpod-{first}", "DetachClusterNodeVolume"),
        (f"hyperpod-{second}", "AttachClusterNodeVolume"),
    ]
