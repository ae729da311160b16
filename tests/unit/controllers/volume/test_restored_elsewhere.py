"""A claim that a backup of another EKS cluster brought here takes no volume from the one that lives there."""

from typing import Any

import pytest
from tests.unit.controllers.test_restored_elsewhere import own_cluster
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, new, zone

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_EKS_CLUSTER, TAG_OWNER
from hyperpod_operator.core.outcome import Blocked, Done, Gone

EKS = "arn:aws:eks:us-west-2:111122223333:cluster/other-research"


def volume_of(rig: VolumeRig, owner: str) -> str:
    """A volume of a claim that lives elsewhere."""
    tags = {TAG_CLAIM_UID: "uid-there", TAG_OWNER: owner, TAG_EKS_CLUSTER: EKS}
    return rig.simulator.ebs.create_volume(zone=zone(rig.nodes), tags=tags)


def placed(rig: VolumeRig, monkeypatch: pytest.MonkeyPatch, *, ours: str) -> None:
    made: Any = own_cluster(ours={ours}, theirs={"original"})
    monkeypatch.setattr("tests.unit.controllers.test_restored_elsewhere.EKS", EKS)
    rig.own_cluster = made
    rig.restart()


@pytest.mark.parametrize(
    ("owner", "policy", "source"),
    [
        (str(KEY), "IfUnowned", "volumeId"),
        (str(KEY), "IfUnowned", "create"),
        ("team/other", "Force", "volumeId"),
    ],
    ids=["adopts", "creates", "forces"],
)
async def test_a_copy_in_another_control_plane_does_not_take_the_volume(
    rig: VolumeRig, monkeypatch: pytest.MonkeyPatch, owner: str, policy: str, source: str
) -> None:
    placed(rig, monkeypatch, ours="copy")
    volume = volume_of(rig, owner)
    management = {"adoptionPolicy": policy, "reclaimPolicy": "Delete", "deletionProtection": False}
    wanted = adopting(volume, management=management) if source == "volumeId" else new(management=management)
    rig.apply(wanted)
    assert isinstance(await rig.rest(), Blocked)
    assert (rig.reason(), rig.operations()) == ("ClaimedByOther", [])
    assert "delete this one" in rig.condition("Ready")["message"]
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations() == []
    del rig.claims._bodies[KEY]  # it never had the operator's finalizer
    rig.apply(wanted)
    await rig.rest()
    uid = rig.claims._bodies[KEY]["metadata"]["uid"]
    rig.simulator.ebs.set_tags(volume, {TAG_CLAIM_UID: uid, TAG_EKS_CLUSTER: EKS})
    assert isinstance(await rig.rest_after(600.0), Done)
    assert rig.status["volumeId"] == volume


async def test_one_that_was_rebuilt_in_its_place_continues(rig: VolumeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    placed(rig, monkeypatch, ours="original")
    rig.apply(adopting(volume_of(rig, str(KEY))))
    assert isinstance(await rig.rest(), Done)
