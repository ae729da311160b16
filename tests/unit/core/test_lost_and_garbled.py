"""What the operator must get right when its own records are lost, garbled, or older than the world."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import (
    ARN,
    ROLE,
    action,
    ago,
    cluster,
    decision,
    group,
    group_spec,
    managed,
    our_tags,
    recorded,
    resource,
    second_look,
    seen,
    snapshot_of,
    spec,
    with_group,
)

from hyperpod_operator.api.names import TAG_ADOPTED
from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act, Decision
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord
from hyperpod_operator.core.cluster.plan import CreateCluster, DeleteCluster, DeleteTags
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.engine.decision import InSync, LookAgain, Wait
from hyperpod_operator.core.errors import CloudError, ErrorKind


def acted(owner: Any, found: Any, **fields: Any) -> tuple[Decision, Any]:
    """The decision and the status after a pass whose call, if any, was accepted."""
    snapshot = snapshot_of(owner, seen(owner, found, **fields))
    answer = decide(snapshot)
    result = None
    if isinstance(answer, Act):
        result = Accepted(action=answer.action, fingerprint=answer.fingerprint, arn="arn:new")
    return answer, report(PassRecord(snapshot=snapshot, decision=answer, result=result)).status


def two(**members: Any) -> dict[str, Any]:
    return spec(instanceGroups=[group_spec(**members), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")])


def test_an_adopted_cluster_stays_even_when_only_its_tag_remembers_the_adoption() -> None:
    owner = resource(deleting=True, status={})
    answer = decision(owner, cluster(), tags=our_tags(owner, **{TAG_ADOPTED: "true"}))
    assert isinstance(answer, Act)
    assert isinstance(answer.action, DeleteTags)


def test_an_accepted_creation_remembers_its_groups() -> None:
    _, status = acted(resource(), None)
    assert {(entry.instanceGroupName, entry.remembered.origin) for entry in status.instanceGroups} == {
        ("gpu", "Created"),
        ("cpu", "Created"),
    }


def test_a_cluster_that_is_made_anew_was_never_in_service() -> None:
    recreate = managed(onExternalDelete="Recreate")
    owner = resource(spec=recreate, status=recorded(missing={"what": "the cluster", "since": ago(16)}))
    answer, status = acted(owner, None)
    assert isinstance(answer, Act)
    assert isinstance(answer.action, CreateCluster)
    assert status.remembered.provisionedAt is None


def test_a_refused_deletion_is_tried_again() -> None:
    first = decision(resource(deleting=True, status=recorded()), cluster())
    assert isinstance(first, Act)
    rejected = {"fingerprint": first.fingerprint, "message": "no", "time": ago(4000)}
    assert isinstance(decision(resource(deleting=True, status=recorded(rejected=rejected)), cluster()), Act)


def test_a_region_that_is_not_served_any_more_does_not_let_go_of_what_may_exist() -> None:
    last = {"operation": "CreateCluster", "state": "Unanswered", "time": ago(10)}
    owner = resource(spec=spec(region="eu-west-1"), deleting=True, status={"last": last})
    assert isinstance(decide(snapshot_of(owner, seen(owner, None))), Wait)


def test_a_patch_date_that_has_passed_is_not_sent_again() -> None:
    def patching(date: str) -> dict[str, Any]:
        return {"patchingStrategy": "WhenIdle", "patchSchedule": {"nextPatchDate": date}}

    owner = resource(spec=two(count=6, autoPatchConfig=patching("2026-11-01T00:00:00Z")), status=recorded())
    found = with_group(cluster(), group(group_spec(autoPatchConfig=patching("2026-12-24T00:00:00Z"))))
    answer = decision(owner, found)
    assert isinstance(answer, Act)
    assert "patchSchedule" not in str(answer.action)


def test_a_patch_date_to_come_is_sent() -> None:
    def patching(date: str) -> dict[str, Any]:
        return {"patchingStrategy": "WhenIdle", "patchSchedule": {"nextPatchDate": date}}

    owner = resource(spec=two(autoPatchConfig=patching("2027-01-01T00:00:00Z")), status=recorded())
    found = with_group(cluster(), group(group_spec(autoPatchConfig=patching("2026-12-24T00:00:00Z"))))
    answer = decision(owner, found)
    assert isinstance(answer, Act)
    assert "2027-01-01" in str(answer.action)


def test_a_garbled_time_of_missing_is_stamped_anew() -> None:
    _, status = acted(resource(status=recorded(missing={"what": "the cluster", "since": "yesterday"})), None)
    assert status.remembered.missing.since != "yesterday"


def test_a_garbled_announcement_is_made_anew() -> None:
    owner = resource(spec=spec(management={"adoptionPolicy": "IfUnowned"}))
    _, status = acted(owner, cluster(), tags={})
    garbled = status.model_copy(update={"adoption": status.adoption.model_copy(update={"announcedAt": "soon"})})
    _, status = acted(replace(owner, status=garbled), cluster(), tags={})
    assert status.adoption.announcedAt != "soon"


def test_a_failed_look_does_not_answer_a_request_for_a_pass() -> None:
    owner = resource(status=recorded(), reconcile_requested_at="now", generation=2)
    error = CloudError(kind=ErrorKind.UNREACHABLE, operation="DescribeCluster", code="C", message="m")
    status = report(PassRecord(snapshot=snapshot_of(owner, seen(owner, None)), unread=error, failures=5)).status
    assert status.lastHandledReconcileAt is None


def test_the_default_image_under_another_name_is_no_drift() -> None:
    owner = resource(spec=two(imageId="default"), status=recorded())
    assert isinstance(decision(owner, with_group(cluster(), group(group_spec(imageId="ami-12345678")))), InSync)


def test_what_was_never_enabled_need_not_be_disabled() -> None:
    wanted = spec(tieredStorageConfig={"mode": "Disable"}, autoScaling={"mode": "Disable"})
    assert isinstance(decision(resource(spec=wanted, status=recorded()), cluster()), InSync)


@pytest.mark.parametrize("asked", ["Enable", "Disable"])
def test_settings_of_what_is_switched_off_are_no_drift(asked: str) -> None:
    """AWS may describe them, or the mode alone."""
    storage = {"mode": asked, "instanceMemoryAllocationPercentage": 20}
    scaling = {"mode": asked, "autoScalerType": "Karpenter"}
    wanted = spec(tieredStorageConfig=storage, autoScaling=scaling, clusterRole=ROLE)
    found = cluster()
    shown = {"tieredStorageConfig": {"mode": asked}, "autoScaling": {"mode": asked}, "clusterRole": ROLE}
    found = replace(found, members={**found.members, **shown})
    answer = decision(resource(spec=wanted, status=recorded()), found)
    assert isinstance(answer, InSync) is (asked == "Disable")


def test_a_refused_deletion_and_one_wrong_answer_do_not_let_go() -> None:
    last = {"operation": "DeleteCluster", "state": "Rejected", "time": ago(60)}
    answer = decision(resource(deleting=True, status=recorded(last=last)), None)
    assert isinstance(answer, LookAgain)
    assert answer.reason == "ConfirmingDeletion"


def test_a_change_that_somebody_keeps_undoing_is_made_with_growing_pauses() -> None:
    wanted = two(count=6)
    first = decision(resource(spec=wanted, status=recorded()), cluster())
    assert isinstance(first, Act)
    last = {"operation": "UpdateCluster", "state": "Applied", "time": ago(60), "fingerprint": first.fingerprint}
    assert isinstance(decision(resource(spec=wanted, status=recorded(last=last | {"attempts": 1})), cluster()), Act)
    again = decision(resource(spec=wanted, status=recorded(last=last | {"attempts": 2})), cluster())
    assert isinstance(again, Wait)
    assert again.reason == "UpdateRolledBack"


def test_the_record_of_an_adoption_counts_when_its_tag_is_gone() -> None:
    owner = resource(deleting=True, status=recorded(origin="Adopted"))
    assert isinstance(decision(owner, cluster(), tags=our_tags(owner)), LookAgain)
    assert isinstance(action(second_look(owner, cluster(), tags=our_tags(owner))), DeleteTags)


def test_the_record_of_another_cluster_says_nothing_about_this_one() -> None:
    other = recorded(origin="Adopted", clusterArn=f"{ARN}x")
    owner = resource(deleting=True, status=other)
    assert isinstance(action(second_look(owner, cluster(), tags=our_tags(owner))), DeleteCluster)


def test_a_group_that_moved_to_the_other_kind_is_told_and_not_sent() -> None:
    moved = {name: value for name, value in group_spec("cpu", 2).items() if name != "lifeCycleConfig"}
    owner = resource(spec=spec(instanceGroups=[group_spec()], restrictedInstanceGroups=[moved]), status=recorded())
    answer = decision(owner, cluster())
    assert isinstance(answer, Wait)
    assert answer.reason == "ImmutableDiffers"
    assert "instanceGroups -> restrictedInstanceGroups" in answer.message


def test_a_scale_in_counts_as_applied_only_at_rest() -> None:
    owner = resource(spec=two(count=2), status=recorded())
    going = with_group(cluster(status="Updating"), group(group_spec(), target_count=2, status="Updating", current=4))
    _, status = acted(owner, going)
    assert (
        next(
            entry for entry in status.instanceGroups if entry.instanceGroupName == "gpu"
        ).remembered.appliedInstanceCount
        == 4
    )
