"""What a pass reads: for a settled claim nothing of its own, for others what their next decision hangs on."""

import asyncio
from collections import Counter

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, instances, new, published

from hyperpod_operator.api.names import NODE_HEALTH_STATUS, TAG_CLAIM_UID, TAG_OWNER, TAG_RELEASED
from hyperpod_operator.controllers.volume.candidates import Candidates
from hyperpod_operator.controllers.volume.counts import Counts
from hyperpod_operator.controllers.volume.observe import Where, is_settled, observe, where
from hyperpod_operator.controllers.volume.parse import parse
from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.observed import Observed

pytestmark = pytest.mark.slow


def claim(rig: VolumeRig) -> Claim:
    return parse(rig.claims._stored(KEY))


async def seen(rig: VolumeRig) -> Observed:
    ports = rig.controller._ports
    at = await where(ports=ports, claim=claim(rig))
    candidates = Candidates(ports=ports, counts=Counts(monotonic=rig.clock.monotonic))
    cloud = rig.volumes.volumes(region="")
    found = claim(rig)
    return await observe(
        ports=ports, cloud=cloud, candidates=candidates, claim=found, at=at, fresh=not is_settled(found)
    )


def reads(rig: VolumeRig, since: int) -> Counter[str]:
    return Counter(call.operation for call in rig.simulator.log.calls()[since:] if not call.mutating)


@pytest.fixture
def asked(rig: VolumeRig, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each look for pods, whether it had to be fresh."""
    found, look = list[bool](), rig.users.pods

    async def pods(*, namespace: str, claim_name: str, fresh: bool) -> tuple[str, ...]:
        found.append(fresh)
        return await look(namespace=namespace, claim_name=claim_name, fresh=fresh)

    monkeypatch.setattr(rig.users, "pods", pods)
    return found


async def test_a_settled_claim_is_left_alone_by_what_others_read(rig: VolumeRig, asked: list[bool]) -> None:
    rig.apply(published())
    await rig.rest()
    asked.clear()
    assert isinstance(await rig.once(), Done)
    assert asked == [False]


async def test_what_a_settled_claim_needs_is_decided_by_a_fresh_look(rig: VolumeRig, asked: list[bool]) -> None:
    rig.apply(published(management={"snapshotPolicy": {"beforeReplacement": True}}))
    await rig.rest()
    asked.clear()
    rig.nodes.labels[f"hyperpod-{rig.holder}"][NODE_HEALTH_STATUS] = "UnschedulablePendingReplacement"
    await rig.once()
    assert asked == [False, True]
    assert len(rig.simulator.ebs.snapshots()) == 1


async def test_a_settled_claim_is_not_written_to(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    writes = rig.writes()
    await rig.idle(3 * 3600)
    assert rig.writes() == writes


async def test_settled_claims_share_their_reads(rig: VolumeRig) -> None:
    keys = [Key("team", f"data-{number}") for number in range(6)]
    for key in keys:
        rig.apply(new(), key=key)
        assert isinstance(await rig.rest(key), Done)
    rig.wait(600.0)
    since = len(rig.simulator.log.calls())
    for key in keys:
        assert isinstance(await rig.once(key), Done)
        rig.wait(4.5)
    found = reads(rig, since)
    assert found["DescribeCluster"] == 1
    assert found["ListClusterNodes"] == 1
    assert found["DescribeVolumes"] <= 2, "one volume was never read before, and takes the others along"
    assert set(found) == {"DescribeCluster", "ListClusterNodes", "DescribeVolumes"}


async def test_new_claims_that_come_together_ask_ec2_together(rig: VolumeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.apply(new())
    await rig.once()  # who asks where the operator is has its answer
    monkeypatch.setattr("hyperpod_operator.aws.ec2.gathered.GATHER", 1.0)
    keys = [Key("team", f"data-{number}") for number in range(10)]
    for key in keys:
        rig.apply(new(), key=key)
    since = len(rig.simulator.log.calls())
    await asyncio.gather(*(rig.once(key) for key in keys))
    asked = [
        call.parameters["Filters"][0]["Name"]
        for call in rig.simulator.log.calls()[since:]
        if call.operation == "DescribeVolumes"
    ]
    by_tag = [name.removeprefix("tag:") for name in asked if name.startswith("tag:")]
    assert sorted(by_tag) == sorted([TAG_CLAIM_UID, TAG_OWNER, TAG_RELEASED])


async def test_a_claim_in_the_making_asks_kubernetes_for_nothing_published(
    rig: VolumeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the passes before CreateVolume: a status that was lost would make a second volume."""
    asked: list[str] = []

    async def persistent_volume(*, name: str) -> None:
        if rig.operations():
            asked.append(name)

    monkeypatch.setattr(rig.publications, "persistent_volume", persistent_volume)
    rig.apply(published())
    for _ in range(20):
        await rig.step()
        if rig.operations() == ["CreateVolume", "AttachClusterNodeVolume"]:
            break
    assert (rig.operations()[-1], asked) == ("AttachClusterNodeVolume", [])
    await rig.step()
    assert asked


async def test_a_claim_whose_status_was_lost_sees_what_is_published(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.claims.set_status(KEY, {})
    assert (await seen(rig)).persistent_volume is not None


async def test_a_deleted_claim_sees_what_is_published_when_its_volume_is_gone(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    volume = rig.status["volumeId"]
    rig.simulator.ebs.detach_out_of_band(volume)
    rig.simulator.ebs.delete_volume(volume)
    rig.claims.set_status(KEY, {})
    rig.claims.delete(KEY)
    assert (await seen(rig)).persistent_volume is not None


async def test_a_claim_that_has_its_node_does_not_ask_for_slots(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.wait(600.0)
    since = len(rig.simulator.log.calls())
    observed = await seen(rig)
    assert reads(rig, since)["DescribeInstanceTypes"] == 0
    assert observed.taken is None


async def test_a_claim_that_chooses_knows_the_slots_of_each_node(rig: VolumeRig) -> None:
    rig.apply(new(), key=Key("team", "first"))
    await rig.rest(Key("team", "first"))
    holder = rig.status_of(Key("team", "first"))["attachment"]["instanceId"]
    rig.apply(new())
    observed = await seen(rig)
    assert {node.instance_id: observed.attached_count(node) for node in observed.nodes} == {
        one: int(one == holder) for one in instances()
    }
    assert all(node.limit is not None and node.limit > 1 for node in observed.nodes)


async def test_only_nodes_that_kubernetes_selects_carry_the_labels_that_were_asked_for(rig: VolumeRig) -> None:
    first, second, third = instances()
    rig.nodes.labels[f"hyperpod-{second}"]["example.com/disk"] = "fast"
    target = {"instanceGroupName": "workers", "nodeSelector": {"example.com/disk": "fast"}}
    rig.apply(new(attachment={"target": target}))
    observed = await seen(rig)
    fast = {node.instance_id for node in observed.nodes if node.labels.get("example.com/disk") == "fast"}
    assert fast == {second}
    assert {first, third} <= {node.instance_id for node in observed.nodes}


async def test_a_node_that_hyperpod_tainted_is_seen_as_not_schedulable(rig: VolumeRig) -> None:
    rig.simulator.world.fail_node(CLUSTER, instances()[0])
    rig.nodes.labels[f"hyperpod-{instances()[1]}"]["sagemaker.amazonaws.com/node-health-status"] = (
        "UnschedulablePendingX"
    )
    rig.apply(new())
    observed = await seen(rig)
    tainted = {node.instance_id for node in observed.nodes if not node.schedulable}
    assert instances()[1] in tainted


async def test_an_instance_without_a_node_is_seen_without_a_name(rig: VolumeRig) -> None:
    rig.nodes.absent.add(f"hyperpod-{instances()[0]}")
    rig.apply(new())
    node = (await seen(rig)).node(instances()[0])
    assert node is not None
    assert (node.node_name, node.ready) == ("", None)


async def test_an_unknown_cluster_is_seen_as_none(rig: VolumeRig) -> None:
    rig.apply(new(clusterRef={"clusterName": "nowhere"}))
    observed = await seen(rig)
    assert observed.cluster is None
    assert observed.nodes == ()


async def test_snapshots_are_read_only_when_the_volume_is_about_to_go(rig: VolumeRig) -> None:
    rig.apply(new(management={"reclaimPolicy": "Snapshot"}))
    await rig.rest()
    since = len(rig.simulator.log.calls())
    await seen(rig)
    assert reads(rig, since)["DescribeSnapshots"] == 0
    rig.claims.delete(KEY)
    since = len(rig.simulator.log.calls())
    await seen(rig)
    assert reads(rig, since)["DescribeSnapshots"] == 1


async def test_modifications_are_read_only_when_the_volume_differs_from_the_spec(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    since = len(rig.simulator.log.calls())
    await seen(rig)
    assert reads(rig, since)["DescribeVolumesModifications"] == 0
    rig.apply(new(volume={"size": 200}))
    since = len(rig.simulator.log.calls())
    await seen(rig)
    assert reads(rig, since)["DescribeVolumesModifications"] == 1


async def test_pods_are_those_of_the_persistent_volume_claim_that_is_bound(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train-0"]
    rig.publications.pods["team", "other"] = ["train-1"]
    assert (await seen(rig)).pods == ("team/train-0",)


async def test_the_lease_of_a_claim_that_is_gone_is_seen_as_such(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    volume = rig.status["volumeId"]
    assert (await seen(rig)).lease is not None
    rig.leases.holders[volume] = "team/former/uid-x"
    lease = (await seen(rig)).lease
    assert lease is not None
    assert (lease.holder, lease.holder_alive) == ("team/former/uid-x", False)


async def test_a_settled_claim_that_is_edited_or_deleted_is_not_settled(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    assert is_settled(claim(rig))
    rig.apply(new(volume={"size": 200}))
    assert not is_settled(claim(rig))
    rig.claims.delete(KEY)
    assert not is_settled(claim(rig))


async def test_where_a_cluster_object_names_its_region_and_arn(rig: VolumeRig) -> None:
    rig.apply(new(clusterRef={"name": "hpc"}))
    assert await where(ports=rig.controller._ports, claim=claim(rig)) == Where(no_object=True)
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:cluster/abcdefghijkl"
    rig.clusters.apply(Key("team", "hpc"), {"region": "eu-west-1"})
    rig.clusters.set_status(Key("team", "hpc"), {"clusterArn": arn})
    found = await where(ports=rig.controller._ports, claim=claim(rig))
    assert (found.region, found.cluster, found.no_object) == ("eu-west-1", arn, False)
    assert ("status.clusterArn of HyperPodCluster hpc", arn) in [(one.where, one.text) for one in found.records]


async def test_the_groups_that_a_cluster_object_asks_for_are_seen(rig: VolumeRig) -> None:
    rig.apply(new(clusterRef={"name": "hpc"}))
    gpu, closed = {"instanceGroupName": "gpu"}, {"instanceGroupName": "closed"}
    rig.clusters.apply(Key("team", "hpc"), {"instanceGroups": [gpu], "restrictedInstanceGroups": [closed]})
    assert (await where(ports=rig.controller._ports, claim=claim(rig))).groups == {"gpu", "closed"}


async def test_a_node_that_changes_makes_the_view_of_its_cluster_worthless(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    since = len(rig.simulator.log.calls())
    await rig.once()
    assert reads(rig, since)["DescribeCluster"] == 0
    rig.unready(rig.holder)
    await rig.once()
    assert reads(rig, since)["DescribeCluster"] == 1


async def test_claims_that_choose_at_once_share_a_count_and_see_each_others_choice(rig: VolumeRig) -> None:
    keys = [Key("team", f"data-{number}") for number in range(3)]
    for key in keys:
        rig.apply(new(), key=key)
    for _ in range(20):
        for key in keys:
            await rig.once(key)
        rig.wait(1.0)
    lists = [call for call in rig.simulator.log.calls("DescribeVolumes") if "tag-key" in str(call.parameters)]
    assert 1 <= len(lists) <= 2
    assert {rig.status_of(key)["attachment"]["instanceId"] for key in keys} == set(instances())


@pytest.mark.parametrize("removed", ["volume", "reference"])
async def test_pods_keep_a_volume_whose_persistent_volume_was_removed(rig: VolumeRig, removed: str) -> None:
    rig.apply(published())
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train-0"]
    name = rig.status["persistentVolumeName"]
    if removed == "volume":
        del rig.publications.volumes[name]
    else:
        del rig.publications.volumes[name].manifest["spec"]["claimRef"]
    assert (await seen(rig)).pods == ("team/train-0",)


async def test_pods_of_another_claims_volume_do_not_keep_one_of_the_same_name(rig: VolumeRig) -> None:
    """Two claims name one PersistentVolumeClaim; it is bound to the volume of the first."""
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    second = Key(KEY.namespace, "copy")
    rig.apply(published(), key=second)
    await rig.idle(300.0, second)
    rig.publications.pods["team", "data"] = ["train-0"]
    rig.claims.delete(second)
    assert isinstance(await rig.rest(second), Gone)
    assert (await seen(rig)).pods == ("team/train-0",)


async def test_pods_count_when_their_persistent_volume_claim_is_gone(rig: VolumeRig) -> None:
    """Somebody took its finalizer off."""
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    rig.publications.pods["team", "data"] = ["train-0"]
    rig.publications.claims.clear()
    assert (await seen(rig)).pods == ("team/train-0",)
