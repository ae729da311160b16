"""PersistentVolumes that are published more than once: whose data is on them, and on which host."""

from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import instances, published

from hyperpod_operator.core.outcome import Done


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
