"""Groups, counts and troubled nodes in status: true, remembered where not read, and bounded."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    cluster,
    group,
    group_spec,
    our_tags,
    recorded,
    resource,
    scaled,
    spec,
    told,
    with_group,
)

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus, InstanceGroupStatus
from hyperpod_operator.api.names import TAG_ADOPTED
from hyperpod_operator.core.cluster.deleted_nodes import ALL_MOST, room, within
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.observed import ObservedEvent, ObservedNode


def status(owner: Any = None, found: Any = None, **fields: Any) -> HyperPodClusterStatus:
    return report(told(owner or resource(status=recorded()), found or cluster(), **fields)).status


def entry(made: HyperPodClusterStatus, name: str = "gpu") -> InstanceGroupStatus:
    return next(item for item in made.instanceGroups or [] if item.instanceGroupName == name)


def node(number: int, state: str = "Running", **fields: Any) -> ObservedNode:
    known = {"instance_id": f"i-{number:04}", "group": "gpu", "instance_type": "ml.p5.48xlarge", **fields}
    return ObservedNode(status=state, **known)


def test_running_nodes_are_counted_when_they_were_listed() -> None:
    made = status(nodes=(node(1), node(2), node(3, "Pending"))).nodes
    assert made is not None
    assert (made.running, made.notRunning, made.current, made.target) == (2, 1, 6, 6)


def test_what_the_last_list_said_stands_while_none_is_read() -> None:
    kept = {"running": 5, "notRunning": 1}
    problem = {"instanceId": "i-1", "status": "Failure"}
    made = status(resource(status=recorded(nodes=kept, nodeProblems=[problem])))
    assert made.nodes is not None
    assert (made.nodes.running, made.nodes.notRunning) == (5, 1)
    assert [item.instanceId for item in made.nodeProblems or []] == ["i-1"]


def test_before_the_first_list_nothing_is_claimed_about_running_nodes() -> None:
    made = status().nodes
    assert made is not None
    assert (made.running, made.notRunning) == (None, None)


def test_troubled_nodes_are_listed_by_id_and_at_most_twenty() -> None:
    many = tuple(node(number, "Failure", message="x" * 5000) for number in range(50, 0, -1))
    made = status(nodes=many).nodeProblems or []
    assert [item.instanceId for item in made] == [f"i-{number:04}" for number in range(1, 21)]
    assert all(0 < len(item.message or "") <= 1024 for item in made)


def test_an_instance_that_does_not_exist_yet_is_no_troubled_node() -> None:
    assert status(nodes=(node(1, "Pending", instance_id=""),)).nodeProblems is None


def test_all_nodes_running_clears_the_list() -> None:
    before = recorded(nodeProblems=[{"instanceId": "i-1"}])
    assert status(resource(status=before), nodes=(node(1),)).nodeProblems is None


def test_the_summary_names_ten_groups_and_counts_the_rest() -> None:
    names = [f"g{number:02}" for number in range(12)]
    found = cluster(groups=tuple(group(group_spec(name, 1)) for name in reversed(names)))
    made = status(found=found).groupsSummary or ""
    assert made.startswith("g00 1/1, g01 1/1")
    assert made.endswith("g09 1/1, and 2 more")


def test_a_group_shows_what_is_wanted_and_what_is_there() -> None:
    short = with_group(cluster(), group(group_spec(), current=1))
    made = entry(status(found=short))
    assert (made.desiredCount, made.targetCount, made.currentCount) == (4, 4, 1)
    assert (made.status, made.instanceType, made.remembered.origin) == ("InService", "ml.p5.48xlarge", "Created")


def test_a_flexible_group_shows_its_first_type() -> None:
    flexible = {name: value for name, value in group_spec().items() if name != "instanceType"}
    flexible["instanceRequirements"] = {"instanceTypes": ["ml.p5.48xlarge", "ml.g5.xlarge"]}
    assert entry(status(found=with_group(cluster(), group(flexible)))).instanceType == "ml.p5.48xlarge"


def test_an_external_count_has_no_desired_one() -> None:
    groups = [group_spec(management={"countOwner": "External"}), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
    made = status(resource(spec=spec(instanceGroups=groups), status=recorded()))
    assert entry(made).desiredCount is None
    assert entry(made, "cpu").desiredCount == 2


def test_the_applied_count_is_the_specs_once_aws_holds_it() -> None:
    owner = resource(spec=scaled(6), status=recorded())
    assert entry(status(owner, cluster(wanted=scaled(6)))).remembered.appliedInstanceCount == 6


def test_the_applied_count_stands_while_aws_holds_another() -> None:
    grown = with_group(cluster(), group(group_spec(), target_count=8))
    assert entry(status(found=grown)).remembered.appliedInstanceCount == 4


@pytest.mark.parametrize(
    ("named", "tags", "origin"),
    [(True, {}, "Adopted"), (True, {TAG_ADOPTED: "true"}, "Adopted"), (False, {}, "External")],
)
def test_a_group_that_is_seen_first_gets_its_origin(named: bool, tags: dict[str, str], origin: str) -> None:
    groups = [group_spec("new", 1)] if named else []
    owner = resource(spec=spec(instanceGroups=[group_spec(), *groups]), status=recorded(instanceGroups=[]))
    found = with_group(cluster(), group(group_spec("new", 1)))
    assert entry(status(owner, found, tags=our_tags(owner, **tags)), "new").remembered.origin == origin


def test_an_origin_is_never_changed_afterwards() -> None:
    """An external group that the spec names later was still not made by us."""
    groups = [{"instanceGroupName": "gpu", "origin": "External"}, {"instanceGroupName": "cpu", "origin": "Adopted"}]
    made = status(resource(status=recorded(instanceGroups=groups)))
    assert {item.instanceGroupName: item.remembered.origin for item in made.instanceGroups or []} == {
        "gpu": "External",
        "cpu": "Adopted",
    }


def test_a_group_that_a_call_brings_in_is_recorded_with_the_call() -> None:
    wanted = spec()
    wanted["instanceGroups"].append(group_spec("new", 3))
    made = entry(status(resource(spec=wanted, status=recorded())), "new")
    assert (made.remembered.origin, made.remembered.appliedInstanceCount, made.currentCount) == ("Created", 3, None)


def test_a_group_that_is_gone_is_forgotten() -> None:
    owner = resource(spec=spec(instanceGroups=[group_spec()]), status=recorded())
    made = status(owner, cluster(groups=(group(group_spec()),)))
    assert [item.instanceGroupName for item in made.instanceGroups or []] == ["gpu"]


@pytest.mark.fault(20)
def test_five_thousand_troubled_nodes_in_two_hundred_groups_stay_below_100_kilobytes() -> None:
    names = [f"group-{number:03d}-{'x' * 50}" for number in range(200)]
    wanted = [group_spec(name, 25) for name in names]
    owner = resource(spec=spec(instanceGroups=wanted[:100]), status=recorded())
    found = cluster(groups=tuple(group(item, current=0, status="Degraded") for item in wanted))
    words = "We currently do not have sufficient capacity. " * 40
    nodes = tuple(node(number, "Failure", group=names[number % 200], message=words) for number in range(5000))
    events = tuple(ObservedEvent(event_id=name, at=NOW, level="Error", description=words, group=name) for name in names)
    made = status(owner, found, nodes=nodes, events=events)
    assert len(json.dumps(made.model_dump(mode="json", exclude_none=True))) < 100_000


def test_a_scale_out_counts_as_ours_from_the_moment_it_is_sent() -> None:
    assert entry(status(resource(spec=scaled(6), status=recorded()))).remembered.appliedInstanceCount == 6


@pytest.mark.parametrize(
    ("answer", "applied"), [(ErrorKind.UNKNOWN_OUTCOME, 6), (ErrorKind.INVALID, 4), (ErrorKind.BUSY, 4)]
)
def test_a_scale_out_without_an_answer_may_be_ours_too(answer: ErrorKind, applied: int) -> None:
    made = status(resource(spec=scaled(6), status=recorded()), answer=answer)
    assert entry(made).remembered.appliedInstanceCount == applied


def test_a_scale_in_counts_only_when_aws_shows_it() -> None:
    owner = resource(spec=scaled(2), status=recorded())
    assert entry(status(owner)).remembered.appliedInstanceCount == 4
    assert entry(status(owner, cluster(wanted=scaled(2)))).remembered.appliedInstanceCount == 2


def test_what_aws_says_of_images_and_training_plans_is_in_the_status_of_the_group() -> None:
    told_of = replace(
        group(group_spec(imageReleaseVersion="1.2.4")),
        current_image_id="ami-0123456789abcdef0",
        current_image_release_version="1.2.3",
        image_version_status="UpdateAvailable",
        training_plan_status="Active",
    )
    made = status(found=with_group(cluster(), told_of))
    gpu = entry(made)
    assert gpu.currentImageId == "ami-0123456789abcdef0"
    assert (gpu.currentImageReleaseVersion, gpu.desiredImageReleaseVersion) == ("1.2.3", "1.2.4")
    assert (gpu.imageVersionStatus, gpu.trainingPlanStatus) == ("UpdateAvailable", "Active")


def test_a_release_that_runs_is_not_said_to_be_coming() -> None:
    running = replace(group(group_spec(imageReleaseVersion="1.2.3")), current_image_release_version="1.2.3")
    made = status(found=with_group(cluster(), running)).instanceGroups or []
    assert {one.desiredImageReleaseVersion for one in made} == {None}


def test_what_aws_says_of_its_autoscaler_is_in_status() -> None:
    found = cluster(auto_scaling_status="Failed", auto_scaling_message="The role may not be assumed.")
    made = status(found=found)
    assert made.autoScaling is not None
    assert made.autoScaling.model_dump() == {"status": "Failed", "failureMessage": "The role may not be assumed."}
    assert status().autoScaling is None


def test_a_group_that_aws_deletes_is_in_the_summary_while_it_has_instances() -> None:
    def shown(current: int) -> str | None:
        leaving = group(group_spec("old", 2), status="Deleting", current=current, target_count=0)
        return status(found=cluster(groups=(group(group_spec("gpu", 4)), leaving))).groupsSummary

    assert [shown(2), shown(0)] == ["gpu 4/4, old 2/0", "gpu 4/4"]


def deleted(group_name: str, *, open_: bool, count: int = 100, minutes: int = 1) -> dict[str, Any]:
    """A group's record with so many nodes that were deleted by name."""
    time = stamp(NOW - timedelta(minutes=minutes))
    nodes = [{"instanceId": f"i-{group_name}-{number:012}", "time": time} for number in range(count)]
    named = [one | {"targetCount": 900} if open_ else one for one in nodes]
    return {"instanceGroupName": group_name, "memory": {"origin": "Created", "deletedNodes": named}}


def kept_of(made: HyperPodClusterStatus) -> dict[str, int]:
    return {one.instanceGroupName: len(one.remembered.deletedNodes or ()) for one in made.instanceGroups or []}


@pytest.mark.fault(20)
def test_a_hundred_groups_that_lose_a_hundred_nodes_each_stay_below_256_kibibytes() -> None:
    names = [f"group-{number:03d}-{'x' * 50}" for number in range(100)]
    wanted = [group_spec(name, 25) for name in names]
    records = [deleted(name, open_=False) for name in names]
    owner = resource(spec=spec(instanceGroups=wanted), status=recorded(instanceGroups=records))
    words = "We currently do not have sufficient capacity. " * 40
    found = cluster(groups=tuple(group(item, current=0, status="Degraded") for item in wanted))
    events = tuple(ObservedEvent(event_id=name, at=NOW, level="Error", description=words, group=name) for name in names)
    made = status(owner, found, events=events)
    assert sum(kept_of(made).values()) == ALL_MOST
    stored = {
        "spec": owner.spec.model_dump(exclude_none=True),
        "status": made.model_dump(mode="json", exclude_none=True),
    }
    assert len(json.dumps(stored)) < 262_144


def test_what_aws_has_not_lowered_the_count_for_stays_on_record_before_all_else() -> None:
    names = [f"group-{number:03d}" for number in range(12)]
    records = [deleted(name, open_=name == names[0], minutes=60 if name == names[0] else 1) for name in names]
    kept = within([InstanceGroupStatus.model_validate(one) for one in records], nodes=None)
    counts = [len(one.remembered.deletedNodes or ()) for one in kept]
    assert counts[0] == 100
    assert sum(counts) == ALL_MOST


@pytest.mark.parametrize(("groups", "left"), [(10, 0), (9, 100)])
def test_nodes_are_deleted_by_name_only_as_far_as_status_can_keep_them(groups: int, left: int) -> None:
    records = [deleted(f"group-{number:03d}", open_=True) for number in range(groups)]
    assert room(resource(status=recorded(instanceGroups=records))) == left
