"""When a volume leaves its node, and when it must not: replacements, reboots, edits of the target, suspension."""

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, group, instances, new, published, reboot, replace, zone

from hyperpod_operator.core.outcome import Blocked, Done, Requeue
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow


def aimed(instance: str, **attachment: object) -> dict[str, object]:
    return published(attachment={"target": {"instanceId": instance}, **attachment})


async def test_a_volume_follows_the_replacement_of_its_node(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    before, old = rig.holder, set(instances())
    replace(before)
    await rig.idle(3600)
    assert isinstance(await rig.rest(), Done)
    assert rig.holder not in old, "the node that came since is first in line"
    assert rig.labelled == [f"hyperpod-{rig.holder}"]
    assert rig.status["previousAttachments"][0]["instanceId"] == before
    assert rig.recorder.attached == [False, True]
    assert rig.operations().count("CreateVolume") == 1
    assert rig.operations().count("AttachClusterNodeVolume") == 2


async def test_persistent_volume_and_claim_stay_as_they_are_through_a_replacement(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    before = {name: held.uid for name, held in rig.publications.volumes.items()}
    replace(rig.holder)
    await rig.idle(3600)
    assert {name: held.uid for name, held in rig.publications.volumes.items()} == before
    assert rig.publications.writes == ["PersistentVolume+", "PersistentVolumeClaim+"]


async def test_a_volume_without_followers_waits_for_a_person(rig: VolumeRig) -> None:
    rig.apply(aimed(instances()[0]))
    await rig.rest()
    replace(instances()[0])
    await rig.idle(3600)
    assert rig.reason() == "NodeNotFound"
    assert "followNode" in rig.condition("Ready")["message"]
    assert rig.operations().count("AttachClusterNodeVolume") == 1


@pytest.mark.parametrize("before", ["an instance", "a group"])
async def test_a_target_in_other_words_that_still_names_the_node_starts_no_new_choice_when_it_is_lost(
    rig: VolumeRig, before: str
) -> None:
    workers = {"instanceGroupName": "workers"}
    target = {"instanceId": instances()[0]} if before == "an instance" else workers
    rig.apply(published(attachment={"target": target, "followNode": "Never"}))
    await rig.rest()
    holder = rig.holder
    narrowed = {**workers, "nodeSelector": {"topology.kubernetes.io/zone": zone(rig.nodes)}}
    rig.apply(published(attachment={"target": narrowed, "followNode": "Never"}))
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == holder
    replace(holder)
    await rig.idle(3600)
    assert rig.reason() == "NodeNotFound"
    assert rig.operations().count("AttachClusterNodeVolume") == 1


async def test_a_node_that_is_not_ready_keeps_its_volume(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    holder = rig.holder
    rig.nodes.unready.add(f"hyperpod-{holder}")
    await rig.idle(2 * 3600)
    assert rig.holder == holder
    assert "DetachClusterNodeVolume" not in rig.operations()


async def test_a_node_that_left_kubernetes_keeps_its_volume(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    holder = rig.holder
    rig.nodes.absent.add(f"hyperpod-{holder}")
    await rig.idle(2 * 3600)
    assert rig.holder == holder
    rig.nodes.absent.clear()
    rig.nodes.labels.clear()
    await rig.idle(1200)
    assert isinstance(await rig.rest(), Done)
    assert rig.labelled == [f"hyperpod-{holder}"]


async def test_a_reboot_moves_nothing(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    holder, before = rig.holder, rig.operations()
    reboot(holder)
    await rig.idle(3600)
    assert (rig.holder, rig.operations()) == (holder, before)
    assert isinstance(await rig.rest(), Done)


async def test_a_node_that_failed_keeps_its_volume_until_aws_ends_it(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    holder = rig.holder
    rig.simulator.world.fail_node(CLUSTER, holder)
    await rig.idle(2 * 3600)
    assert rig.holder == holder


async def test_no_detach_while_aws_itself_lets_go_of_an_ended_node(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    replace(rig.holder)
    await rig.idle(3600)
    assert "DetachClusterNodeVolume" not in rig.operations()


async def test_an_unused_volume_goes_to_a_new_target_with_its_label_first(rig: VolumeRig) -> None:
    first, second, _ = instances()
    rig.apply(aimed(first))
    await rig.rest()
    rig.apply(aimed(second))
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == second
    assert rig.labelled == [f"hyperpod-{second}"]
    assert rig.labels.writes == [f"label hyperpod-{first}", f"unlabel hyperpod-{first}", f"label hyperpod-{second}"]


async def test_no_pod_finds_its_way_to_a_volume_that_is_about_to_leave(rig: VolumeRig) -> None:
    first, second, _ = instances()
    rig.apply(aimed(first))
    await rig.rest()
    rig.apply(aimed(second))
    while "DetachClusterNodeVolume" not in rig.operations():
        await rig.step()
    assert rig.labelled == []


async def test_a_used_volume_waits_for_its_pods_before_it_moves(rig: VolumeRig) -> None:
    first, second, _ = instances()
    rig.apply(aimed(first))
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train-0"]
    rig.apply(aimed(second))
    await rig.until("InUse")
    assert "team/train-0" in rig.condition("Ready")["message"]
    assert rig.holder == first
    assert rig.labelled == [f"hyperpod-{first}"]
    rig.publications.pods.clear()
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == second


async def test_immediate_moves_a_used_volume(rig: VolumeRig) -> None:
    first, second, _ = instances()
    rig.apply(aimed(first))
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train-0"]
    rig.apply(aimed(second, detachPolicy="Immediate"))
    while rig.holder != second:
        await rig.step()
    await rig.until("InUse")
    assert "Pods still use it; the operator publishes it again when they end." in rig.condition("Ready")["message"]
    rig.publications.pods.clear()
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == second


async def test_a_detach_that_waits_too_long_is_reported_and_not_forced(rig: VolumeRig) -> None:
    first, second, _ = instances()
    rig.apply(aimed(first))
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train-0"]
    rig.apply(aimed(second, detachTimeout="2m"))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.condition("Stalled")["reason"] == "InUse"
    assert rig.holder == first


async def test_suspension_detaches_and_its_end_attaches_again(rig: VolumeRig) -> None:
    group = {"instanceGroupName": "workers"}
    rig.apply(published())
    await rig.rest()
    rig.apply(published(attachment={"target": group, "suspend": True}))
    await rig.until("Suspended")
    assert rig.holder == ""
    assert rig.labelled == []
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    assert rig.labelled == [f"hyperpod-{rig.holder}"]


async def test_a_busy_device_is_told_and_asked_for_once(rig: VolumeRig) -> None:
    first, second, _ = instances()
    rig.apply(aimed(first))
    await rig.rest()
    rig.simulator.ebs.mount(rig.status["volumeId"])
    rig.apply(aimed(second))
    await rig.until("DetachBlocked")
    for _ in range(10):
        await rig.step()
    assert rig.operations().count("DetachClusterNodeVolume") == 1
    rig.simulator.ebs.unmount(rig.status["volumeId"])
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == second


async def test_a_stuck_attach_is_broken_off_once_and_then_told(rig: VolumeRig) -> None:
    rig.simulator.ebs.stick_attaching(times=2)
    rig.apply(new())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "StuckAttaching"
    moves = [name for name in rig.operations() if name.endswith("ClusterNodeVolume")]
    assert moves == ["AttachClusterNodeVolume", "DetachClusterNodeVolume", "AttachClusterNodeVolume"]


async def test_a_stuck_attach_that_goes_through_at_the_second_try_settles(rig: VolumeRig) -> None:
    rig.simulator.ebs.stick_attaching()
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)
    assert rig.operations().count("AttachClusterNodeVolume") == 2


async def test_a_node_that_is_replaced_while_its_volume_is_detached(rig: VolumeRig) -> None:
    first, second, _ = instances()
    rig.apply(aimed(first))
    await rig.rest()
    rig.apply(aimed(second))
    await rig.until("Detaching")
    replace(first)
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == second


async def test_a_new_node_of_the_group_wakes_the_claim_that_waits_for_it(rig: VolumeRig) -> None:
    rig.apply(published(attachment={"target": {"instanceGroupName": "workers"}}))
    await rig.rest()
    for instance in instances():
        if instance != rig.holder:
            rig.nodes.absent.add(f"hyperpod-{instance}")
    replace(rig.holder)
    while rig.reason() != "WaitingForReplacement":
        rig.wait(20.0)
        await rig.once()
    rig.nodes.absent.clear()
    assert rig.controller.node_changed(rig.nodes.all()[0].name) == (KEY,)


async def test_a_settled_claim_is_woken_by_its_own_node_alone(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    await rig.once()
    other = next(one for one in instances() if one != rig.holder)
    assert rig.unready(other) == ()
    assert rig.unready(rig.holder) == (KEY,)


async def test_a_cluster_that_is_updating_lets_nothing_through_and_the_claim_waits(rig: VolumeRig) -> None:
    groups = {"InstanceGroups": [group()]}
    rig.simulator.world.create_foreign_cluster("plain", request=groups)
    rig.simulator.world.scale_out_of_band("plain", "workers", 4)
    rig.apply(new(clusterRef={"clusterName": "plain"}))
    await rig.until("ClusterNotInService")
    assert "AttachClusterNodeVolume" not in rig.operations()
    assert isinstance(await rig.rest(), Done)
    assert [call.code for call in rig.calls("AttachClusterNodeVolume")] == ["OK"]


@pytest.mark.parametrize("code", ["ValidationException", "ConflictException"])
async def test_a_refusal_because_the_cluster_changes_is_no_error(rig: VolumeRig, code: str) -> None:
    """Nobody documents whether a Continuous cluster of which a group changes takes attachments, though InService."""
    said = f"Cluster {CLUSTER} must be InService to attach or detach volumes; it is InService with groups that change."
    refused = Fault("AttachClusterNodeVolume", "error", code=code, message=said, status=400, times=3)
    rig.simulator.faults.add(refused)
    rig.apply(new())
    await rig.until("ClusterNotInService")
    assert rig.condition("Ready")["status"] == "False"
    assert isinstance(await rig.rest(), Done)
    assert [call.code for call in rig.calls("AttachClusterNodeVolume")] == [code] * 3 + ["OK"]


@pytest.mark.parametrize("before_the_look", [0.1, 9.9])
async def test_the_detach_comes_soon_after_the_last_pod_has_gone(rig: VolumeRig, before_the_look: float) -> None:
    """Nothing wakes a claim when a pod ends: it looks by itself, often enough for whoever waits."""
    rig.apply(published())
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train"]
    rig.apply(published(attachment={"target": {"instanceGroupName": "workers"}, "suspend": True}))
    await rig.until("InUse")
    held = await rig.once()
    assert isinstance(held, Requeue)
    rig.wait(held.after - before_the_look)
    rig.publications.pods.clear()
    gone = rig.clock.monotonic()
    rig.wait(before_the_look)
    while not rig.calls("DetachClusterNodeVolume"):
        await rig.step()
    assert rig.clock.monotonic() - gone < before_the_look + 2 * rig.timings.step + 0.5
