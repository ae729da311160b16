"""How pods see the volume: label, PersistentVolume, PersistentVolumeClaim."""

from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    FIRST,
    UID,
    attached_status,
    attachment,
    claim,
    made_status,
    node,
    reason_of,
    situation,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.manifest import persistent_volume, persistent_volume_claim
from hyperpod_operator.core.volume.observed import PersistentVolume, PersistentVolumeClaim
from hyperpod_operator.core.volume.plan import LabelNode, PublishPV, PublishPVC, RemovePV
from hyperpod_operator.core.volume.policy import decide
from hyperpod_operator.core.volume.verdict import Settled, Verdict

LOCAL = {"type": "LocalPV", "fsType": "xfs", "persistentVolumeClaim": {"name": "data", "create": True}}
LABEL = (f"hyperpod-{FIRST}",)


def made(**members: Any) -> PersistentVolume:
    return PersistentVolume(**{"name": f"evc-{UID}", "uid": "pv", "claim_uid": UID, "phase": "Bound", **members})


def bound(**members: Any) -> PersistentVolumeClaim:
    return PersistentVolumeClaim(**{"name": "data", "uid": "pvc", "claim_uid": UID, "phase": "Bound", **members})


def judged(publish: dict[str, Any] | None = None, **seen: Any) -> Verdict:
    owner = claim(spec(publish=publish or LOCAL), status=attached_status())
    return decide(situation(owner, **{"volume": volume(attachment()), **seen}))


def test_the_steps_are_label_volume_claim() -> None:
    assert isinstance(step_of(judged()), LabelNode)
    assert isinstance(step_of(judged(labelled=LABEL)), PublishPV)
    assert isinstance(step_of(judged(labelled=LABEL, persistent_volume=made())), PublishPVC)
    done = judged(labelled=LABEL, persistent_volume=made(), persistent_volume_claim=bound())
    assert isinstance(done, Settled)


def test_the_door_opens_only_where_aws_shows_the_volume() -> None:
    step = step_of(judged())
    assert step.node_name == f"hyperpod-{FIRST}"
    assert step.value == "attached"
    assert UID.replace("-", "") in step.key
    owner = claim(spec(publish=LOCAL), status=made_status())
    assert not isinstance(step_of(decide(situation(owner))), LabelNode)


def test_a_node_that_has_not_joined_is_waited_for() -> None:
    assert reason_of(judged(nodes=(node(FIRST, node_name=""),))) == "NodeNotRunning"


def test_a_local_volume_selects_the_label_and_the_stable_path() -> None:
    owner = claim(spec(publish=LOCAL))
    assert owner.publish is not None
    manifest = persistent_volume(owner, volume(), owner.publish)
    (term,) = manifest["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": owner.label, "operator": "In", "values": ["attached"]}]
    assert manifest["spec"]["local"] == {"path": device_path(volume().volume_id), "fsType": "xfs"}
    assert manifest["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert manifest["spec"]["claimRef"] == {"namespace": "team", "name": "data"}


def test_the_labels_name_is_one_that_kubernetes_takes() -> None:
    name = claim().label.partition("/")[2]
    assert len(name) <= 63


def test_a_csi_volume_names_the_driver_and_the_zone_and_is_never_deleted_with_its_pv() -> None:
    owner = claim(spec(attachment={"mode": "CSI"}, publish={"type": "CSI", "mountOptions": ["noatime"]}))
    assert owner.publish is not None
    manifest = persistent_volume(owner, volume(), owner.publish)
    assert manifest["spec"]["csi"]["driver"] == "ebs.csi.aws.com"
    assert manifest["spec"]["csi"]["volumeHandle"] == volume().volume_id
    assert manifest["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert manifest["spec"]["mountOptions"] == ["noatime"]
    assert "annotations" not in manifest["metadata"]
    (term,) = manifest["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["us-west-2b"]


def test_a_raw_volume_has_no_file_system() -> None:
    owner = claim(spec(publish={"type": "LocalPV", "volumeMode": "Block"}))
    assert owner.publish is not None
    manifest = persistent_volume(owner, volume(), owner.publish)
    assert manifest["spec"]["volumeMode"] == "Block"
    assert "fsType" not in manifest["spec"]["local"]


def test_the_claim_is_bound_to_the_volume_by_name_in_the_classless_class() -> None:
    owner = claim(spec(publish=LOCAL))
    assert owner.publish is not None
    manifest = persistent_volume_claim(owner, volume(), owner.publish)
    assert manifest["spec"]["volumeName"] == f"evc-{UID}"
    assert manifest["spec"]["storageClassName"] == ""
    assert manifest["metadata"]["namespace"] == "team"


@pytest.mark.parametrize(
    "seen",
    [
        {"persistent_volume": made(claim_uid="")},
        {"persistent_volume": made(), "persistent_volume_claim": bound(claim_uid="other")},
    ],
)
def test_a_name_that_somebody_else_took_is_left_to_them(seen: dict[str, Any]) -> None:
    assert reason_of(judged(labelled=LABEL, **seen)) == "NameTaken"


def test_a_users_own_claim_is_used_as_it_is() -> None:
    publish = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}
    theirs = bound(claim_uid="")
    verdict = judged(publish, labelled=LABEL, persistent_volume=made(), persistent_volume_claim=theirs)
    assert isinstance(verdict, Settled)


def test_a_released_persistent_volume_is_made_anew_once_no_pod_uses_it() -> None:
    released = made(phase="Released")
    assert isinstance(step_of(judged(labelled=LABEL, persistent_volume=released)), RemovePV)
    kept = judged(labelled=LABEL, persistent_volume=released, persistent_volume_claim=bound(), pods=("team/train",))
    assert isinstance(kept, Settled)
