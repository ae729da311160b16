"""A deleted claim: close the door, detach, snapshot, then delete or let go."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    FIRST,
    NOW,
    SECOND,
    UID,
    VOLUME_ID,
    adopting,
    ago,
    attached_status,
    attachment,
    claim,
    cluster,
    made_status,
    node,
    reason_of,
    snapshot_of,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_OWNER, TAG_RELEASED, TAG_SNAPSHOT_PURPOSE
from hyperpod_operator.core.engine.decision import RemoveFinalizer, Wait
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, Decision
from hyperpod_operator.core.volume.observed import PersistentVolume, PersistentVolumeClaim
from hyperpod_operator.core.volume.plan import (
    CreateSnapshot,
    CreateTags,
    DeleteTags,
    DeleteVolume,
    Detach,
    DropLease,
    RemovePV,
    RemovePVC,
    UnlabelNode,
)
from hyperpod_operator.core.volume.ports import Attachment, Snapshot
from hyperpod_operator.core.volume.report import intent

PV = PersistentVolume(name=f"evc-{UID}", uid="pv", claim_uid=UID)
PVC = PersistentVolumeClaim(name="data", uid="pvc", claim_uid=UID)
DELETE = {"reclaimPolicy": "Delete"}
SNAPSHOT = {"reclaimPolicy": "Snapshot"}
RELEASED = {**volume().tags, TAG_RELEASED: "team/data"}


def judged(
    management: dict[str, Any] | None = None,
    *attachments: Attachment,
    wanted: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **seen: Any,
) -> Decision:
    made = wanted or spec(management=management or {})
    owner = claim(made, status=status or attached_status(), deleting=True, **(fields or {}))
    return decide(snapshot_of(owner, **{"volume": volume(*attachments), **seen}))


def final(state: str, **tags: str) -> Snapshot:
    ours = {TAG_CLAIM_UID: UID, TAG_SNAPSHOT_PURPOSE: "BeforeDelete", **tags}
    return Snapshot(snapshot_id="snap-1", volume_id=VOLUME_ID, state=state, tags=ours)


def test_the_order_is_claim_volume_label_detach_delete() -> None:
    door = {"labelled": (f"hyperpod-{FIRST}",)}
    everything = {"persistent_volume": PV, "persistent_volume_claim": PVC, **door}
    assert isinstance(step_of(judged(DELETE, attachment(), **everything)), RemovePVC)
    assert isinstance(step_of(judged(DELETE, attachment(), persistent_volume=PV, **door)), RemovePV)
    assert isinstance(step_of(judged(DELETE, attachment(), **door)), UnlabelNode)
    assert isinstance(step_of(judged(DELETE, attachment())), Detach)
    assert isinstance(step_of(judged(DELETE)), DeleteVolume)
    assert isinstance(step_of(judged(DELETE, volume=None)), DropLease)
    assert isinstance(judged(DELETE, volume=None, lease=None), RemoveFinalizer)


def test_pods_hold_the_deletion_unless_forced() -> None:
    pods = {"pods": ("team/train",)}
    assert reason_of(judged(DELETE, attachment(), **pods)) == "InUse"
    assert isinstance(step_of(judged(DELETE, attachment(), fields={"force_delete": True}, **pods)), Detach)


@pytest.mark.parametrize("status", ["Running", "ShuttingDown"])
@pytest.mark.parametrize("immediate", [False, True])
def test_pods_are_told_once_and_with_what_ends_the_wait(status: str, immediate: bool) -> None:
    """`detachPolicy: Immediate` lets no deletion go on under pods."""
    policy = {"detachPolicy": "Immediate"} if immediate else {}
    wanted = spec(management=DELETE, attachment={"target": {"instanceGroupName": "workers"}, **policy})
    record = attached_status(detachTime=ago(minutes=11), lostTime=ago(minutes=11))
    owner = claim(wanted, status=record, deleting=True)
    nodes = (node(FIRST, status=status), node(SECOND))
    held = decide(snapshot_of(owner, volume=volume(attachment()), nodes=nodes, pods=("team/train",)))
    assert isinstance(held, Wait)
    assert (held.reason, held.stalled) == ("InUse", True)
    assert "Immediate" not in held.message
    assert "Also" not in held.message
    assert ("--force, because AWS has terminated their node" in held.message) == (status != "Running")


def test_a_persistent_volume_claim_of_the_users_stays() -> None:
    theirs = PersistentVolumeClaim(name="data", uid="x", claim_uid="")
    assert isinstance(step_of(judged(DELETE, persistent_volume_claim=theirs)), DeleteVolume)


def test_retain_marks_the_volume_then_takes_our_tags_off_then_lets_go() -> None:
    step = step_of(judged())
    assert isinstance(step, CreateTags)
    assert step.tags == {TAG_RELEASED: "team/data"}
    step = step_of(judged(volume=volume(tags=RELEASED)))
    assert isinstance(step, DeleteTags)
    assert {TAG_CLAIM_UID, TAG_OWNER} <= set(step.keys)
    assert isinstance(judged(volume=volume(tags={TAG_RELEASED: "team/data"}), lease=None), RemoveFinalizer)


@pytest.mark.parametrize("management", [DELETE, SNAPSHOT])
def test_an_adopted_volume_is_deleted_only_by_consent(management: dict[str, Any]) -> None:
    kept = judged(wanted=adopting(management=management))
    assert isinstance(step_of(kept), CreateTags)
    agreed = adopting(management={**management, "deletionProtection": False})
    assert isinstance(step_of(judged(wanted=agreed, snapshots=(final("completed"),))), DeleteVolume)


def test_a_volume_of_another_claim_is_left_alone_whatever_the_policy() -> None:
    assert isinstance(judged(DELETE, volume=volume(tags={TAG_CLAIM_UID: "other-uid"}), lease=None), RemoveFinalizer)


def test_a_volume_whose_tag_is_missing_is_neither_changed_nor_released() -> None:
    assert reason_of(judged(DELETE, volume=volume(tags={}), lease=None)) == "NotOwned"
    assert reason_of(judged(DELETE, volume=volume(attachment(), tags={}), lease=None)) == "NotOwned"


@pytest.mark.parametrize("management", [SNAPSHOT, {**DELETE, "snapshotPolicy": {"beforeDelete": True}}])
def test_the_snapshot_comes_before_the_deletion(management: dict[str, Any]) -> None:
    step = step_of(judged(management))
    assert isinstance(step, CreateSnapshot)
    assert step.tags[TAG_SNAPSHOT_PURPOSE] == "BeforeDelete"
    assert reason_of(judged(management, snapshots=(final("pending"),))) == "Snapshotting"
    assert isinstance(step_of(judged(management, snapshots=(final("completed"),))), DeleteVolume)


def test_a_snapshot_that_ec2_does_not_show_yet_is_not_made_twice() -> None:
    owner = claim(spec(management=SNAPSHOT), status=made_status(), deleting=True)
    before = snapshot_of(owner)
    decision = decide(before)
    assert isinstance(decision, Act)
    planned = intent(before, decision)
    assert planned is not None
    again = decide(snapshot_of(replace(owner, status=planned), now=NOW + timedelta(seconds=40)))
    assert reason_of(again) == "Snapshotting"


def test_a_failed_snapshot_keeps_the_volume() -> None:
    why = replace(final("error"), status_message="It could not be completed.")
    told = judged(SNAPSHOT, snapshots=(why,))
    assert isinstance(told, Wait)
    assert told.reason == "SnapshotFailed"
    assert ".." not in told.message
    both = (final("error"), final("completed"))
    assert isinstance(step_of(judged(SNAPSHOT, snapshots=both)), DeleteVolume)


def test_a_snapshot_of_another_purpose_or_claim_does_not_count() -> None:
    others = (final("completed", **{TAG_CLAIM_UID: "other"}), final("completed", **{TAG_SNAPSHOT_PURPOSE: "Daily"}))
    assert isinstance(step_of(judged(SNAPSHOT, snapshots=others)), CreateSnapshot)


def test_nothing_is_snapshotted_where_nothing_is_deleted() -> None:
    assert not isinstance(step_of(judged({"snapshotPolicy": {"beforeDelete": True}})), CreateSnapshot)


def test_a_foreign_attachment_keeps_the_volume_from_being_deleted_and_not_from_being_released() -> None:
    assert reason_of(judged(DELETE, attachment(SECOND))) == "AttachedElsewhere"
    assert isinstance(step_of(judged({}, attachment(SECOND))), CreateTags)


def test_a_terminated_node_is_waited_for_without_a_call() -> None:
    assert reason_of(judged(DELETE, attachment(), nodes=(node(SECOND),))) == "NodeLost"
    assert reason_of(judged(DELETE, attachment(), nodes=(), cluster=None)) == "NodeLost"


@pytest.mark.parametrize("status", ["Updating", "SystemUpdating"])
def test_a_cluster_that_is_not_in_service_is_waited_for(status: str) -> None:
    assert reason_of(judged(DELETE, attachment(), cluster=cluster(status))) == "ClusterNotInService"


def test_the_csi_driver_detaches_by_itself() -> None:
    wanted = spec(source={"create": {"availabilityZone": "us-west-2b"}}, attachment={"mode": "CSI"}, management=DELETE)
    assert reason_of(judged(wanted=wanted, volume=volume(attachment()))) == "Detaching"
    assert reason_of(judged(wanted=wanted, csi_users=("VolumeAttachment csi-1",))) == "Detaching"
    assert isinstance(step_of(judged(wanted=wanted)), DeleteVolume)


def test_a_volume_that_may_have_been_made_is_waited_for() -> None:
    creation = {"attempt": 1, "outcome": "Unanswered", "time": ago(seconds=10)}
    status = {"creation": creation}
    assert reason_of(judged(DELETE, status=status, volume=None, lease=None)) == "AwaitingVisibility"
    late = judged(DELETE, status={**status, "creation": {**creation, "time": ago(minutes=11)}}, volume=None, lease=None)
    assert isinstance(late, RemoveFinalizer)


def test_a_claim_that_never_made_anything_goes_at_once() -> None:
    assert isinstance(judged(DELETE, status={"phase": "Pending"}, volume=None, lease=None), RemoveFinalizer)


def test_a_paused_claim_stays() -> None:
    assert reason_of(judged({"paused": True})) == "Paused"


@pytest.mark.parametrize("state", ["deleting", "creating", "in-use"])
def test_a_volume_is_deleted_only_when_it_is_available(state: str) -> None:
    assert reason_of(judged(DELETE, volume=volume(state=state))) == "DeletingVolume"


def test_deleting_never_creates() -> None:
    made = made_status(creation={"attempt": 1, "outcome": "Rejected", "time": ago(minutes=9)})
    owner = claim(spec(management=DELETE), status=made, deleting=True)
    decision = decide(snapshot_of(owner, volume=None, lease=None, now=NOW + timedelta(hours=1)))
    assert isinstance(decision, RemoveFinalizer)
