"""A volume that somebody else has, or that cannot be where it is wanted: told, and what is not ours is left alone."""

import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, arn_of, instances, new, published, zone

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_CSI_CLUSTER, TAG_EKS_CLUSTER, TAG_OWNER
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow

THEIRS = Key("team", "theirs")
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/other-research"

OTHER = Key("team", "other")


async def test_a_volume_on_a_plain_instance_is_left_alone(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.simulator.ebs.attach_foreign(volume)
    rig.apply(adopting(volume))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "AttachedElsewhere"
    assert "i-0f0e0d0c0b0a09080" in rig.condition("Conflict")["message"]
    assert f"aws ec2 detach-volume --volume-id {volume}" in rig.condition("Conflict")["message"]
    rig.simulator.ebs.detach_out_of_band(volume)
    assert isinstance(await rig.rest_after(60.0), Done)
    assert "DetachClusterNodeVolume" not in rig.operations()


async def test_a_volume_on_a_node_of_our_cluster_by_somebody_else_is_left_alone(rig: VolumeRig) -> None:
    first, second, _ = instances()
    arn = rig.simulator.world.create_foreign_cluster("beside")
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    for cluster in ("ours", arn):
        where = cluster if cluster == arn else arn_of(rig.simulator)
        rig.simulator.ebs.attach_foreign(volume, instance_id=first, cluster_arn=where)
        rig.apply(adopting(volume, attachment={"target": {"instanceId": second}}), key=KEY)
        assert isinstance(await rig.rest(), Blocked)
        assert rig.reason() == "AttachedElsewhere"
        rig.claims.delete(KEY)
        assert isinstance(await rig.rest(), Gone)
        assert "DetachClusterNodeVolume" not in rig.operations()
        rig.simulator.ebs.detach_out_of_band(volume)


@pytest.mark.parametrize("way", ["detach", "resume"])
async def test_a_suspended_claim_that_is_restored_names_both_ways_out(rig: VolumeRig, way: str) -> None:
    """The earlier claim attached the volume, and nothing in AWS says that this one may detach it."""
    rig.apply(new())
    await rig.rest()
    volume, node = rig.volume["VolumeId"], rig.holder
    del rig.claims._bodies[KEY]
    target = {"target": {"instanceGroupName": "workers"}}
    restored = new(management={"adoptionPolicy": "IfUnowned"})
    rig.apply({**restored, "attachment": {**target, "suspend": True}})
    await rig.until("AttachedElsewhere")
    message = rig.condition("Ready")["message"]
    by_hand = f"detach-cluster-node-volume --cluster-arn {arn_of(rig.simulator)} --node-id {node} --volume-id {volume}"
    assert by_hand in message
    assert "set attachment.suspend to false" in message
    if way == "detach":
        rig.simulator.ebs.detach_out_of_band(volume)
        await rig.until("Suspended")
    else:
        rig.apply({**restored, "attachment": target})
        assert isinstance(await rig.rest_after(60.0), Done)
        assert (rig.status["volumeId"], rig.holder) == (volume, node)
    assert "DetachClusterNodeVolume" not in rig.operations()


async def test_a_volume_of_the_csi_driver_is_not_taken(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.users.driver[volume] = ["PersistentVolume pvc-1"]
    rig.apply(adopting(volume, management={"adoptionPolicy": "Force"}))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "CSIOwned"
    assert "PersistentVolume pvc-1" in rig.condition("Ready")["message"]
    assert rig.operations() == []


async def test_a_tag_that_the_csi_driver_left_behind_needs_a_persons_word(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes), tags={TAG_CSI_CLUSTER: "true"})
    rig.apply(adopting(volume))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "CSIOwned"
    rig.apply(adopting(volume, management={"adoptionPolicy": "Force"}))
    assert isinstance(await rig.rest(), Done)


async def test_of_two_claims_on_one_volume_the_first_has_it_and_the_second_gets_it_after(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(adopting(volume))
    rig.apply(adopting(volume), key=OTHER)
    for _ in range(40):
        await rig.step(KEY)
        await rig.step(OTHER)
    assert (rig.reason(KEY), rig.reason(OTHER)) == ("ClaimReady", "ClaimedByOther")
    assert "team/data" in rig.condition("Conflict", OTHER)["message"]
    assert len(rig.simulator.ebs.volumes()[volume]["Attachments"]) == 1
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(KEY), Gone)
    assert isinstance(await rig.rest_after(60.0, OTHER), Done)


@pytest.fixture
def gone(rig: VolumeRig, monkeypatch: pytest.MonkeyPatch) -> str:
    """A namespace that the operator may not read."""
    read = rig.claims.read

    async def refuses(key: Key) -> StoredObject | None:
        if key.namespace == "gone":
            raise KubernetesError(status=403, message="ebsvolumeclaims is forbidden")
        return await read(key)

    monkeypatch.setattr(rig.claims, "read", refuses)
    return "gone"


async def test_a_lease_of_a_claim_that_may_not_be_read_is_named_and_not_taken(rig: VolumeRig, gone: str) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.leases.holders[volume] = f"{gone}/data/uid-0"
    rig.apply(adopting(volume))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "ClaimedByOther"
    assert f"Lease {volume}" in rig.condition("Ready")["message"]
    assert rig.operations() == []
    del rig.leases.holders[volume]
    assert isinstance(await rig.rest_after(60.0), Done)


def tagged(rig: VolumeRig, owner: str, uid: str, *, eks: str = EKS) -> str:
    """A volume of another claim of this EKS cluster, whose Lease is in the namespace of another installation."""
    tags = {TAG_CLAIM_UID: uid, TAG_OWNER: owner, TAG_EKS_CLUSTER: eks}
    return rig.simulator.ebs.create_volume(zone=zone(rig.nodes), tags=tags)


async def test_force_takes_nothing_from_a_claim_that_exists(rig: VolumeRig) -> None:
    rig.apply(new(management={"paused": True}), key=OTHER)
    volume = tagged(rig, str(OTHER), rig.claims._bodies[OTHER]["metadata"]["uid"])
    rig.apply(adopting(volume, management={"adoptionPolicy": "Force"}))
    assert isinstance(await rig.rest(), Blocked)
    assert f"{volume} belongs to the claim {OTHER}" in rig.condition("Ready")["message"]
    assert (rig.reason(), rig.operations()) == ("ClaimedByOther", [])
    del rig.claims._bodies[OTHER]
    assert isinstance(await rig.rest_after(60.0), Done)


@pytest.mark.parametrize("name", ["data", "d" * 253])
async def test_force_takes_nothing_from_a_claim_that_may_exist(rig: VolumeRig, gone: str, name: str) -> None:
    owner = f"{gone}/{name}"[:255]
    volume = tagged(rig, owner, "uid-0")
    rig.apply(adopting(volume, management={"adoptionPolicy": "Force"}))
    assert isinstance(await rig.rest(), Blocked)
    assert f"The tags of {volume} say that the claim {owner}" in rig.condition("Ready")["message"]
    assert (rig.reason(), rig.operations()) == ("ClaimedByOther", [])
    rig.simulator.ebs.set_tags(volume, {TAG_EKS_CLUSTER: EKS})
    assert isinstance(await rig.rest_after(60.0), Done)


async def test_a_volume_of_another_eks_cluster_is_none_of_a_namespace_here(rig: VolumeRig, gone: str) -> None:
    """Who removed the tags because that claim is not here would take the volume from the one that is there."""
    rig.apply(adopting(tagged(rig, f"{gone}/data", "uid-0", eks=f"{EKS}-2"), management={"adoptionPolicy": "Force"}))
    assert isinstance(await rig.rest(), Blocked)
    message = rig.condition("Ready")["message"]
    assert f"of {EKS}-2. The operator never adopts it" in message
    assert "remove the tags" not in message


async def test_of_two_clusters_on_one_volume_one_gets_it(make_rig: MakeRig) -> None:
    ours = make_rig()
    theirs = make_rig(beside=ours)
    theirs.claims._version = 100  # another cluster's uids
    volume = ours.simulator.ebs.create_volume(zone=zone(ours.nodes))
    ours.apply(adopting(volume))
    theirs.apply(adopting(volume), key=THEIRS)
    for _ in range(60):
        await ours.step()
        await theirs.step(THEIRS)
    assert sorted([ours.reason(), theirs.reason(THEIRS)]) == ["ClaimReady", "ClaimedByOther"]
    attached = [call for call in ours.calls("AttachClusterNodeVolume") if call.committed]
    assert len(attached) == 1


@pytest.mark.parametrize("policy", ["IfUnowned", "Force"])
async def test_two_clusters_with_a_claim_of_one_name_do_not_take_the_volume_in_turns(
    make_rig: MakeRig, policy: str
) -> None:
    """A Kubernetes cluster that was restored beside the one that it is a copy of."""
    ours = make_rig()
    theirs = make_rig(beside=ours)
    theirs.claims._version = 100
    suspended = {"target": {"instanceGroupName": "workers"}, "suspend": True}
    spec = new(management={"adoptionPolicy": policy}, attachment=suspended)
    ours.apply(spec)
    await ours.idle(200.0)
    volume, owners = ours.status["volumeId"], []
    theirs.apply(spec)
    for _ in range(6):
        for one in (theirs, ours):
            await one.idle(700.0)
            owners.append(ours.simulator.ebs.volumes()[volume]["Tags"][TAG_CLAIM_UID])
    assert set(owners) == {theirs.uid}
    assert ours.reason() == "ClaimedByOther"
    theirs.claims.delete(KEY)
    assert isinstance(await theirs.rest(), Gone)
    await ours.idle(1200.0)
    assert (ours.reason(), ours.status["volumeId"]) == ("Suspended", volume)


async def test_a_volume_in_another_zone_is_told_with_both(rig: VolumeRig) -> None:
    other = next(f"us-west-2{letter}" for letter in "abc" if f"us-west-2{letter}" != zone(rig.nodes))
    volume = rig.simulator.ebs.create_volume(zone=other)
    rig.apply(adopting(volume))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "AZMismatch"
    assert zone(rig.nodes) in rig.condition("Ready")["message"]
    assert other in rig.condition("Ready")["message"]


async def test_ec2_tells_the_zones_of_nodes_that_do_not_tell_their_own(rig: VolumeRig) -> None:
    """Every node of the group is tried, and the reason is the one of zones that are known."""
    here = zone(rig.nodes)
    other = next(f"us-west-2{letter}" for letter in "abc" if f"us-west-2{letter}" != here)
    for node in rig.nodes.all():
        rig.nodes.labels[node.name] |= {"topology.kubernetes.io/zone": "", "topology.k8s.aws/zone-id": ""}
    rig.apply(adopting(rig.simulator.ebs.create_volume(zone=other)))
    assert isinstance(await rig.rest(), Blocked)
    assert {call.parameters["NodeId"] for call in rig.calls("AttachClusterNodeVolume")} == set(instances())
    await rig.idle(120.0)
    assert (rig.reason(), rig.condition("TargetResolved")["reason"]) == ("AZMismatch", "AZMismatch")
    assert "Choose a target in that zone" in rig.condition("Ready")["message"]


async def test_a_full_node_of_a_group_is_passed_over(make_rig: MakeRig) -> None:
    rig = make_rig(attachment_limits={"ml.m5.xlarge": 2})
    for number in range(3):
        key = Key("team", f"data-{number}")
        rig.apply(new(), key=key)
        assert isinstance(await rig.rest(key), Done)
    rig.apply(new(), key=OTHER)
    await rig.until("NoCapacity", OTHER)
    assert len(rig.calls("AttachClusterNodeVolume")) == 3


@pytest.mark.parametrize(
    "words",
    [
        "InvalidVolume.ZoneMismatch : Ec2ErrMsg: not in the same zone",
        # What the count of slots cannot know: network interfaces, other people's volumes.
        "AttachmentLimitExceeded : Ec2ErrMsg: no room",
    ],
)
async def test_a_node_that_ec2_refuses_is_passed_over(rig: VolumeRig, words: str) -> None:
    refusal = Fault(
        operation="AttachClusterNodeVolume",
        kind="error",
        code="ValidationException",
        message=f"HyperPod - Ec2ErrCode: {words}",
        status=400,
        times=1,
    )
    rig.simulator.faults.add(refusal)
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)
    nodes = [call.parameters["NodeId"] for call in rig.calls("AttachClusterNodeVolume")]
    assert len(set(nodes)) == 2


async def test_a_tag_that_somebody_removed_is_not_said_to_be_another_claims(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    kept = {name: value for name, value in rig.volume["Tags"].items() if name != TAG_CLAIM_UID}
    rig.simulator.ebs.set_tags(rig.status["volumeId"], kept)
    await rig.idle(1200)
    assert rig.reason() == "NotOwned"
    assert "set that tag in EC2" in rig.condition("Ready")["message"]
    rig.simulator.ebs.set_tags(rig.status["volumeId"], {**kept, TAG_CLAIM_UID: rig.uid})
    assert isinstance(await rig.rest_after(300), Done)


async def test_an_adoption_that_aws_denies_is_announced_once(rig: VolumeRig) -> None:
    volume_id = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    denied = rig.simulator.faults.add(Fault("CreateTags", "error", code="UnauthorizedOperation", status=403))
    rig.apply(adopting(volume_id))
    await rig.idle(3600)
    assert rig.reason() == "PermissionDenied"
    assert rig.reasons().count("AdoptionAnnounced") == 1
    rig.apply(adopting(volume_id, management={"paused": True}))
    await rig.idle(600)
    rig.simulator.faults.remove(denied)
    rig.apply(adopting(volume_id))
    await rig.once()
    assert rig.reason() == "AdoptionAnnounced"
    assert isinstance(await rig.rest(), Done)


async def test_somebody_elses_persistent_volume_claim_is_not_taken(rig: VolumeRig) -> None:
    await rig.publications.create_persistent_volume_claim(
        manifest={"metadata": {"namespace": "team", "name": "data"}, "spec": {}}
    )
    rig.apply(published())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NameTaken"
    rig.claims.delete(KEY)
    await rig.idle(600)
    assert ("team", "data") in rig.publications.claims
