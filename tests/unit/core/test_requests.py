"""What is sent: every group that stays in full, groups that go by name, nothing that is not ours to say."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import EKS, NOW, cluster, group, group_spec, recorded, resource, seen, spec, with_group

from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.diff import FIXED_GROUP_MEMBERS, diff
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.observed import ObservedCluster


def update(owner: Resource, found: ObservedCluster) -> dict[str, Any]:
    changes = diff(resource=owner, observed=seen(owner, found), now=NOW)
    return dict(requests.update(resource=owner, cluster=found, changes=changes).request)


def sent(request: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in request["instanceGroups"] if item["instanceGroupName"] == name)


def scaled(count: int = 6) -> Resource:
    groups = [group_spec(count=count), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
    return resource(spec=spec(instanceGroups=groups), status=recorded())


def test_create_carries_the_spec_and_our_tags_and_nothing_of_ours_else() -> None:
    owner = resource(
        spec=spec(tags=[{"key": "team", "value": "a"}], management={"deletionPolicy": "Retain"}, region="us-west-2")
    )
    request = requests.create(owner).request
    tags = {tag["key"]: tag["value"] for tag in request["tags"]}
    assert tags == {"team": "a", TAG_OWNER_UID: "uid-1", TAG_OWNER: "team/research", TAG_EKS_CLUSTER: EKS}
    assert request["clusterName"] == "research"
    assert "management" not in request
    assert "region" not in request


def test_a_kept_group_is_sent_in_full_with_what_aws_filled_in() -> None:
    request = update(scaled(), cluster())
    assert sent(request, "gpu") == {**group_spec(count=6), "threadsPerCore": 1}
    assert sent(request, "cpu") == {**group_spec("cpu", 2, instanceType="ml.m5.4xlarge"), "threadsPerCore": 1}
    assert "instanceGroupsToDelete" not in request


def test_a_foreign_group_is_sent_as_it_is() -> None:
    foreign = group(group_spec("theirs", 7, instanceType="ml.g5.xlarge"))
    request = update(scaled(), with_group(cluster(), foreign))
    assert sent(request, "theirs")["instanceCount"] == 7


def test_a_removed_group_is_named_for_deletion_and_not_sent() -> None:
    owner = resource(spec=spec(instanceGroups=[group_spec()]), status=recorded())
    request = update(owner, cluster())
    assert request["instanceGroupsToDelete"] == ["cpu"]
    assert [item["instanceGroupName"] for item in request["instanceGroups"]] == ["gpu"]


ROLE = "arn:aws:iam::111122223333:role/hyperpod-execution"
PLAN = "arn:aws:sagemaker:us-west-2:111122223333:training-plan/p5-winter"
KEY = "11112222-3333-4444-5555-666677778888"
FSX = {"fsxLustreConfig": {"dnsName": "fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com", "mountName": "m"}}
OTHERWISE: dict[str, tuple[Any, Any]] = {
    "instanceType": ("ml.p5.48xlarge", "ml.p5.48xlarge"),
    "executionRole": (ROLE, ROLE),
    "threadsPerCore": (1, 1),
    "trainingPlanArn": (PLAN, PLAN),
    "capacityRequirements": ({"spot": {}}, {"spot": {}}),
    "overrideVpcConfig": (
        {"securityGroupIds": ["sg-2", "sg-1"], "subnets": ["subnet-2", "subnet-1"]},
        {"securityGroupIds": ["sg-1", "sg-2"], "subnets": ["subnet-1", "subnet-2"]},
    ),
    "instanceStorageConfigs": (
        [FSX, {"ebsVolumeConfig": {"volumeSizeInGB": 500, "volumeKmsKeyId": "alias/disks"}}],
        [
            {
                "ebsVolumeConfig": {
                    "volumeSizeInGB": 500,
                    "volumeKmsKeyId": f"arn:aws:kms:us-west-2:111122223333:key/{KEY}",
                }
            },
            FSX,
        ],
    ),
}
"""By member: one wish, and another way in which AWS may show the same."""


@pytest.mark.parametrize("member", sorted(FIXED_GROUP_MEMBERS))
def test_what_cannot_be_changed_is_repeated_as_aws_has_it(member: str) -> None:
    asked, held = OTHERWISE[member]
    groups = [group_spec(count=6, **{member: asked}), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
    owner = resource(spec=spec(instanceGroups=groups), status=recorded())
    shown = group({name: value for name, value in group_spec().items() if name != member})
    found = with_group(cluster(), replace(shown, members={**shown.members, member: held}))
    assert diff(resource=owner, observed=seen(owner, found), now=NOW).fixed == ()
    kept = sent(update(owner, found), "gpu")
    assert (kept["instanceCount"], kept.get(member)) == (6, held)


def test_a_count_that_is_held_or_external_is_repeated_as_aws_has_it() -> None:
    grown = with_group(cluster(), group(group_spec("cpu", 2, instanceType="ml.m5.4xlarge"), target_count=9))
    assert sent(update(scaled(), grown), "cpu")["instanceCount"] == 9


def test_an_image_that_aws_chose_does_not_become_a_pin() -> None:
    chosen = with_group(cluster(), group(group_spec(imageId="ami-12345678", imageReleaseVersion="1.0.0")))
    kept = sent(update(scaled(), chosen), "gpu")
    assert "imageId" not in kept
    assert "imageReleaseVersion" not in kept


def test_a_pinned_image_is_repeated_as_it_is_so_that_update_never_patches() -> None:
    groups = [group_spec(count=6, imageReleaseVersion="1.2.3"), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
    owner = resource(spec=spec(instanceGroups=groups), status=recorded())
    found = with_group(cluster(), group(group_spec(imageReleaseVersion="1.2.2")))
    assert sent(update(owner, found), "gpu")["imageReleaseVersion"] == "1.2.2"


def test_the_patch_date_that_hyperpod_plans_is_not_sent_back() -> None:
    patching = {"patchingStrategy": "WhenIdle", "patchSchedule": {"nextPatchDate": "2026-12-01T00:00:00+00:00"}}
    found = with_group(cluster(), group(group_spec(autoPatchConfig=patching)))
    assert sent(update(scaled(), found), "gpu")["autoPatchConfig"] == {"patchingStrategy": "WhenIdle"}


def test_only_cluster_members_that_differ_are_sent() -> None:
    owner = resource(
        spec=spec(nodeRecovery="None", clusterRole="arn:aws:iam::111122223333:role/cluster"), status=recorded()
    )
    found = cluster()
    found = replace(found, members={**found.members, "clusterRole": "arn:aws:iam::111122223333:role/cluster"})
    request = update(owner, found)
    assert request["nodeRecovery"] == "None"
    assert "clusterRole" not in request


def test_restricted_groups_go_under_their_own_name() -> None:
    rig = {
        "instanceGroupName": "nova",
        "instanceCount": 2,
        "instanceType": "ml.p5.48xlarge",
        "executionRole": "arn:aws:iam::111122223333:role/hyperpod-execution",
    }
    owner = resource(spec=spec(restrictedInstanceGroups=[rig]), status=recorded())
    found = with_group(cluster(), group({**rig, "instanceCount": 1}, restricted=True))
    request = update(owner, found)
    assert [item["instanceCount"] for item in request["restrictedInstanceGroups"]] == [2]
    assert len(request["instanceGroups"]) == 2


def test_software_calls_name_their_groups_and_share_only_what_is_equal() -> None:
    rolling = {"rollingUpdatePolicy": {"maximumBatchSize": {"type": "INSTANCE_COUNT", "value": 1}}}
    schedule = {"scheduleExpression": "cron(0 4 ? * SUN *)", "deploymentConfig": rolling}
    groups = [
        group_spec("a", 1, imageReleaseVersion="2.0.0"),
        group_spec("b", 1, imageReleaseVersion="3.0.0"),
        group_spec("c", 1, imageReleaseVersion="2.0.0", scheduledUpdateConfig=schedule),
    ]
    owner = resource(spec=spec(instanceGroups=groups), status=recorded())
    found = cluster(groups=tuple(group({**item, "imageReleaseVersion": "1.0.0"}) for item in groups))
    changes = diff(resource=owner, observed=seen(owner, found), now=NOW)
    first = requests.update_software(resource=owner, cluster=found, changes=changes).request
    assert first["instanceGroups"] == [
        {"instanceGroupName": "a", "imageReleaseVersion": "2.0.0"},
        {"instanceGroupName": "b", "imageReleaseVersion": "3.0.0"},
    ]
    assert "deploymentConfig" not in first


def test_a_patch_date_that_the_user_names_is_sent() -> None:
    def patching(date: str) -> dict[str, Any]:
        return {"patchingStrategy": "WhenIdle", "patchSchedule": {"nextPatchDate": date}}

    wanted = group_spec(autoPatchConfig=patching("2026-12-24T00:00:00Z"))
    owner = resource(
        spec=spec(instanceGroups=[wanted, group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]), status=recorded()
    )
    found = with_group(cluster(), group(group_spec(autoPatchConfig=patching("2026-12-01T00:00:00+00:00"))))
    assert sent(update(owner, found), "gpu")["autoPatchConfig"] == patching("2026-12-24T00:00:00Z")


def test_a_group_that_aws_is_deleting_is_not_sent() -> None:
    going = with_group(cluster(), group(group_spec("theirs", 1), status="Deleting"))
    request = update(scaled(), going)
    assert {item["instanceGroupName"] for item in request["instanceGroups"]} == {"gpu", "cpu"}
    assert "instanceGroupsToDelete" not in request


def test_a_new_group_is_sent_as_the_spec_has_it() -> None:
    wanted = spec()
    wanted["instanceGroups"].append(group_spec("new", 3, management={"countOwner": "External"}))
    request = update(resource(spec=wanted, status=recorded()), cluster())
    assert sent(request, "new") == group_spec("new", 3)


def test_an_update_never_carries_what_is_ours_or_cannot_be_updated() -> None:
    owner = resource(
        spec=spec(nodeRecovery="None", management={"deletionPolicy": "Retain"}, tags=[{"key": "a", "value": "b"}]),
        status=recorded(),
    )
    assert set(update(owner, cluster())) == {"clusterName", "nodeRecovery", "instanceGroups"}


def test_a_changed_structure_is_sent_whole() -> None:
    owner = resource(spec=spec(tieredStorageConfig={"mode": "Enable"}), status=recorded())
    stored = {"mode": "Disable", "instanceMemoryAllocationPercentage": 20}
    found = cluster()
    found = replace(found, members={**found.members, "tieredStorageConfig": stored})
    assert update(owner, found)["tieredStorageConfig"] == {"mode": "Enable", "instanceMemoryAllocationPercentage": 20}


def test_an_image_of_ones_own_gets_a_call_of_its_own() -> None:
    groups = [group_spec("a", 1, imageId="ami-11111111"), group_spec("b", 1, imageReleaseVersion="2.0.0")]
    owner = resource(spec=spec(instanceGroups=groups), status=recorded())
    old = {"imageId": "ami-00000000", "imageReleaseVersion": "1.0.0"}
    found = cluster(groups=tuple(group({**item, **old}) for item in groups))
    changes = diff(resource=owner, observed=seen(owner, found), now=NOW)
    request = requests.update_software(resource=owner, cluster=found, changes=changes).request
    assert request == {
        "clusterName": "research",
        "instanceGroups": [{"instanceGroupName": "a"}],
        "imageId": "ami-11111111",
    }


def test_a_patch_date_that_the_spec_pins_is_repeated_beside_another_edit() -> None:
    def patching(date: str) -> dict[str, Any]:
        return {"patchingStrategy": "WhenIdle", "patchSchedule": {"nextPatchDate": date}}

    wanted = group_spec(count=6, autoPatchConfig=patching("2026-12-24T00:00:00Z"))
    owner = resource(
        spec=spec(instanceGroups=[wanted, group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]), status=recorded()
    )
    found = with_group(cluster(), group(group_spec(autoPatchConfig=patching("2026-12-24T00:00:00+00:00"))))
    made = sent(update(owner, found), "gpu")
    assert made["instanceCount"] == 6
    assert made["autoPatchConfig"] == patching("2026-12-24T00:00:00Z")


def test_a_minimum_that_the_spec_names_no_more_does_not_stand_in_the_way_of_a_lower_count() -> None:
    found = with_group(cluster(), group(group_spec(count=8, minInstanceCount=8), current=8))
    status = recorded(instanceGroups=[{"instanceGroupName": "gpu", "origin": "Created", "appliedInstanceCount": 8}])
    groups = [group_spec(count=5), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
    made = sent(update(resource(spec=spec(instanceGroups=groups), status=status), found), "gpu")
    assert (made["instanceCount"], made["minInstanceCount"]) == (5, 5)


def test_what_an_update_replaces_is_the_same_in_whatever_order_aws_lists_it() -> None:
    override = {"subnets": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1", "sg-2"]}
    turned = {"subnets": ["subnet-2", "subnet-1"], "securityGroupIds": ["sg-2", "sg-1"]}
    one = cluster(groups=(group(group_spec("a", overrideVpcConfig=override)), group(group_spec("b"))))
    other = cluster(groups=(group(group_spec("b")), group(group_spec("a", overrideVpcConfig=turned))))
    assert requests.replaced(one, counts=frozenset()) == requests.replaced(other, counts=frozenset())


def test_what_an_update_replaces_is_another_with_another_count_or_member() -> None:
    found, counts = cluster(), frozenset({"cpu"})
    before = requests.replaced(found, counts=counts)
    assert requests.replaced(with_group(found, group(group_spec(count=9))), counts=counts) != before
    assert requests.replaced(with_group(found, group(group_spec(threadsPerCore=2))), counts=counts) != before
    assert requests.replaced(replace(found, groups=found.groups[:1]), counts=counts) != before
    other = group(group_spec("cpu", 9, instanceType="ml.m5.4xlarge"))
    assert requests.replaced(with_group(found, other), counts=counts) == before
