"""What proves that a volume is a claim's: its tags, in the Region and account that were recorded; never status."""

import pytest
from tests.unit.controllers.volume.rig import KEY, REGION, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, add_cluster, adopting, new, published, zone

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_RELEASED
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.ports import Key
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow


def lose(rig: VolumeRig) -> None:
    """The object is gone without a teardown: a restored cluster, a finalizer that was taken off."""
    rig.claims._bodies.pop(KEY)
    rig.leases.holders.clear()


@pytest.mark.parametrize("policy", [None, "IfUnowned", "Force"])
async def test_a_volume_that_was_written_into_status_is_neither_tagged_nor_deleted(
    rig: VolumeRig, policy: str | None
) -> None:
    theirs = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(
        new(
            source={"create": {"availabilityZone": zone(rig.nodes)}},
            management={"reclaimPolicy": "Delete", **({"adoptionPolicy": policy} if policy else {})},
        )
    )
    rig.claims.set_status(KEY, {"volumeId": theirs})
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NotOwned"
    rig.claims._bodies[KEY]["metadata"]["finalizers"] = [VOLUME_CLAIM.finalizer]
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.claims.exists(KEY)
    assert rig.operations() == []
    assert rig.simulator.ebs.volumes()[theirs]["Tags"] == {}


async def test_a_volume_whose_tag_was_taken_off_is_left_alone_and_goes_on_when_it_is_back(rig: VolumeRig) -> None:
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    tags = rig.simulator.ebs.volumes()[rig.status["volumeId"]]["Tags"]
    volume, before = rig.status["volumeId"], len(rig.calls())
    rig.simulator.ebs.set_tags(volume, {"Name": "nobody's"})
    rig.wait(5.0)  # one answer serves for a second
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NotOwned"
    assert len(rig.calls()) == before
    rig.simulator.ebs.set_tags(volume, tags)
    rig.wait(300.0)
    for _ in range(60):
        await rig.step()
    assert rig.simulator.ebs.volumes() == {}


@pytest.mark.parametrize("how", ["lost", "released"])
async def test_a_claim_that_is_applied_again_gets_no_empty_volume_in_place_of_its_own(rig: VolumeRig, how: str) -> None:
    rig.apply(new())
    await rig.rest()
    volume = rig.status["volumeId"]
    if how == "released":
        rig.claims.delete(KEY)
        await rig.rest()
    else:
        lose(rig)
    rig.apply(new())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NotOwned"
    assert volume in rig.condition("Ready")["message"]
    assert rig.operations().count("CreateVolume") == 1
    rig.apply(new(management={"adoptionPolicy": "IfUnowned"}))
    assert isinstance(await rig.rest(), Done)
    assert rig.status["volumeId"] == volume
    assert rig.operations().count("CreateVolume") == 1


async def test_a_volume_that_was_released_and_taken_by_another_name_is_no_longer_this_names(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    volume, other = rig.status["volumeId"], Key("elsewhere", "copy")
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    rig.apply(adopting(volume), key=other)
    assert isinstance(await rig.rest(other), Done)
    assert TAG_RELEASED not in rig.simulator.ebs.volumes()[volume]["Tags"]
    rig.simulator.ebs.set_tags(volume, {**rig.simulator.ebs.volumes()[volume]["Tags"], TAG_RELEASED: str(KEY)})
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)
    assert rig.status["volumeId"] != volume


async def test_a_volume_that_was_released_and_taken_again_is_not_let_go_without_its_tag(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    rig.apply(new(management={"adoptionPolicy": "IfUnowned"}))
    assert isinstance(await rig.rest(), Done)
    tags = dict(rig.volume["Tags"])
    assert TAG_RELEASED not in tags
    del tags[TAG_CLAIM_UID]
    rig.simulator.ebs.set_tags(rig.status["volumeId"], tags)
    rig.wait(700.0)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NotOwned"


@pytest.mark.parametrize("deleting", [False, True])
async def test_another_account_says_nothing_about_a_claim(rig: VolumeRig, deleting: bool) -> None:
    rig.cloud._account = "111122223333"
    rig.apply(published())
    await rig.rest()
    recorded, before = rig.status["volumeArn"], len(rig.calls())
    rig.cloud._account = "999988887777"
    if deleting:
        rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "WrongAccountOrRegion"
    assert rig.status["volumeArn"] == recorded
    assert rig.status["attachment"]["state"] == "attached"
    assert len(rig.calls()) == before
    assert rig.claims.exists(KEY)


@pytest.mark.parametrize("deleting", [False, True])
@pytest.mark.parametrize("lost", ["", "commit_then_drop"])
async def test_another_region_says_nothing_about_a_claim(rig: VolumeRig, lost: str, deleting: bool) -> None:
    """Neither once there is a volume, nor while one may have been made."""
    if lost:
        rig.simulator.faults.add(Fault("CreateVolume", lost, times=1))  # type: ignore[arg-type]
    rig.apply(published())
    while not rig.simulator.log.calls("CreateVolume"):
        await rig.step()
    if not lost:
        await rig.rest()
    made = rig.simulator.ebs.volumes()
    rig.start_in("eu-west-1")
    if deleting:
        rig.claims.delete(KEY)
    before = len(rig.simulator.log.calls())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "WrongAccountOrRegion"
    assert "us-west-2" in rig.condition("Ready")["message"]
    assert len(rig.simulator.log.calls()) == before
    assert rig.simulator.ebs.volumes() == made


async def test_a_claim_that_looked_in_another_region_for_a_while_goes_on(rig: VolumeRig) -> None:
    rig.simulator.world.delete_out_of_band(CLUSTER, at_once=True)
    rig.start_in("eu-west-1")
    rig.apply(new())
    await rig.idle(600.0)
    assert "region" not in rig.status
    rig.start_in(REGION)
    add_cluster(rig.simulator)
    await rig.idle(1200.0)
    assert rig.reason() == "ClaimReady"
    assert rig.status["region"] == REGION


ELSEWHERE = {
    "status": {"clusterArn": "arn:aws:sagemaker:us-west-2:999988887777:cluster/abcdefghijkl"},
    "spec": {"orchestrator": {"eks": {"clusterArn": "arn:aws:eks:us-west-2:999988887777:cluster/ml"}}},
}


@pytest.mark.parametrize("where", sorted(ELSEWHERE))
async def test_no_volume_is_made_for_a_cluster_of_another_account(rig: VolumeRig, where: str) -> None:
    """A new claim records nothing: the object that it names does."""
    rig.cloud._account = "111122223333"
    cluster = Key(KEY.namespace, "hpc")
    rig.clusters.apply(cluster, ELSEWHERE["spec"] if where == "spec" else {})
    rig.clusters.set_status(cluster, ELSEWHERE["status"] if where == "status" else {})
    source = {"create": {"availabilityZone": zone(rig.nodes)}}
    rig.apply(new(clusterRef={"name": "hpc"}, source=source, attachment={"mode": "None"}))
    await rig.idle(1800.0)
    assert rig.reason() == "WrongAccountOrRegion"
    assert "HyperPodCluster hpc" in rig.condition("Stalled")["message"]
    assert rig.simulator.ebs.volumes() == {}
    assert rig.operations() == []


@pytest.mark.parametrize("outcome", ["Intended", "Unanswered", "Accepted", "Rejected"])
async def test_a_request_that_a_restored_status_records_makes_no_second_volume(rig: VolumeRig, outcome: str) -> None:
    """The backup was taken while the volume was made; the restored object has another uid."""
    rig.apply(new())
    await rig.rest()
    status, volume = dict(rig.status), rig.status["volumeId"]
    restored = {
        "memory": {"creation": {**status["memory"]["creation"], "outcome": outcome}},
        "region": status["region"],
    }
    lose(rig)
    rig.apply(new())
    rig.claims.set_status(KEY, restored)
    await rig.idle(3600.0)
    assert rig.reason() == "NotOwned"
    assert volume in rig.condition("Ready")["message"]
    assert rig.operations().count("CreateVolume") == 1


async def test_a_name_that_another_namespace_uses_again_gets_a_volume_of_its_own(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    other = Key("elsewhere", KEY.name)
    rig.apply(new(), key=other)
    assert isinstance(await rig.rest(other), Done)
    assert rig.status_of(other)["volumeId"] != rig.status["volumeId"]
    rig.claims.delete(other)
    await rig.rest(other)
    assert rig.volume["State"] == "in-use"


async def test_a_restored_status_takes_no_volume_of_the_earlier_object_with_it(rig: VolumeRig) -> None:
    """Deleted before the volume was taken over: it stays, attached as it is."""
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    status, volume, before = dict(rig.status), rig.status["volumeId"], len(rig.calls())
    lose(rig)
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    rig.claims.set_status(KEY, status)
    rig.claims._bodies[KEY]["metadata"]["finalizers"] = [VOLUME_CLAIM.finalizer]
    rig.claims.delete(KEY)
    await rig.idle(1800.0)
    assert rig.simulator.ebs.volumes()[volume]["State"] == "in-use"
    assert len(rig.calls()) == before
