"""How pods see the volume: label, PersistentVolume, PersistentVolumeClaim."""

from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    FIRST,
    SECOND,
    UID,
    attached_status,
    attachment,
    claim,
    made_status,
    node,
    reason_of,
    snapshot_of,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.core.engine.decision import InSync, Wait
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, Decision
from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.manifest import (
    PersistentVolumeManifest,
    persistent_volume,
    persistent_volume_claim,
)
from hyperpod_operator.core.volume.observed import ClaimReference, Lease, PersistentVolume, PersistentVolumeClaim
from hyperpod_operator.core.volume.plan import LabelNode, PublishPV, PublishPVC, RemovePV, RemovePVC, UnlabelNode

LOCAL = {"type": "LocalPV", "fsType": "xfs", "persistentVolumeClaim": {"name": "data", "create": True}}
LABEL = (f"hyperpod-{FIRST}",)


DATA = ClaimReference(namespace="team", name="data", uid="pvc")


def made(**members: Any) -> PersistentVolume:
    parts = {"name": f"evc-{UID}", "uid": "pv", "claim_uid": UID, "phase": "Bound", "reserved_for": DATA, **members}
    return PersistentVolume(**parts)


def manifest_of(owner: Claim, *, hostname: str = "") -> dict[str, Any]:
    """The PersistentVolume as the API server gets it."""
    assert owner.publish is not None
    assert owner.reserved_for is not None
    built = persistent_volume(owner, volume(), owner.publish, reserved_for=owner.reserved_for, hostname=hostname)
    return dict(built.body)


def bound(**members: Any) -> PersistentVolumeClaim:
    return PersistentVolumeClaim(**{"name": "data", "uid": "pvc", "claim_uid": UID, "phase": "Bound", **members})


def judged(publish: dict[str, Any] | None = None, **seen: Any) -> Decision:
    owner = claim(spec(publish=publish or LOCAL), status=attached_status())
    return decide(snapshot_of(owner, **{"volume": volume(attachment()), **seen}))


def test_the_steps_are_label_volume_claim() -> None:
    assert isinstance(step_of(judged()), LabelNode)
    assert isinstance(step_of(judged(labelled=LABEL)), PublishPV)
    assert isinstance(step_of(judged(labelled=LABEL, persistent_volume=made())), PublishPVC)
    done = judged(labelled=LABEL, persistent_volume=made(), persistent_volume_claim=bound())
    assert isinstance(done, InSync)


def test_the_door_opens_only_where_aws_shows_the_volume() -> None:
    step = step_of(judged())
    assert step.node_name == f"hyperpod-{FIRST}"
    assert step.value == "attached"
    assert UID.replace("-", "") in step.key
    owner = claim(spec(publish=LOCAL), status=made_status())
    assert not isinstance(step_of(decide(snapshot_of(owner))), LabelNode)


def test_a_node_that_has_not_joined_is_waited_for() -> None:
    assert reason_of(judged(nodes=(node(FIRST, node_name=""),))) == "NodeNotRunning"


def test_a_local_volume_selects_the_label_and_the_stable_path() -> None:
    owner = claim(spec(publish=LOCAL))
    manifest = manifest_of(owner)
    (term,) = manifest["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": owner.label, "operator": "In", "values": ["attached"]}]
    assert manifest["spec"]["local"] == {"path": device_path(volume().volume_id), "fsType": "xfs"}
    assert manifest["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "team", "name": "data"}
    assert manifest["spec"]["claimRef"] == reference


def test_the_labels_name_is_one_that_kubernetes_takes() -> None:
    name = claim().label.partition("/")[2]
    assert len(name) <= 63


def test_a_csi_volume_names_the_driver_and_the_zone_and_is_never_deleted_with_its_pv() -> None:
    publish = {"type": "CSI", "mountOptions": ["noatime"], "persistentVolumeClaim": {"name": "data"}}
    manifest = manifest_of(claim(spec(attachment={"mode": "CSI"}, publish=publish)))
    assert manifest["spec"]["csi"]["driver"] == "ebs.csi.aws.com"
    assert manifest["spec"]["csi"]["volumeHandle"] == volume().volume_id
    assert manifest["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert manifest["spec"]["mountOptions"] == ["noatime"]
    assert "annotations" not in manifest["metadata"]
    (term,) = manifest["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["us-west-2b"]


def test_a_raw_volume_has_no_file_system() -> None:
    publish = {"type": "LocalPV", "volumeMode": "Block", "persistentVolumeClaim": {"name": "data"}}
    manifest = manifest_of(claim(spec(publish=publish)))
    assert manifest["spec"]["volumeMode"] == "Block"
    assert "fsType" not in manifest["spec"]["local"]


def test_the_claim_is_bound_to_the_volume_by_name_in_the_class_that_nobody_serves() -> None:
    owner = claim(spec(publish=LOCAL))
    assert owner.publish is not None
    manifest = persistent_volume_claim(owner, owner.publish, size=100)
    assert manifest["spec"]["volumeName"] == f"evc-{UID}"
    assert manifest["spec"]["storageClassName"] == "published.hyperpod-operator.dev"
    assert manifest_of(owner)["spec"]["storageClassName"] == manifest["spec"]["storageClassName"]
    assert manifest["metadata"]["namespace"] == "team"


@pytest.mark.parametrize(
    ("mode", "had", "capacity"), [("Filesystem", 50, "50Gi"), ("Filesystem", 200, "100Gi"), ("Block", 50, "100Gi")]
)
def test_a_volume_that_is_published_again_offers_what_its_file_system_had(mode: str, had: int, capacity: str) -> None:
    publish = {"type": "LocalPV", "volumeMode": mode, "persistentVolumeClaim": {"name": "data"}}
    owner = claim(spec(publish=publish), status=attached_status() | {"memory": {"filesystemSize": had}})
    assert manifest_of(owner)["spec"]["capacity"]["storage"] == capacity


def test_a_persistent_volume_claim_asks_for_no_more_than_its_persistent_volume_offers() -> None:
    step = step_of(judged(labelled=LABEL, persistent_volume=made(capacity=50)))
    assert step.manifest["spec"]["resources"]["requests"]["storage"] == "50Gi"


@pytest.mark.parametrize(
    "seen",
    [
        {"persistent_volume": made(claim_uid="")},
        {"persistent_volume": made(), "persistent_volume_claim": bound(claim_uid="other")},
    ],
)
def test_a_name_that_somebody_else_took_is_left_to_them(seen: dict[str, Any]) -> None:
    assert reason_of(judged(labelled=LABEL, **seen)) == "NameTaken"


def test_nobody_is_told_to_delete_a_claim_before_its_data_is_thought_of() -> None:
    taken = judged(labelled=LABEL, persistent_volume=made(), persistent_volume_claim=bound(claim_uid=""))
    assert isinstance(taken, Wait)
    assert "names another PersistentVolumeClaim" in taken.message
    assert "Delete it only if its data is not needed" in taken.message


def test_a_users_own_claim_is_used_as_it_is() -> None:
    publish = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}
    theirs = bound(claim_uid="")
    decision = judged(publish, labelled=LABEL, persistent_volume=made(), persistent_volume_claim=theirs)
    assert isinstance(decision, InSync)


def test_a_released_persistent_volume_is_made_anew_once_no_pod_uses_it() -> None:
    released = made(phase="Released")
    assert isinstance(step_of(judged(labelled=LABEL, persistent_volume=released)), RemovePV)
    kept = judged(labelled=LABEL, persistent_volume=released, persistent_volume_claim=bound(), pods=("team/train",))
    assert reason_of(kept) == "Publishing"
    assert isinstance(kept, Wait)
    assert "team/train" in kept.message


def test_a_volume_that_is_published_again_says_whose_data_is_on_it() -> None:
    decision = judged(labelled=LABEL, persistent_volume=made(phase="Released"))
    assert isinstance(decision, Act)
    assert "team/data (uid pvc) is gone" in decision.message
    owner = claim(spec(publish=LOCAL), status=attached_status() | {"persistentVolumeClaimUid": "pvc"})
    again = decide(snapshot_of(owner, volume=volume(attachment()), labelled=LABEL))
    assert isinstance(again, Act)
    assert isinstance(again.step, PublishPV)
    assert "earlier PersistentVolumeClaim of that name (uid pvc)" in again.message
    assert again.step.manifest.reserved_for == ClaimReference(namespace="team", name="data")


@pytest.mark.parametrize("phase", ["Available", "Bound", "Released", "Failed", "Pending"])
@pytest.mark.parametrize("other", [{"namespace": "others"}, {"name": "payroll"}])
def test_a_volume_that_another_claim_may_have_used_is_not_published_again(phase: str, other: dict[str, str]) -> None:
    foreign = ClaimReference(**{"namespace": "team", "name": "data", "uid": "theirs", **other})
    decision = judged(labelled=LABEL, persistent_volume=made(phase=phase, reserved_for=foreign))
    assert reason_of(decision) == "BoundToOther"
    assert isinstance(decision, Wait)
    assert decision.stalled
    assert str(foreign) in decision.message


def test_a_volume_that_is_reserved_for_nobody_is_taken_back() -> None:
    decision = judged(labelled=LABEL, persistent_volume=made(phase="Available", reserved_for=None))
    assert isinstance(step_of(decision), RemovePV)


def test_nothing_is_published_without_a_named_claim() -> None:
    decision = judged({"type": "LocalPV"}, labelled=LABEL)
    assert reason_of(decision) == "InvalidSpec"


@pytest.mark.parametrize("parts", [{"namespace": ""}, {"name": ""}])
def test_a_reservation_without_a_name_cannot_be_made(parts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="named claim"):
        ClaimReference(**{"namespace": "team", "name": "data", **parts})


@pytest.mark.parametrize("option", ["suid", "noatime,suid", "logdev=/dev/nvme1n1", "", "errors=panic", "ro\n"])
def test_a_manifest_with_another_mount_option_cannot_be_made(option: str) -> None:
    with pytest.raises(ValueError, match="not on the list"):
        PersistentVolumeManifest(
            name="evc-1", claim_uid=UID, reserved_for=DATA, spec={}, mount_options=("noatime", option)
        )


PINNED = {"target": {"nodeName": f"hyperpod-{FIRST}"}}


def pinned(target: dict[str, Any] = PINNED, **seen: Any) -> Decision:
    """Of a claim that stays with its node, whose hostname is `host-1`."""
    said = attached_status(target=f"nodeName=hyperpod-{FIRST}", instanceGroupName=None)
    owner = claim(spec(attachment=target, publish=LOCAL), status=said)
    nodes = (node(FIRST, hostname="host-1"), node(SECOND))
    return decide(snapshot_of(owner, **{"volume": volume(attachment()), "labelled": LABEL, "nodes": nodes, **seen}))


def test_a_volume_that_stays_with_its_node_names_the_host() -> None:
    step = step_of(pinned())
    (term,) = step.manifest.body["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert [item["key"] for item in term["matchExpressions"]] == [claim().label, "kubernetes.io/hostname"]
    assert term["matchExpressions"][1]["values"] == ["host-1"]


def test_a_volume_that_follows_its_group_names_no_host() -> None:
    step = step_of(judged(labelled=LABEL, nodes=(node(FIRST, hostname="host-1"),)))
    (term,) = step.manifest.body["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert [item["key"] for item in term["matchExpressions"]] == [claim().label]


def test_after_a_move_to_another_host_claim_and_volume_are_published_again() -> None:
    before = made(hostname="host-0")
    assert isinstance(step_of(pinned(persistent_volume=before, persistent_volume_claim=bound())), RemovePVC)
    gone = bound(deleting=True)
    assert reason_of(pinned(persistent_volume=before, persistent_volume_claim=gone)) == "Publishing"
    assert isinstance(step_of(pinned(persistent_volume=made(hostname="host-0", phase="Available"))), RemovePV)


def test_a_persons_claim_on_another_host_is_left_to_them() -> None:
    theirs = bound(claim_uid="")
    publish = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}
    said = attached_status(target=f"nodeName=hyperpod-{FIRST}", instanceGroupName=None)
    owner = claim(spec(attachment=PINNED, publish=publish), status=said)
    seen = {"volume": volume(attachment()), "labelled": LABEL, "nodes": (node(FIRST, hostname="host-1"),)}
    decision = decide(
        snapshot_of(owner, persistent_volume=made(hostname="host-0"), persistent_volume_claim=theirs, **seen)
    )
    assert isinstance(decision, Wait)
    assert decision.stalled
    assert "Delete PersistentVolumeClaim data" in decision.message


def test_pods_that_use_a_volume_on_another_host_are_waited_for() -> None:
    decision = pinned(persistent_volume=made(hostname="host-0"), persistent_volume_claim=bound(), pods=("team/train",))
    assert reason_of(decision) == "InUse"


@pytest.mark.parametrize(
    ("seen", "attached"),
    [
        ({"lease": Lease(holder="team/other/1", holder_alive=True)}, True),
        ({"csi_users": ("PersistentVolume other",)}, True),
        ({}, False),
    ],
    ids=["another claim has the volume", "the CSI driver has it", "nobody has it"],
)
def test_a_stray_label_goes_whatever_else_is_amiss(seen: dict[str, Any], attached: bool) -> None:
    held = volume(attachment()) if attached else volume()
    step = step_of(judged(volume=held, labelled=("plain",), **seen))
    assert isinstance(step, UnlabelNode)
    assert step.node_name == "plain"


def test_a_persistent_volume_that_names_another_volume_is_reported() -> None:
    other = made(volume_id="vol-0fedcba9876543210")
    decision = judged(persistent_volume=other, persistent_volume_claim=bound(), labelled=LABEL)
    assert reason_of(decision) == "NameTaken"
    assert isinstance(decision, Wait)
    assert decision.stalled
