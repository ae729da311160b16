"""Gaps are sorted by what may be done about them."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    ago,
    cluster,
    group,
    group_spec,
    our_tags,
    recorded,
    resource,
    seen,
    spec,
    with_group,
)

from hyperpod_operator.api.names import TAG_ADOPTED, TAG_OWNER_UID
from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.diff import diff
from hyperpod_operator.core.observed import Observed


def changes(owner: Any = None, found: Any = None, **fields: Any) -> Changes:
    owner = owner or resource(status=recorded())
    found = cluster() if found is None else found
    return diff(resource=owner, observed=seen(owner, found, **fields), now=NOW)


def gpu(count: int = 4, **members: Any) -> dict[str, Any]:
    """A spec in which only the gpu group differs from the usual one."""
    return spec(instanceGroups=[group_spec(count=count, **members), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")])


def test_a_cluster_that_is_as_wanted_has_no_changes() -> None:
    assert changes().none
    assert changes().lines() == ()


def test_an_absent_cluster_has_no_changes() -> None:
    assert diff(resource=resource(), observed=Observed(cluster=None), now=NOW) == Changes()


def test_the_order_of_groups_and_sets_is_no_drift() -> None:
    found = cluster()
    members = {**found.members, "vpcConfig": {"securityGroupIds": ["sg-2", "sg-1"], "subnets": ["subnet-1"]}}
    assert changes(found=replace(found, groups=found.groups[::-1], members=members)).none


def test_members_that_only_aws_sets_are_no_drift() -> None:
    found = cluster()
    assert changes(found=replace(found, members={**found.members, "tieredStorageConfig": {"mode": "Enable"}})).none


def test_scaling_out_is_a_change() -> None:
    found = changes(resource(spec=gpu(6), status=recorded()))
    assert [str(item) for item in found.groups_changed] == ["instanceGroups[gpu].instanceCount: 4 -> 6"]


def test_scaling_in_after_the_spec_changed_is_a_change() -> None:
    found = changes(resource(spec=gpu(2), status=recorded()))
    assert [str(item) for item in found.groups_changed] == ["instanceGroups[gpu].instanceCount: 4 -> 2"]
    assert not found.scaled_outside


def test_a_group_that_somebody_else_scaled_out_is_held() -> None:
    grown = with_group(cluster(), group(group_spec(), target_count=8))
    found = changes(found=grown)
    assert not found.needs_update
    assert [str(item) for item in found.scaled_outside] == ["instanceGroups[gpu].instanceCount: 8 -> 4"]


@pytest.mark.parametrize("count", [5, 6, 7])
def test_an_edit_that_raises_the_count_ends_no_node_that_somebody_else_added(count: int) -> None:
    grown = with_group(cluster(), group(group_spec(), target_count=8))
    found = changes(resource(spec=gpu(count), status=recorded()), grown)
    assert found.groups_changed == ()
    assert [str(item) for item in found.scaled_outside] == [f"instanceGroups[gpu].instanceCount: 8 -> {count}"]


def test_an_edit_between_lowers_a_count_that_grew_by_nodes_that_are_known_to_have_joined() -> None:
    """The offset said that they are kept until the count is edited."""
    carried = {"value": 3, "since": ago(60), "operation": "MoveClusterNodes", "instanceCount": 4}
    groups = [{"instanceGroupName": "gpu", "appliedInstanceCount": 4, "countOffset": carried, "origin": "Created"}]
    owner = resource(spec=gpu(6), status=recorded(instanceGroups=groups))
    found = changes(owner, with_group(cluster(), group(group_spec(), target_count=7)))
    assert [str(item) for item in found.groups_changed] == ["instanceGroups[gpu].instanceCount: 7 -> 6"]


@pytest.mark.parametrize(
    ("offset", "applied", "count", "target"),
    [
        pytest.param(-2, 4, 4, 3, id="nodes-deleted-by-name"),
        pytest.param(2, 6, 4, 7, id="a-count-with-its-offset-was-sent"),
        pytest.param(2, 6, 7, 8, id="and-the-count-was-raised-since"),
    ],
)
def test_an_offset_lowers_no_count(offset: int, applied: int, count: int, target: int) -> None:
    """Nobody lowered the count of 4 that it adds to: nodes that somebody else added meanwhile stay."""
    carried = {"value": offset, "since": ago(60), "operation": "BatchDeleteClusterNodes", "instanceCount": 4}
    groups = [{"instanceGroupName": "gpu", "appliedInstanceCount": applied, "countOffset": carried}]
    owner = resource(spec=gpu(count), status=recorded(instanceGroups=groups))
    found = changes(owner, with_group(cluster(), group(group_spec(), target_count=target)))
    assert found.groups_changed == ()
    assert len(found.scaled_outside) == 1


def test_a_group_that_somebody_else_scaled_in_is_scaled_out_again() -> None:
    shrunk = with_group(cluster(), group(group_spec(), target_count=1))
    assert changes(found=shrunk).groups_changed


def test_without_a_record_scaling_in_is_held() -> None:
    owner = resource(spec=gpu(2), status=recorded(instanceGroups=[]))
    assert changes(owner).scaled_outside


@pytest.mark.parametrize("count", [1, 9])
def test_an_external_owners_count_is_never_a_change(count: int) -> None:
    owner = resource(spec=gpu(4, management={"countOwner": "External"}), status=recorded())
    moved = with_group(cluster(), group(group_spec(), target_count=count))
    assert changes(owner, moved).none


def test_karpenter_owns_the_counts_unless_the_group_says_otherwise() -> None:
    scaling = {"autoScaling": {"mode": "Enable", "autoScalerType": "Karpenter"}}
    groups = [
        group_spec(count=6),
        group_spec("cpu", 3, instanceType="ml.m5.4xlarge", management={"countOwner": "Operator"}),
    ]
    owner = resource(spec=spec(**scaling, instanceGroups=groups), status=recorded())
    found = cluster()
    found = replace(found, members={**found.members, **scaling})
    assert [item.path for item in changes(owner, found).groups_changed] == ["instanceGroups[cpu].instanceCount"]


def test_a_new_group_is_added() -> None:
    wanted = spec()
    wanted["instanceGroups"].append(group_spec("new", 1))
    assert changes(resource(spec=wanted, status=recorded())).groups_added == ("new",)


def test_a_group_that_we_created_and_that_left_the_spec_is_removed() -> None:
    owner = resource(spec=spec(instanceGroups=[group_spec()]), status=recorded())
    assert changes(owner).groups_removed == ("cpu",)


@pytest.mark.parametrize("origin", ["Adopted", "External", None])
def test_any_other_group_that_the_spec_does_not_name_is_left(origin: str | None) -> None:
    entry = {"instanceGroupName": "cpu", **({"origin": origin} if origin else {})}
    owner = resource(spec=spec(instanceGroups=[group_spec()]), status=recorded(instanceGroups=[entry]))
    found = changes(owner)
    assert found.groups_removed == ()
    assert found.unknown_groups == ("cpu",)


@pytest.mark.parametrize("recorded_origin", ["Created", "Adopted", None])
def test_no_record_removes_a_group_from_a_cluster_whose_tags_say_adopted(recorded_origin: str | None) -> None:
    owner = resource(spec=spec(instanceGroups=[group_spec()]), status=recorded(origin=recorded_origin))
    found = changes(owner, tags=our_tags(owner, **{TAG_ADOPTED: "true"}))
    assert (found.groups_removed, found.unknown_groups) == ((), ("cpu",))


def test_an_adopted_cluster_whose_tags_were_not_read_loses_no_group() -> None:
    owner = resource(spec=spec(instanceGroups=[group_spec()]), status=recorded(origin="Adopted"))
    assert changes(owner, tags=None).groups_removed == ()


def test_a_group_that_aws_is_deleting_is_not_deleted_again() -> None:
    going = with_group(cluster(), group(group_spec("cpu", 2), status="Deleting"))
    owner = resource(spec=spec(instanceGroups=[group_spec()]), status=recorded())
    assert changes(owner, going).groups_removed == ()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("instanceType", "ml.g5.xlarge"),
        ("executionRole", "arn:aws:iam::111122223333:role/other-role"),
        ("threadsPerCore", 2),
    ],
)
def test_members_that_no_call_can_change_are_told_apart(member: str, value: Any) -> None:
    found = changes(resource(spec=gpu(**{member: value}), status=recorded()))
    assert [item.path for item in found.fixed] == [f"instanceGroups[gpu].{member}"]
    assert not found.needs_update


ARN = "arn:aws:kms:us-west-2:111122223333:key/"


@pytest.mark.parametrize(
    ("asked", "shown", "differs"),
    [
        ("alias/mine", f"{ARN}1", False),
        ("1", f"{ARN}1", False),
        ("1", "arn:aws:kms:us-west-2:111122223333:alias/mine", False),
        ("1", None, False),
        ("2", f"{ARN}1", True),
        (f"{ARN}2", f"{ARN}1", True),
    ],
)
def test_a_kms_key_in_another_spelling_is_no_drift_and_another_key_is(
    asked: str, shown: str | None, differs: bool
) -> None:
    def volume(key: str | None) -> list[dict[str, Any]]:
        return [{"ebsVolumeConfig": {"volumeSizeInGB": 500} | ({"volumeKmsKeyId": key} if key else {})}]

    owner = resource(spec=gpu(instanceStorageConfigs=volume(asked)), status=recorded())
    found = changes(owner, with_group(cluster(), group(group_spec(instanceStorageConfigs=volume(shown)))))
    assert [item.path for item in found.fixed] == ["instanceGroups[gpu].instanceStorageConfigs"] * differs
    assert not found.needs_update


def test_another_vpc_cannot_be_changed() -> None:
    owner = resource(spec=spec(vpcConfig={"securityGroupIds": ["sg-1"], "subnets": ["subnet-9"]}), status=recorded())
    assert {item.path for item in changes(owner).fixed} == {"vpcConfig.securityGroupIds", "vpcConfig.subnets"}


def test_another_image_is_a_matter_for_the_software_call() -> None:
    owner = resource(spec=gpu(imageReleaseVersion="1.2.3"), status=recorded())
    found = changes(owner, with_group(cluster(), group(group_spec(imageReleaseVersion="1.2.2"))))
    assert [name for name, _ in found.software] == ["gpu"]
    assert not found.needs_update


def test_labels_are_compared_whole() -> None:
    owner = resource(spec=gpu(kubernetesConfig={"labels": {"a": "1"}}), status=recorded())
    found = changes(owner, with_group(cluster(), group(group_spec(kubernetesConfig={"labels": {"a": "1", "b": "2"}}))))
    assert [item.path for item in found.groups_changed] == ["instanceGroups[gpu].kubernetesConfig.labels"]


def test_tags_that_we_never_set_are_left() -> None:
    owner = resource(spec=spec(tags=[{"key": "team", "value": "a"}]), status=recorded(appliedTagKeys=["old"]))
    found = changes(owner, tags=our_tags(owner, foreign="x", old="y"))
    assert found.tags_set == {"team": "a"}
    assert found.tags_removed == ("old",)


def test_unread_tags_are_no_change() -> None:
    owner = resource(spec=spec(tags=[{"key": "team", "value": "a"}]), status=recorded())
    assert changes(owner, tags=None).none


def test_a_group_that_returns_while_it_goes_is_waited_for() -> None:
    """AWS still shows the old group; one of the same name is added when it is gone."""
    going = with_group(cluster(), group(group_spec("cpu", 2), target_count=0, current=2, status="Deleting"))
    found = changes(found=going)
    assert not found.needs_update
    assert not found.scaled_outside


def test_a_purchase_option_that_differs_cannot_be_changed() -> None:
    owner = resource(spec=gpu(capacityRequirements={"spot": {}}), status=recorded())
    on_demand = with_group(cluster(), group(group_spec(capacityRequirements={"onDemand": {}})))
    assert [item.path for item in changes(owner, on_demand).fixed] == ["instanceGroups[gpu].capacityRequirements.spot"]
    spot = with_group(cluster(), group(group_spec(capacityRequirements={"spot": {}})))
    assert changes(owner, spot).none


def test_the_order_of_instance_types_is_their_priority() -> None:
    def flexible(*types: str) -> dict[str, Any]:
        plain = {name: value for name, value in group_spec().items() if name != "instanceType"}
        return plain | {"instanceRequirements": {"instanceTypes": list(types)}}

    owner = resource(spec=spec(instanceGroups=[flexible("ml.p5.48xlarge", "ml.g5.xlarge")]), status=recorded())
    found = cluster(groups=(group(flexible("ml.g5.xlarge", "ml.p5.48xlarge")),))
    assert [item.path for item in changes(owner, found).groups_changed] == [
        "instanceGroups[gpu].instanceRequirements.instanceTypes"
    ]


def test_members_that_the_spec_leaves_unset_belong_to_aws() -> None:
    filled = group_spec(imageId="ami-12345678", minInstanceCount=2, onStartDeepHealthChecks=["InstanceStress"])
    assert changes(found=with_group(cluster(), group(filled))).none


def test_restricted_groups_are_named_as_such() -> None:
    rig = {name: value for name, value in group_spec("nova", 2).items() if name != "lifeCycleConfig"}
    owner = resource(spec=spec(restrictedInstanceGroups=[rig]), status=recorded())
    found = with_group(cluster(), group({**rig, "instanceCount": 1}, restricted=True))
    assert [item.path for item in changes(owner, found).groups_changed] == [
        "restrictedInstanceGroups[nova].instanceCount"
    ]


def test_ownership_tags_never_leave_with_the_users() -> None:
    owner = resource(status=recorded(appliedTagKeys=[TAG_OWNER_UID, "team"]))
    assert changes(owner, tags=our_tags(owner, team="a")).tags_removed == ("team",)


def test_every_gap_has_a_line_for_people() -> None:
    groups = [group_spec(count=6, imageReleaseVersion="1.2.4"), group_spec("new", 1)]
    owner = resource(
        spec=spec(instanceGroups=groups, nodeRecovery="None", tags=[{"key": "team", "value": "a"}]),
        status=recorded(appliedTagKeys=["old"]),
    )
    found = with_group(cluster(), group(group_spec(imageReleaseVersion="1.2.3")))
    assert changes(owner, found, tags=our_tags(owner, old="x")).lines() == (
        "nodeRecovery: Automatic -> None",
        "instanceGroups[gpu].instanceCount: 4 -> 6",
        "add group new",
        "delete group cpu",
        "instanceGroups[gpu].imageReleaseVersion: 1.2.3 -> 1.2.4",
        "tag team=a",
        "untag old",
    )
