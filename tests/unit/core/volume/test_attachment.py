"""Where is the volume, and may that change: wait, leave, follow, attach (mode Direct)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    ARN,
    FIRST,
    NOW,
    SECOND,
    THIRD,
    ago,
    attached_status,
    attachment,
    claim,
    cluster,
    edited,
    made_status,
    node,
    reason_of,
    snapshot_of,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.core.engine.decision import InSync, LookAgain, Wait
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, Decision
from hyperpod_operator.core.volume.memory.attachment import attachment as remembered
from hyperpod_operator.core.volume.pass_record import PassRecord
from hyperpod_operator.core.volume.plan import Attach, Detach, UnlabelNode, fingerprint
from hyperpod_operator.core.volume.ports import Attachment
from hyperpod_operator.core.volume.report import intent

LABEL = (f"hyperpod-{FIRST}",)
AWAY = {"target": {"instanceId": SECOND}}


def judged(owner: Claim, *attachments: Attachment, **seen: Any) -> Decision:
    return decide(snapshot_of(owner, volume=volume(*attachments), **seen))


def wanting(attachment: dict[str, Any], *, status: dict[str, Any] | None = None) -> Claim:
    return claim(spec(attachment=attachment), status=status or attached_status())


def test_a_free_volume_is_attached_to_the_target() -> None:
    step = step_of(judged(claim(status=made_status())))
    assert isinstance(step, Attach)
    assert (step.cluster_arn, step.instance_id) == (ARN, FIRST)


def test_the_node_is_stored_before_the_call() -> None:
    before = snapshot_of(claim(status=made_status()))
    decision = decide(before)
    assert isinstance(decision, Act)
    planned = intent(before, decision)
    assert planned is not None
    assert planned.attachment is not None
    assert planned.attachment.instanceId == FIRST
    assert planned.attachment.attachTime == ago()


def test_an_attach_that_was_just_sent_is_not_repeated() -> None:
    before = snapshot_of(claim(status=made_status()))
    decision = decide(before)
    assert isinstance(decision, Act)
    planned = intent(before, decision)
    assert planned is not None
    owner = replace(before.claim, status=planned)
    assert isinstance(decide(snapshot_of(owner, now=NOW + timedelta(seconds=20))), Wait)
    assert isinstance(step_of(decide(snapshot_of(owner, now=NOW + timedelta(seconds=310)))), Attach)


def test_another_node_waits_until_it_is_known_whether_the_last_attach_took() -> None:
    owner = wanting(AWAY, status=attached_status(state="attaching", attachTime=ago(seconds=10)))
    assert reason_of(judged(owner)) == "Attaching"
    late = wanting(AWAY, status=attached_status(state="attaching", attachTime=ago(seconds=310)))
    assert isinstance(step_of(judged(late)), Attach)


def test_attached_to_the_target_is_where_it_ends() -> None:
    assert isinstance(judged(claim(status=attached_status()), attachment()), InSync)


@pytest.mark.parametrize("status", ["Updating", "SystemUpdating", "RollingBack", "Deleting"])
def test_nothing_is_attached_or_detached_while_the_cluster_is_not_in_service(status: str) -> None:
    busy = cluster(status)
    assert reason_of(judged(claim(status=made_status()), cluster=busy)) == "ClusterNotInService"
    assert reason_of(judged(wanting(AWAY), attachment(), cluster=busy)) == "ClusterNotInService"


@pytest.mark.parametrize(
    "foreign",
    [
        attachment(associated_resource="", instance_id="i-0123456789abcdef0"),
        attachment(associated_resource=f"{ARN.replace('abcdefghijkl', 'zzzzzzzzzzzz')}-{FIRST}"),
        attachment(associated_resource="arn:aws:something:else", instance_owning_service="other.amazonaws.com"),
        attachment(SECOND),
        attachment(associated_resource=f"{ARN}-{FIRST}", instance_id=FIRST),
    ],
)
@pytest.mark.parametrize("suspend", [True, False])
def test_a_foreign_attachment_is_reported_and_left(foreign: Attachment, suspend: bool) -> None:
    owner = wanting({"target": {"instanceGroupName": "workers"}, "suspend": suspend})
    assert reason_of(judged(owner, foreign)) == "AttachedElsewhere"


def test_an_attachment_that_began_after_our_last_call_is_not_ours_to_end() -> None:
    """Somebody else detached the volume and attached it to the same node again."""
    owner = wanting({"target": {"instanceGroupName": "workers"}, "suspend": True})
    assert isinstance(judged(owner, attachment()), Act)
    assert reason_of(judged(owner, attachment(attach_time=NOW))) == "AttachedElsewhere"


@pytest.mark.parametrize(
    ("state", "late", "ours"),
    [
        ("Unanswered", 390, True),
        ("Unanswered", 599, True),
        ("Intended", 390, True),
        ("Unanswered", 601, False),
        ("Accepted", 390, False),
        ("Rejected", 390, False),
        ("Accepted", 359, True),
    ],
)
def test_an_attach_without_an_answer_may_begin_minutes_after_it_was_sent(state: str, late: int, ours: bool) -> None:
    call = {"concern": "Attachment", "operation": "AttachClusterNodeVolume", "state": state, "time": ago(hours=1)}
    status = {**attached_status(), "operations": [call]}
    owner = wanting({"target": {"instanceGroupName": "workers"}, "suspend": True}, status=status)
    began = NOW - timedelta(hours=1) + timedelta(seconds=late)
    decision = judged(owner, attachment(attach_time=began))
    assert isinstance(decision, Act) is ours


def test_an_attachment_by_others_to_the_very_target_is_what_the_spec_asks_for() -> None:
    owner = wanting({"target": {"instanceId": SECOND}}, status=made_status())
    assert isinstance(judged(owner, attachment(SECOND)), InSync)


def test_more_than_one_attachment_is_nobodys_to_end() -> None:
    assert reason_of(judged(claim(status=attached_status()), attachment(), attachment(SECOND))) == "AttachedElsewhere"


def test_an_edited_target_moves_the_volume_label_first() -> None:
    owner = edited(claim(status=attached_status()), spec(attachment=AWAY))
    assert isinstance(step_of(judged(owner, attachment(), labelled=LABEL)), UnlabelNode)
    step = step_of(judged(owner, attachment()))
    assert isinstance(step, Detach)
    assert step.instance_id == FIRST


@pytest.mark.parametrize("wanted", [AWAY, {"target": {"instanceGroupName": "workers"}, "suspend": True}])
def test_pods_in_use_keep_the_volume_and_its_label(wanted: dict[str, Any]) -> None:
    decision = judged(wanting(wanted), attachment(), labelled=LABEL, pods=("team/train",))
    assert reason_of(decision) == "InUse"
    assert isinstance(judged(wanting({**wanted, "detachPolicy": "Immediate"}), attachment(), pods=("team/train",)), Act)


def test_a_pod_that_slipped_in_after_the_label_is_waited_for() -> None:
    assert reason_of(judged(wanting(AWAY), attachment(), pods=("team/train",))) == "InUse"


def test_a_busy_device_is_waited_for_even_when_detaching_immediately() -> None:
    owner = wanting({**AWAY, "detachPolicy": "Immediate"})
    assert reason_of(judged(owner, attachment(state="busy"))) == "DetachBlocked"


def test_a_busy_device_on_the_target_is_simply_attached() -> None:
    assert isinstance(judged(claim(status=attached_status()), attachment(state="busy")), InSync)


@pytest.mark.parametrize(("minutes", "stalled"), [(9, False), (11, True)])
def test_the_detach_timeout_raises_the_tone_and_forces_nothing(minutes: int, stalled: bool) -> None:
    owner = wanting({**AWAY, "detachTimeout": "10m"}, status=attached_status(detachTime=ago(minutes=minutes)))
    decision = judged(owner, attachment(), pods=("team/train",))
    assert isinstance(decision, Wait)
    assert decision.stalled is stalled


@pytest.mark.parametrize("status", ["InService", "Updating", "RollingBack", "SystemUpdating"])
@pytest.mark.parametrize(
    "wanted", [{"target": {"instanceGroupName": "workers"}, "suspend": True}, AWAY], ids=["suspended", "moved"]
)
def test_the_clock_of_a_detach_runs_on_whatever_the_cluster_does(wanted: dict[str, Any], status: str) -> None:
    since = ago(minutes=4)
    owner = wanting(wanted, status=attached_status(detachTime=since))
    seen = snapshot_of(owner, volume=volume(attachment()), cluster=cluster(status))
    found = remembered(PassRecord(snapshot=seen, decision=decide(seen)))
    assert found is not None
    assert found.remembered.detachTime == since


def test_the_clock_of_a_detach_is_taken_back_with_the_edit_that_wanted_it() -> None:
    seen = snapshot_of(claim(status=attached_status(detachTime=ago(minutes=4))), volume=volume(attachment()))
    found = remembered(PassRecord(snapshot=seen, decision=decide(seen)))
    assert found is not None
    assert found.remembered.detachTime is None


def test_a_suspended_volume_comes_off_and_stays_off() -> None:
    owner = wanting({"target": {"instanceGroupName": "workers"}, "suspend": True})
    assert isinstance(step_of(judged(owner, attachment())), Detach)
    assert reason_of(judged(owner)) == "Suspended"


def test_a_target_that_does_not_exist_leaves_the_volume_where_it_is() -> None:
    owner = wanting({"target": {"instanceId": "i-ffffffff"}})
    assert reason_of(judged(owner, attachment())) == "NodeNotFound"


def test_a_volume_whose_new_node_is_full_says_how_two_claims_exchange_nodes() -> None:
    full = node(SECOND, limit=1)
    decision = judged(wanting(AWAY), attachment(), nodes=(node(FIRST), full), taken={SECOND: 1})
    assert isinstance(decision, Wait)
    assert decision.reason == "AttachmentLimit"
    assert f"is to move to {FIRST}, set attachment.suspend to true" in decision.message


@pytest.mark.parametrize("state", ["attaching", "detaching"])
def test_what_is_on_the_way_is_waited_for(state: str) -> None:
    owner = claim(status=attached_status(attachTime=ago(minutes=1)))
    decision = judged(owner, attachment(state=state, attach_time=NOW - timedelta(minutes=1)))
    assert reason_of(decision) == state.capitalize()


def test_an_attach_that_never_ends_is_broken_off_once() -> None:
    stuck = attachment(state="attaching", attach_time=NOW - timedelta(minutes=6))
    owner = claim(status=attached_status(attachTime=ago(minutes=6)))
    assert isinstance(step_of(judged(owner, stuck)), Detach)
    owner = claim(status=attached_status(attachTime=ago(minutes=6), attempts=1))
    assert reason_of(judged(owner, stuck)) == "StuckAttaching"


def test_a_lost_node_is_waited_for_and_its_label_goes() -> None:
    gone = (node(FIRST, status="ShuttingDown"), node(SECOND))
    owner = claim(status=attached_status())
    assert isinstance(step_of(judged(owner, attachment(), nodes=gone, labelled=LABEL)), UnlabelNode)
    assert reason_of(judged(owner, attachment(), nodes=gone)) == "NodeLost"
    assert reason_of(judged(owner, attachment(), nodes=(node(SECOND),))) == "NodeLost"


def test_a_lost_node_that_does_not_let_go_is_helped_after_a_while() -> None:
    owner = claim(status=attached_status(lostTime=ago(minutes=6)))
    assert isinstance(step_of(judged(owner, attachment(), nodes=(node(SECOND),))), Detach)
    assert reason_of(judged(owner, attachment(), nodes=(node(SECOND),), pods=("team/train",))) == "NodeLost"


def test_a_released_volume_follows_to_the_replacement() -> None:
    owner = claim(status=attached_status(lostTime=ago(minutes=6)))
    before = snapshot_of(owner, volume=volume(), nodes=(node(SECOND),))
    decision = decide(before)
    assert isinstance(decision, Act)
    assert isinstance(decision.step, Attach)
    assert decision.step.instance_id == SECOND
    planned = intent(before, decision)
    assert planned is not None
    assert [item.instanceId for item in planned.previousAttachments or []] == [FIRST]


@pytest.mark.parametrize(
    ("left", "why"),
    [
        ({"drained_for": "HyperPodNodeOperation team/reboot"}, "the node was drained"),
        ({"group": "spare"}, "the node is in another instance group"),
    ],
)
def test_a_volume_that_moved_on_says_why(left: dict[str, Any], why: str) -> None:
    before = snapshot_of(claim(status=attached_status()), volume=volume(), nodes=(node(FIRST, **left), node(SECOND)))
    decision = decide(before)
    assert isinstance(decision, Act)
    planned = intent(before, decision)
    assert planned is not None
    assert [item.why for item in planned.previousAttachments or []] == [why]


@pytest.mark.parametrize("trouble", [{"ready": False}, {"status": "Failure"}, {"schedulable": False}])
def test_an_ill_node_keeps_its_volume(trouble: dict[str, Any]) -> None:
    owner = claim(status=attached_status())
    assert isinstance(judged(owner, attachment(), nodes=(node(FIRST, **trouble), node(SECOND))), InSync)


def test_a_label_on_a_node_that_does_not_hold_the_volume_is_taken_off() -> None:
    step = step_of(judged(claim(status=attached_status()), attachment(), labelled=(f"hyperpod-{SECOND}",)))
    assert isinstance(step, UnlabelNode)
    assert step.node_name == f"hyperpod-{SECOND}"


@pytest.mark.parametrize("mode", ["CSI", "None"])
def test_other_modes_never_attach_or_detach(mode: str) -> None:
    owner = claim(spec(source={"create": {"availabilityZone": "us-west-2b"}}, attachment={"mode": mode}))
    tags = {"ebs.csi.aws.com/cluster": "true", "ebs.csi.aws.com/cluster-name": "ml"} if mode == "CSI" else {}
    for where in ((), (attachment(),), (attachment(SECOND),)):
        there = volume(*where, tags={**volume().tags, **tags})
        assert isinstance(decide(snapshot_of(owner, volume=there)), InSync)


LOST = (node(FIRST, status="ShuttingDown"), node(SECOND))


def lost(*, pods: tuple[str, ...] = ("team/train",), **fields: Any) -> Decision:
    """AWS has ended the node for longer than its patience, keeps the attachment, and a pod is listed as its user."""
    wanted = spec(management={"reclaimPolicy": "Delete"}, **fields.pop("spec", {}))
    owner = claim(wanted, status=attached_status(lostTime=ago(minutes=6)), **fields)
    return judged(owner, attachment(), nodes=LOST, pods=pods)


def test_a_pod_of_a_lost_node_keeps_the_volume_until_kubernetes_ends_it() -> None:
    assert reason_of(lost()) == "NodeLost"
    assert isinstance(step_of(lost(pods=())), Detach)


def test_force_delete_of_a_deleted_claim_does_not_wait_for_pods_of_a_lost_node() -> None:
    assert reason_of(lost(deleting=True)) == "InUse"
    step = step_of(lost(deleting=True, force_delete=True))
    assert isinstance(step, Detach)
    assert step.why == "AWS has terminated the node"


def test_force_delete_says_nothing_about_a_claim_that_is_not_deleted() -> None:
    assert reason_of(lost(force_delete=True)) == "NodeLost"


def test_force_delete_does_not_shorten_the_wait_for_aws_to_let_go() -> None:
    owner = claim(status=attached_status(lostTime=ago(minutes=4)), deleting=True, force_delete=True)
    wanted = replace(owner, spec=claim(spec(management={"reclaimPolicy": "Delete"})).spec)
    assert reason_of(judged(wanted, attachment(), nodes=LOST)) == "NodeLost"


def test_an_attachment_that_began_late_is_recorded_with_its_time() -> None:
    """Later passes know it by that, whatever becomes of the record of the call."""
    call = {
        "concern": "Attachment",
        "operation": "AttachClusterNodeVolume",
        "state": "Unanswered",
        "time": ago(minutes=12),
    }
    status = {**attached_status(attachTime=ago(minutes=12), state="attaching"), "operations": [call]}
    found = snapshot_of(claim(status=status), volume=volume(attachment(attach_time=NOW - timedelta(minutes=4))))
    kept = remembered(PassRecord(snapshot=found, decision=decide(found)))
    assert kept is not None
    assert (kept.state, kept.attachTime) == ("attached", ago(minutes=4))


@pytest.mark.parametrize(
    ("counts", "leaves"),
    [
        ({"workers": 2, "others": 1}, False),
        ({"workers": 1, "others": 1}, True),
        ({"workers": 1, "others": 3}, True),
        ({"others": 3}, True),
    ],
    ids=["its group counts it", "no group counts it", "another group counts more", "its group is gone"],
)
def test_only_the_own_group_counts_a_node_that_is_not_listed(counts: dict[str, int], leaves: bool) -> None:
    """AWS drops a failed node from the list before the count of its group falls."""
    known = {group.name: group for group in cluster().groups}
    groups = tuple(replace(known[name], current_count=count) for name, count in counts.items())
    decision = judged(
        claim(status=attached_status()),
        cluster=replace(cluster(), groups=groups),
        nodes=(node(SECOND), node(THIRD, "others")),
    )
    assert (not isinstance(decision, LookAgain)) is leaves


@pytest.mark.parametrize(("wanted_for", "stalled"), [(5, False), (20, True)])
def test_a_detach_without_effect_is_told_after_a_while(wanted_for: int, stalled: bool) -> None:
    suspended = wanting({"target": {"instanceGroupName": "workers"}, "suspend": True})
    step = step_of(judged(suspended, attachment()))
    status = attached_status(detachTime=ago(minutes=wanted_for))
    call = {
        "concern": "Attachment",
        "operation": "DetachClusterNodeVolume",
        "state": "Accepted",
        "time": ago(minutes=2),
    }
    status["operations"] = [{**call, "fingerprint": fingerprint(step)}]
    decision = judged(
        wanting({"target": {"instanceGroupName": "workers"}, "suspend": True}, status=status), attachment()
    )
    assert isinstance(decision, Wait)
    assert (reason_of(decision), decision.stalled) == ("Detaching", stalled)
    assert ("still reports the volume as attached" in decision.message) is stalled
