"""CreateCluster and what DescribeCluster says while it works."""

import re

import pytest

from hyperpod_testbed.simulator import Options, Timings

ROLE = "arn:aws:iam::123456789012:role/hyperpod"


def states(answer):
    return answer["ClusterStatus"], [(one["Status"], one["CurrentCount"]) for one in answer["InstanceGroups"]]


def test_a_cluster_that_is_all_or_nothing_is_creating_until_every_instance_runs(sim, aws, cluster):
    aws.create_cluster(**cluster())
    sim.clock.advance(300)
    assert states(aws.describe_cluster(ClusterName="ml")) == ("Creating", [("Creating", 0)])
    sim.clock.advance(600)
    assert states(aws.describe_cluster(ClusterName="ml")) == ("InService", [("InService", 2)])


def test_a_continuous_cluster_is_in_service_while_its_groups_grow(sim, aws, cluster):
    aws.create_cluster(**cluster(NodeProvisioningMode="Continuous"))
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Creating"
    sim.clock.advance(130)
    answer = aws.describe_cluster(ClusterName="ml")
    assert states(answer) == ("InService", [("InService", 0)])
    assert answer["InstanceGroups"][0]["TargetCount"] == 2
    assert answer["InstanceGroups"][0]["ActiveOperations"] == {"Scaling": 1}
    sim.clock.advance(900)
    assert states(aws.describe_cluster(ClusterName="ml")) == ("InService", [("InService", 2)])


def test_the_arn_ends_in_an_id_that_is_not_the_name(aws, cluster):
    arn = aws.create_cluster(**cluster())["ClusterArn"]
    assert re.fullmatch(r"arn:aws:sagemaker:us-west-2:123456789012:cluster/[a-z0-9]{12}", arn)
    assert aws.describe_cluster(ClusterName=arn)["ClusterName"] == "ml"


def test_a_name_is_taken_once_per_region(sim, aws, cluster, connect, code):
    aws.create_cluster(**cluster())
    assert code(aws.create_cluster, **cluster())[0] == "ResourceInUse"
    connect(sim, region="eu-central-1").create_cluster(**cluster())


def test_what_the_request_left_open_is_filled_in(in_service, cluster):
    details = in_service(cluster())["InstanceGroups"][0]
    assert details["ThreadsPerCore"] == 2
    assert details["CurrentImageReleaseVersion"] == "1.0.0"
    assert "MinCount" not in details


def test_what_the_request_said_comes_back_under_the_names_of_the_details(in_service, cluster, group):
    wanted = group(
        KubernetesConfig={"Labels": {"team": "a"}, "Taints": [{"Key": "team", "Value": "a", "Effect": "NoSchedule"}]},
        InstanceStorageConfigs=[{"EbsVolumeConfig": {"VolumeSizeInGB": 500}}],
        OverrideVpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    )
    details = in_service(cluster("ml", wanted))["InstanceGroups"][0]
    assert details["LifeCycleConfig"] == wanted["LifeCycleConfig"]
    assert details["InstanceStorageConfigs"] == wanted["InstanceStorageConfigs"]
    assert details["KubernetesConfig"]["CurrentLabels"] == {"team": "a"}
    assert details["KubernetesConfig"]["DesiredTaints"] == wanted["KubernetesConfig"]["Taints"]
    assert "InstanceCount" not in details


def test_labels_are_desired_before_they_are_current(aws, cluster, group):
    aws.create_cluster(**cluster("ml", group(KubernetesConfig={"Labels": {"team": "a"}})))
    details = aws.describe_cluster(ClusterName="ml")["InstanceGroups"][0]["KubernetesConfig"]
    assert details == {"DesiredLabels": {"team": "a"}}


def test_a_flexible_group_reports_each_type(in_service, cluster, group):
    flexible = group(InstanceType=None, InstanceRequirements={"InstanceTypes": ["ml.p5.48xlarge", "ml.p4d.24xlarge"]})
    details = in_service(cluster("ml", flexible, NodeProvisioningMode="Continuous"))["InstanceGroups"][0]
    assert details["InstanceRequirements"]["DesiredInstanceTypes"] == ["ml.p5.48xlarge", "ml.p4d.24xlarge"]
    assert details["InstanceTypeDetails"][0]["CurrentCount"] == 2
    assert "InstanceType" not in details


def test_a_restricted_group_has_an_output_path_and_no_lifecycle(in_service, cluster, group):
    restricted = group(
        "nova",
        InstanceType="ml.p5.48xlarge",
        LifeCycleConfig=None,
        EnvironmentConfig={"FSxLustreConfig": {"SizeInGiB": 1200, "PerUnitStorageThroughput": 125}},
    )
    request = cluster(RestrictedInstanceGroups=[restricted], InstanceGroups=None)
    details = in_service(request)["RestrictedInstanceGroups"][0]
    assert details["EnvironmentConfig"]["S3OutputPath"].startswith("s3://sagemaker-us-west-2-123456789012/")
    assert details["CurrentCount"] == 2
    assert "LifeCycleConfig" not in details


def test_a_shortage_rolls_the_creation_back_and_leaves_it_failed(sim, aws, cluster):
    sim.world.limit_capacity("ml", "workers", 1)
    aws.create_cluster(**cluster())
    sim.clock.advance(160)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "RollingBack"
    sim.clock.advance(900)
    answer = aws.describe_cluster(ClusterName="ml")
    assert states(answer) == ("Failed", [("Failed", 0)])
    assert "sufficient capacity" in answer["FailureMessage"]


def test_a_lifecycle_script_that_fails_rolls_the_creation_back(sim, in_service, cluster):
    sim.world.fail_lifecycle("ml", "workers")
    answer = in_service(cluster(), seconds=2000)
    assert answer["ClusterStatus"] == "Failed"
    assert "Lifecycle scripts did not run successfully" in answer["FailureMessage"]


@pytest.mark.parametrize("mode", [None, "Continuous"])
def test_a_creation_can_fail_as_a_whole(sim, in_service, cluster, mode):
    sim.world.fail_creation("ml", "network misconfiguration")
    answer = in_service(cluster(NodeProvisioningMode=mode))
    assert (answer["ClusterStatus"], answer["FailureMessage"]) == ("Failed", "network misconfiguration")


def test_a_creation_succeeds_again_once_it_is_allowed(sim, aws, in_service, cluster):
    sim.world.fail_creation("ml", "network misconfiguration")
    in_service(cluster())
    aws.delete_cluster(ClusterName="ml")
    sim.clock.advance(1000)
    sim.world.allow_creation("ml")
    assert in_service(cluster())["ClusterStatus"] == "InService"


@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        ({"VpcConfig": None}, "VpcConfig is required"),
        ({"InstanceGroups": None}, "At least one of InstanceGroups"),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "reserved for system use"),
        ({"Tags": [{"Key": "x", "Value": "y"}] * 2}, "Duplicate tag key"),
        ({"AutoScaling": {"Mode": "Enable"}}, "Continuous"),
        (
            {"AutoScaling": {"Mode": "Enable"}, "NodeProvisioningMode": "Continuous", "NodeRecovery": "None"},
            "NodeRecovery Automatic",
        ),
        ({"AutoScaling": {"Mode": "Enable"}, "NodeProvisioningMode": "Continuous"}, "ClusterRole"),
    ],
)
def test_rules_of_the_cluster(aws, cluster, code, members, fragment):
    error, message = code(aws.create_cluster, **cluster(**members))
    assert error == "ValidationException"
    assert fragment in message


@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        ({"MinInstanceCount": 1}, "needs NodeProvisioningMode Continuous"),
        ({"InstanceType": None}, "exactly one of InstanceType"),
        ({"InstanceRequirements": {"InstanceTypes": ["ml.p5.48xlarge"]}}, "exactly one of InstanceType"),
        (
            {"InstanceType": None, "InstanceRequirements": {"InstanceTypes": ["ml.p5.48xlarge"]}},
            "needs NodeProvisioningMode Continuous",
        ),
        ({"InstanceType": "ml.c6g.xlarge", "ThreadsPerCore": 2}, "ThreadsPerCore"),
        ({"InstanceStorageConfigs": [{"EbsVolumeConfig": {}}]}, "needs VolumeSizeInGB"),
        ({"InstanceStorageConfigs": [{"EbsVolumeConfig": {"RootVolume": True}}]}, "VolumeKmsKeyId"),
        (
            {
                "OnStartDeepHealthChecks": ["InstanceStress"],
                "KubernetesConfig": {"Taints": [{"Key": "a", "Effect": "NoSchedule"}]},
            },
            "Custom taints cannot be added",
        ),
        ({"CapacityRequirements": {"Spot": {}, "OnDemand": {}}}, "one of Spot and OnDemand"),
        ({"ImageReleaseVersion": "9.9.9"}, "does not exist"),
        ({"SlurmConfig": {"NodeType": "Compute"}}, "SlurmConfig"),
    ],
)
def test_rules_of_a_group(aws, cluster, group, code, members, fragment):
    error, message = code(aws.create_cluster, **cluster("ml", group(**members)))
    assert error == "ValidationException"
    assert fragment in message


def test_the_minimum_is_at_most_the_count(aws, cluster, group, code):
    request = cluster("ml", group(count=2, MinInstanceCount=3), NodeProvisioningMode="Continuous")
    assert "must not be greater than InstanceCount" in code(aws.create_cluster, **request)[1]


def test_group_names_are_unique_across_both_kinds(aws, cluster, group, code):
    assert "must be unique" in code(aws.create_cluster, **cluster("ml", group(), group()))[1]


def test_a_refused_creation_leaves_nothing(aws, cluster, group, code):
    code(aws.create_cluster, **cluster("ml", group(InstanceType=None)))
    assert aws.list_clusters()["ClusterSummaries"] == []


def test_a_role_that_is_gone_cannot_be_assumed(sim, aws, cluster, code):
    sim.world.remove_role(ROLE)
    error, message = code(aws.create_cluster, **cluster())
    assert error == "ValidationException"
    assert "cannot assume the execution role" in message


@pytest.mark.parametrize(
    "options",
    [
        Options(instance_quotas={"ml.g5.8xlarge": 1}),
        Options(instances_per_cluster=1),
        Options(instances_in_total=1),
    ],
)
def test_a_quota_is_a_limit(start_simulator, connect, cluster, group, code, options):
    aws = connect(start_simulator(options=options))
    error, message = code(aws.create_cluster, **cluster())
    assert error == "ResourceLimitExceeded"
    assert "is 1 Instances" in message
    aws.create_cluster(**cluster("ml", group(count=1)))


def test_timings_are_given(start_simulator, connect, cluster):
    sim = start_simulator(timings=Timings(cluster_setup=1, allocate=1, boot=1, lifecycle_script=1))
    aws = connect(sim)
    aws.create_cluster(**cluster())
    sim.clock.advance(10)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "InService"


def test_the_same_seed_gives_the_same_ids(start_simulator, connect, cluster):
    arns = {connect(start_simulator(seed=7)).create_cluster(**cluster())["ClusterArn"] for _ in range(2)}
    assert len(arns) == 1
