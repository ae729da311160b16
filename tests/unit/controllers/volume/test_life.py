"""The life of a claim in each mode, pass by pass, against the simulator."""

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, instances, new, published, zone

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_CSI_CLUSTER, TAG_EKS_CLUSTER, TAG_RELEASED
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.ports import Key

CSI = {"type": "CSI", "persistentVolumeClaim": {"name": "data"}}
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/other-research"
"""Of the cluster that these tests start from."""


async def test_a_new_volume_is_made_once_and_attached_to_a_node_of_the_group(rig: VolumeRig) -> None:
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)
    assert rig.operations() == ["CreateVolume", "AttachClusterNodeVolume"]
    assert rig.holder in instances()
    assert rig.condition("Attached")["status"] == "True"
    assert rig.status["phase"] == "Attached"
    assert rig.status["attachment"]["devicePath"].endswith(rig.status["volumeId"].replace("-", ""))


async def test_the_first_volume_call_comes_after_the_finalizer(rig: VolumeRig) -> None:
    rig.apply(new())
    while "finalizer+" not in rig.claims.writes:
        assert rig.operations() == []
        await rig.step()
    assert rig.operations() == ["CreateVolume"]


@pytest.mark.parametrize("named", ["instanceId", "nodeName"])
async def test_a_volume_goes_to_the_node_that_is_named(rig: VolumeRig, named: str) -> None:
    wanted = instances()[1]
    name = wanted if named == "instanceId" else f"hyperpod-{wanted}"
    rig.apply(new(attachment={"target": {named: name}}))
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == wanted


async def test_a_volume_goes_to_the_node_of_a_logical_id(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    logical, holder = rig.status["attachment"]["nodeLogicalId"], rig.holder
    other = Key("team", "other")
    rig.apply(new(attachment={"target": {"nodeLogicalId": logical}}), key=other)
    assert isinstance(await rig.rest(other), Done)
    assert rig.status_of(other)["attachment"]["instanceId"] == holder


async def test_a_group_is_narrowed_by_labels_of_its_nodes(rig: VolumeRig) -> None:
    wanted = instances()[2]
    rig.nodes.labels[f"hyperpod-{wanted}"]["example.com/disk"] = "fast"
    target = {"instanceGroupName": "workers", "nodeSelector": {"example.com/disk": "fast"}}
    rig.apply(new(attachment={"target": target}))
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == wanted


async def test_a_published_volume_has_label_persistent_volume_and_claim(rig: VolumeRig) -> None:
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    assert rig.labelled == [f"hyperpod-{rig.holder}"]
    assert set(rig.publications.volumes) == {f"evc-{rig.uid}"}
    assert set(rig.publications.claims) == {("team", "data")}
    assert rig.condition("Published")["status"] == "True"


async def test_the_label_comes_only_after_aws_says_attached(rig: VolumeRig) -> None:
    rig.simulator.ebs.stick_attaching()
    rig.apply(published())
    await rig.until("Attaching")
    for _ in range(5):
        await rig.step()
    assert rig.labelled == []


async def test_claims_of_a_group_spread_over_its_nodes(rig: VolumeRig) -> None:
    keys = [Key("team", f"data-{number}") for number in range(3)]
    for key in keys:
        rig.apply(new(), key=key)
        await rig.rest(key)
    holders = {rig.status_of(key)["attachment"]["instanceId"] for key in keys}
    assert holders == set(instances())


async def test_mode_csi_tags_and_publishes_and_never_attaches(rig: VolumeRig) -> None:
    where = zone(rig.nodes)
    spec = new(source={"create": {"availabilityZone": where}}, attachment={"mode": "CSI"}, publish=CSI)
    rig.apply(spec)
    assert isinstance(await rig.rest(), Done)
    assert rig.volume["Tags"][TAG_CSI_CLUSTER] == "true"
    manifest = rig.publications.volumes[f"evc-{rig.uid}"].manifest
    assert manifest["spec"]["csi"]["volumeHandle"] == rig.status["volumeId"]
    assert "AttachClusterNodeVolume" not in rig.operations()


async def test_mode_csi_is_not_disturbed_by_the_driver_at_work(rig: VolumeRig) -> None:
    where = zone(rig.nodes)
    spec = new(source={"create": {"availabilityZone": where}}, attachment={"mode": "CSI"}, publish=CSI)
    rig.apply(spec)
    await rig.rest()
    arn = rig.simulator.world.create_foreign_cluster("theirs")
    rig.simulator.ebs.attach_foreign(rig.status["volumeId"], cluster_arn=arn)
    rig.users.driver[rig.status["volumeId"]] = ["VolumeAttachment csi-1"]
    before = rig.operations()
    await rig.idle(3600)
    assert isinstance(await rig.once(), Done)
    assert rig.operations() == before


async def test_mode_none_manages_the_life_of_a_volume_and_no_more(rig: VolumeRig) -> None:
    where = zone(rig.nodes)
    rig.apply(new(source={"create": {"availabilityZone": where}}, attachment={"mode": "None"}))
    assert isinstance(await rig.rest(), Done)
    assert rig.operations() == ["CreateVolume"]
    assert rig.status["phase"] == "Available"


async def test_a_volume_that_exists_is_adopted_and_tagged(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(adopting(volume))
    assert isinstance(await rig.rest(), Done)
    assert rig.volume["Tags"][TAG_CLAIM_UID] == rig.uid
    assert rig.status["ownership"]["mode"] == "Adopted"
    assert "CreateVolume" not in rig.operations()


@pytest.mark.parametrize("policy", ["IfUnowned", "Force"])
async def test_the_tag_of_another_claim_is_respected_unless_forced(rig: VolumeRig, policy: str) -> None:
    where = zone(rig.nodes)
    volume = rig.simulator.ebs.create_volume(zone=where, tags={TAG_CLAIM_UID: "another", TAG_EKS_CLUSTER: EKS})
    rig.apply(adopting(volume, management={"adoptionPolicy": policy}))
    outcome = await rig.rest()
    if policy == "Force":
        assert isinstance(outcome, Done)
        assert rig.holder
    else:
        assert isinstance(outcome, Blocked)
        assert rig.reason() == "ClaimedByOther"
        assert rig.operations() == []


async def test_a_volume_is_loaded_from_a_snapshot(rig: VolumeRig) -> None:
    rig.apply(new(management={"reclaimPolicy": "Snapshot"}))
    await rig.rest()
    rig.claims.delete(KEY)
    await rig.rest()
    snapshot = next(iter(rig.simulator.ebs.snapshots()))
    rig.apply(new(source={"create": {"snapshotId": snapshot}}, volume=None))
    assert isinstance(await rig.rest(), Done)
    assert rig.volume["SnapshotId"] == snapshot
    assert rig.volume["Size"] == 100


@pytest.mark.parametrize("policy", ["Retain", "Delete", "Snapshot"])
async def test_a_deleted_claim_does_with_its_volume_what_its_policy_says(rig: VolumeRig, policy: str) -> None:
    rig.apply(published(management={"reclaimPolicy": policy}))
    await rig.rest()
    volume = rig.status["volumeId"]
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    left = rig.simulator.ebs.volumes()
    assert (volume in left) == (policy == "Retain")
    assert len(rig.simulator.ebs.snapshots()) == (policy == "Snapshot")
    if policy == "Retain":
        assert left[volume]["Tags"] == {TAG_RELEASED: str(KEY), TAG_EKS_CLUSTER: EKS}
        assert left[volume]["State"] == "available"
    assert not rig.publications.volumes
    assert not rig.publications.claims
    assert not rig.leases.holders
    assert not rig.claims.exists(KEY)


@pytest.mark.parametrize("protected", [None, False])
async def test_an_adopted_volume_is_deleted_only_with_its_owners_consent(
    rig: VolumeRig, protected: bool | None
) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    consent = {} if protected is None else {"deletionProtection": protected}
    rig.apply(adopting(volume, management={"reclaimPolicy": "Delete", **consent}))
    await rig.rest()
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert (volume in rig.simulator.ebs.volumes()) == (protected is None)


async def test_the_names_of_a_life_are_told_as_events_once(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    await rig.idle(1800)
    told = rig.reasons()
    assert told == ["CreatingVolume", "Attaching"]


async def test_each_call_is_recorded_with_the_id_of_its_request_and_kept_in_status(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    calls = {call.operation: call.request_id for call in rig.calls()}
    audited = {entry.call: entry.request_id for entry in rig.recorder.audited if entry.request_id}
    assert audited == calls
    assert [entry["call"] for entry in rig.status["history"]] == ["CreateVolume", "AttachClusterNodeVolume"]
    assert {entry["outcome"] for entry in rig.status["history"]} == {"Accepted"}
