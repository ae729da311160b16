"""PersistentVolumes that are published more than once: whose data is on them, and on which host."""

import pytest
from tests.unit.controllers.volume.kubernetes import Held
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import instances, published

from hyperpod_operator.core.outcome import Blocked, Done


async def test_a_claim_that_is_made_again_gets_the_data_and_an_event_says_so(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    await rig.rest_after(1000)
    former = rig.publications.claims.pop(("team", "data")).uid
    assert rig.status["memory"]["persistentVolumeClaimUid"] == former
    assert isinstance(await rig.rest(), Done)
    now = rig.publications.claims["team", "data"].uid
    assert now != former
    assert rig.operations() == ["CreateVolume", "AttachClusterNodeVolume"]
    assert any(f"uid {former}" in event.message for event in rig.recorder.events)
    await rig.rest_after(1000)
    assert rig.status["memory"]["persistentVolumeClaimUid"] == now


async def test_a_volume_of_one_node_is_published_on_the_next_host_after_an_edit(rig: VolumeRig) -> None:
    first, second = instances()[:2]
    rig.apply(published(attachment={"target": {"instanceId": first}}))
    await rig.rest()
    uid = rig.claims._bodies[KEY]["metadata"]["uid"]
    rig.apply(published(attachment={"target": {"instanceId": second}}))
    assert isinstance(await rig.rest(), Done)
    (term,) = rig.publications.volumes[f"evc-{uid}"].manifest["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    hosts = [item["values"] for item in term["matchExpressions"] if item["key"] == "kubernetes.io/hostname"]
    assert hosts == [[f"hyperpod-{second}"]]
    assert rig.labelled == [f"hyperpod-{second}"]


async def used_by_a_claim_of_a_users_own(rig: VolumeRig) -> str:
    """The claim is Ready, and a user's own PersistentVolumeClaim is bound; the name of the PersistentVolume."""
    rig.apply(published(publish={"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}))
    await rig.rest()
    manifest = {"metadata": {"namespace": "team", "name": "data"}, "spec": {}}
    rig.publications.claims["team", "data"] = Held(manifest=manifest, uid="users")
    await rig.rest_after(1000)
    (name,) = rig.publications.volumes
    assert rig.publications.volumes[name].bound == "users"
    return name


async def test_an_old_list_of_pods_does_not_hide_that_a_persistent_volume_is_released(
    rig: VolumeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resync finds the PersistentVolumeClaim gone, and a list that other claims share still has its pod."""
    name = await used_by_a_claim_of_a_users_own(rig)
    now = rig.users.pods

    async def pods(*, namespace: str, claim_name: str, fresh: bool) -> tuple[str, ...]:
        return await now(namespace=namespace, claim_name=claim_name, fresh=fresh) if fresh else ("team/train",)

    monkeypatch.setattr(rig.users, "pods", pods)
    rig.publications.claims.pop(("team", "data"))
    assert isinstance(await rig.rest(), Done)
    assert rig.publications.volumes[name].bound == ""


async def test_a_released_persistent_volume_is_published_again_soon_after_its_last_pod_ended(rig: VolumeRig) -> None:
    name = await used_by_a_claim_of_a_users_own(rig)
    rig.publications.claims.pop(("team", "data"))
    rig.publications.pods["team", "data"] = ["train"]
    await rig.step()
    assert "team/train" in rig.condition("Ready")["message"]
    rig.publications.pods["team", "data"] = []
    started = rig.clock.monotonic()
    assert isinstance(await rig.rest(), Done)
    assert rig.publications.volumes[name].bound == ""
    assert rig.clock.monotonic() - started < 60


async def test_a_file_system_that_is_still_to_be_grown_is_told_after_its_volume_is_published_again(
    rig: VolumeRig,
) -> None:
    rig.apply(published())
    await rig.rest()
    rig.apply(published(volume={"size": 200}))
    await rig.idle(2 * 3600.0)
    assert rig.condition("FilesystemResizePending")["status"] == "True"
    (before,) = rig.publications.volumes.values()
    del rig.publications.claims["team", "data"]
    await rig.idle(3600.0)
    (again,) = rig.publications.volumes.values()
    assert again.uid != before.uid
    assert rig.condition("FilesystemResizePending")["status"] == "True"
    again.manifest["spec"]["capacity"]["storage"] = "200Gi"
    await rig.idle(3600.0)
    assert rig.condition("FilesystemResizePending")["status"] == "False"


async def test_a_users_persistent_volume_claim_that_has_another_volume_is_told(rig: VolumeRig) -> None:
    manifest = {"metadata": {"namespace": "team", "name": "data"}, "spec": {}}
    rig.publications.claims["team", "data"] = Held(manifest=manifest, uid="users", volume_name="another")
    rig.apply(published(publish={"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NameTaken"
    assert "PersistentVolume another" in rig.condition("Ready")["message"]
    rig.publications.claims["team", "data"] = Held(manifest=manifest, uid="anew")
    assert isinstance(await rig.rest(), Done)


async def test_pods_keep_a_volume_for_as_long_as_they_run_after_its_persistent_volume_went(rig: VolumeRig) -> None:
    """The first pass after it forgets the name of the PersistentVolume; those that follow still see the pods."""
    rig.apply(published())
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train"]
    rig.publications.volumes.clear()
    rig.apply(published(attachment={"target": {"instanceGroupName": "workers"}, "suspend": True}))
    await rig.idle(600)
    assert "DetachClusterNodeVolume" not in rig.operations()
    assert rig.condition("Ready")["reason"] == "InUse"
    rig.publications.pods.clear()
    await rig.until("Suspended")
    assert rig.holder == ""


async def test_a_deleted_claim_waits_for_pods_whose_persistent_volume_went(rig: VolumeRig) -> None:
    name = await used_by_a_claim_of_a_users_own(rig)
    publish = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}
    rig.apply(published(publish=publish, management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train"]
    del rig.publications.volumes[name]
    rig.claims.delete(KEY)
    await rig.idle(600)
    assert rig.operations() == ["CreateVolume", "AttachClusterNodeVolume"]
    assert "team/train" in rig.condition("Ready")["message"]
    rig.publications.pods.clear()
    await rig.rest()
    assert rig.operations()[2:] == ["DetachClusterNodeVolume", "DeleteVolume"]


async def test_pods_keep_a_volume_whose_persistent_volume_and_status_are_lost(rig: VolumeRig) -> None:
    name = await used_by_a_claim_of_a_users_own(rig)
    rig.publications.pods["team", "data"] = ["train"]
    del rig.publications.volumes[name]
    rig.claims._bodies[KEY]["status"] = {}
    rig.claims.delete(KEY)
    await rig.idle(600)
    assert rig.operations() == ["CreateVolume", "AttachClusterNodeVolume"]
    assert "team/train" in rig.condition("Ready")["message"]
