"""UpdateCluster: when it may be called, what it may change, what it does."""

import pytest

from hyperpod_testbed.simulator import Options


def counts(answer):
    return {one["InstanceGroupName"]: one["CurrentCount"] for one in answer["InstanceGroups"]}


@pytest.fixture
def ready(in_service, cluster):
    in_service(cluster())


@pytest.fixture
def update(aws):
    def call(*groups, **members):
        if groups:
            members["InstanceGroups"] = list(groups)
        return aws.update_cluster(ClusterName="ml", **members)

    return call


@pytest.fixture
def describe(aws):
    return lambda: aws.describe_cluster(ClusterName="ml")


@pytest.mark.usefixtures("ready")
def test_scaling_makes_the_cluster_updating_until_it_is_done(sim, update, describe, group):
    update(group(count=4))
    assert (describe()["ClusterStatus"], describe()["InstanceGroups"][0]["Status"]) == ("Updating", "Updating")
    sim.clock.advance(1000)
    assert (describe()["ClusterStatus"], counts(describe())) == ("InService", {"workers": 4})


@pytest.mark.usefixtures("ready")
def test_scaling_down_terminates_the_surplus(sim, update, describe, group, aws):
    update(group(count=0))
    sim.clock.advance(35)
    assert (aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"], counts(describe())) == (
        [],
        {"workers": 2},
    )
    sim.clock.advance(300)
    assert (describe()["ClusterStatus"], counts(describe())) == ("InService", {"workers": 0})


def test_it_conflicts_while_the_cluster_is_created_or_updated(sim, aws, cluster, group, code):
    aws.create_cluster(**cluster())
    parameters = {"ClusterName": "ml", "InstanceGroups": [group(count=3)]}
    assert code(aws.update_cluster, **parameters)[0] == "ConflictException"
    sim.clock.advance(1200)
    aws.update_cluster(**parameters)
    assert code(aws.update_cluster, **parameters)[0] == "ConflictException"


def test_a_continuous_cluster_may_be_updated_while_it_scales(sim, in_service, cluster, group, update, describe):
    in_service(cluster(NodeProvisioningMode="Continuous"))
    update(group(count=5))
    assert describe()["ClusterStatus"] == "InService"
    update(group(count=3))
    sim.clock.advance(1200)
    assert counts(describe()) == {"workers": 3}


@pytest.mark.usefixtures("ready")
def test_a_failed_update_goes_back_to_the_former_state(sim, update, describe, group, aws):
    sim.world.limit_capacity("ml", "workers", 2)
    before = {node["InstanceId"] for node in aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]}
    update(group(count=4), group("more"))
    sim.clock.advance(70)
    assert describe()["ClusterStatus"] == "RollingBack"
    sim.clock.advance(1000)
    answer = describe()
    after = {node["InstanceId"] for node in aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]}
    assert (answer["ClusterStatus"], counts(answer), after) == ("InService", {"workers": 2}, before)
    assert answer["InstanceGroups"][0]["TargetCount"] == 2
    assert "sufficient capacity" in answer["FailureMessage"]


@pytest.mark.usefixtures("ready")
def test_groups_are_added_and_deleted(sim, update, describe, group):
    update(group("other", 1), InstanceGroupsToDelete=["workers"])
    sim.clock.advance(1200)
    assert counts(describe()) == {"other": 1}


def test_a_continuous_cluster_deletes_groups_beside_everything_else(sim, in_service, cluster, group, update, describe):
    in_service(cluster("ml", group(), group("old"), NodeProvisioningMode="Continuous"))
    update(InstanceGroupsToDelete=["old"])
    assert {one["InstanceGroupName"]: one["Status"] for one in describe()["InstanceGroups"]}["old"] == "Deleting"
    sim.clock.advance(400)
    assert counts(describe()) == {"workers": 2}


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        ({"InstanceType": "ml.p5.48xlarge"}, "InstanceType"),
        ({"ExecutionRole": "arn:aws:iam::123456789012:role/other"}, "ExecutionRole"),
        ({"ThreadsPerCore": 1}, "ThreadsPerCore"),
        ({"OverrideVpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}}, "OverrideVpcConfig"),
        ({"InstanceStorageConfigs": [{"EbsVolumeConfig": {"VolumeSizeInGB": 9}}]}, "InstanceStorageConfigs"),
        ({"CapacityRequirements": {"OnDemand": {}}}, "CapacityRequirements"),
        (
            {"InstanceType": None, "InstanceRequirements": {"InstanceTypes": ["ml.p5.48xlarge"]}},
            "cannot change between InstanceType and InstanceRequirements",
        ),
    ],
)
def test_some_members_of_a_group_never_change(update, group, code, members, fragment):
    error, message = code(update, InstanceGroups=[group(**members)])
    assert error == "ValidationException"
    assert fragment in message


@pytest.mark.usefixtures("ready")
def test_what_the_server_filled_in_may_be_sent_back(update, group):
    update(group(ThreadsPerCore=2))


@pytest.mark.usefixtures("ready")
def test_other_members_of_a_group_change(sim, update, describe, group):
    update(group(LifeCycleConfig={"SourceS3Uri": "s3://sagemaker-new/", "OnCreate": "new.sh"}))
    sim.clock.advance(100)
    assert describe()["InstanceGroups"][0]["LifeCycleConfig"]["OnCreate"] == "new.sh"


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        ({"InstanceGroupsToDelete": ["workers"]}, "At least one instance group must remain"),
        ({"InstanceGroupsToDelete": ["nobody"]}, "does not exist"),
        ({"Orchestrator": {"Eks": {"ClusterArn": "arn:aws:eks:us-west-2:123456789012:cluster/new"}}}, "Orchestrator"),
        ({"AutoScaling": {"Mode": "Enable"}}, "Continuous"),
    ],
)
def test_rules_of_the_cluster(update, code, members, fragment):
    error, message = code(update, **members)
    assert error == "ValidationException"
    assert fragment in message


@pytest.mark.usefixtures("ready")
def test_a_group_is_not_both_kept_and_deleted(update, group, code):
    assert "both" in code(update, InstanceGroups=[group()], InstanceGroupsToDelete=["workers"])[1]


def test_a_type_with_nodes_stays_in_a_flexible_group(in_service, cluster, group, update, code):
    def flexible(*types):
        return group(InstanceType=None, InstanceRequirements={"InstanceTypes": list(types)})

    in_service(cluster("ml", flexible("ml.p5.48xlarge", "ml.p4d.24xlarge"), NodeProvisioningMode="Continuous"))
    assert "has active nodes" in code(update, InstanceGroups=[flexible("ml.p4d.24xlarge")])[1]
    update(flexible("ml.p5.48xlarge"))


def test_the_cluster_role_is_fixed_while_autoscaling(in_service, cluster, group, update, code):
    request = cluster(
        "ml",
        group(count=0),
        NodeProvisioningMode="Continuous",
        AutoScaling={"Mode": "Enable", "AutoScalerType": "Karpenter"},
        ClusterRole="arn:aws:iam::123456789012:role/karpenter",
    )
    assert in_service(request)["AutoScaling"]["Status"] == "InService"
    assert "ClusterRole" in code(update, ClusterRole="arn:aws:iam::123456789012:role/another")[1]


@pytest.mark.usefixtures("ready")
def test_omitted_groups_stay_by_default(sim, update, describe, group):
    update(group("second", 1))
    sim.clock.advance(1200)
    assert counts(describe()) == {"workers": 2, "second": 1}


@pytest.mark.usefixtures("ready")
def test_the_quota_counts_the_whole_cluster(sim, update, group, code):
    sim.settings.set_options(instances_per_cluster=3)
    assert code(update, InstanceGroups=[group("second", 2)])[0] == "ResourceLimitExceeded"
    update(group("second", 1))


@pytest.mark.usefixtures("ready")
def test_an_old_cluster_deletes_no_groups_before_it_is_patched(sim, update, group, code):
    sim.world.age_cluster("ml")
    assert "UpdateClusterSoftware" in code(update, InstanceGroups=[group("b")], InstanceGroupsToDelete=["workers"])[1]


def test_a_failed_cluster_is_mended_by_an_update(sim, in_service, cluster, group, update, describe):
    sim.world.limit_capacity("ml", "workers", 0)
    assert in_service(cluster(), seconds=2000)["ClusterStatus"] == "Failed"
    sim.world.restore_capacity("ml", "workers")
    update(group())
    sim.clock.advance(1200)
    assert (describe()["ClusterStatus"], counts(describe())) == ("InService", {"workers": 2})


def test_a_deep_health_check_in_progress_refuses_it(in_service, cluster, group, update, code):
    in_service(cluster("ml", group(OnStartDeepHealthChecks=["InstanceStress"])))
    error, message = code(update, InstanceGroups=[group(count=3)])
    assert error == "ValidationException"
    assert "deep health checks are in progress" in message


def test_a_missing_cluster_is_not_found(aws, group, code):
    assert code(aws.update_cluster, ClusterName="nobody", InstanceGroups=[group()])[0] == "ResourceNotFound"


def test_an_update_that_failed_may_end_failed(start_simulator, connect, cluster, group):
    sim = start_simulator(options=Options(failed_update_ends="Failed"))
    aws = connect(sim)
    aws.create_cluster(**cluster())
    sim.clock.advance(1200)
    sim.world.limit_capacity("ml", "workers", 2)
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=3)])
    sim.clock.advance(1200)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Failed"
