"""UpdateClusterSoftware and deep health checks."""

import pytest


@pytest.fixture
def details(aws):
    return lambda: aws.describe_cluster(ClusterName="ml")["InstanceGroups"][0]


@pytest.fixture
def ready(sim, in_service, cluster, group):
    in_service(cluster("ml", group(count=4)))
    sim.world.release_image("1.1.0")


@pytest.fixture
def statuses(aws):
    def find():
        nodes = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]
        return sorted(node["InstanceStatus"]["Status"] for node in nodes)

    return find


@pytest.mark.usefixtures("ready")
def test_a_software_update_brings_every_node_to_the_newest_image(sim, aws, details):
    assert details()["ImageVersionStatus"] == "UpdateAvailable"
    aws.update_cluster_software(ClusterName="ml")
    assert (aws.describe_cluster(ClusterName="ml")["ClusterStatus"], details()["Status"]) == ("Updating",) * 2
    assert details()["SoftwareUpdateStatus"] == "Pending"
    sim.clock.advance(1000)
    after = details()
    assert (after["SoftwareUpdateStatus"], after["TargetStateCount"]) == ("Succeeded", 4)
    assert (after["CurrentImageReleaseVersion"], after["ImageVersionStatus"]) == ("1.1.0", "UpToDate")
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "InService"


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("size", [{"Type": "INSTANCE_COUNT", "Value": 1}, {"Type": "CAPACITY_PERCENTAGE", "Value": 25}])
def test_a_rolling_update_takes_one_batch_at_a_time(sim, aws, details, statuses, size):
    deployment = {"RollingUpdatePolicy": {"MaximumBatchSize": size}, "WaitIntervalInSeconds": 100}
    aws.update_cluster_software(ClusterName="ml", DeploymentConfig=deployment)
    sim.clock.advance(40)
    assert statuses() == ["Running"] * 3 + ["SystemUpdating"]
    assert details()["ActiveSoftwareUpdateConfig"]["WaitIntervalInSeconds"] == 100
    sim.clock.advance(620)
    assert (details()["TargetStateCount"], statuses()) == (1, ["Running"] * 4)
    sim.clock.advance(4000)
    assert details()["SoftwareUpdateStatus"] == "Succeeded"


@pytest.mark.usefixtures("ready")
def test_a_failed_software_update_rolls_back(sim, aws, details):
    sim.world.fail_software_update("ml", "workers")
    deployment = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 2}}}
    aws.update_cluster_software(ClusterName="ml", DeploymentConfig=deployment)
    sim.clock.advance(1000)
    assert details()["SoftwareUpdateStatus"] == "InProgress"
    sim.clock.advance(800)
    during = details()
    assert (during["SoftwareUpdateStatus"], during["DesiredImageReleaseVersion"]) == ("RollbackInProgress", "1.0.0")
    sim.clock.advance(2000)
    after = details()
    assert (after["SoftwareUpdateStatus"], after["CurrentImageReleaseVersion"]) == ("Failed", "1.0.0")


@pytest.mark.usefixtures("ready")
def test_a_software_update_conflicts_with_another(aws, code):
    aws.update_cluster_software(ClusterName="ml")
    assert code(aws.update_cluster_software, ClusterName="ml")[0] == "ConflictException"


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    "item", [{"InstanceGroupName": "nobody"}, {"InstanceGroupName": "workers", "ImageReleaseVersion": "9.9.9"}]
)
def test_a_software_update_names_what_exists(aws, code, item):
    error, message = code(aws.update_cluster_software, ClusterName="ml", InstanceGroups=[item])
    assert (error, "does not exist" in message) == ("ValidationException", True)


def test_a_custom_image_needs_an_image_id(in_service, aws, cluster, group, code):
    in_service(cluster("ml", group(ImageId="ami-0123456789abcdef0")))
    assert "ImageId" in code(aws.update_cluster_software, ClusterName="ml")[1]
    aws.update_cluster_software(ClusterName="ml", ImageId="default")


def test_nodes_are_checked_when_they_start(sim, in_service, cluster, group, statuses, aws):
    in_service(cluster("ml", group(OnStartDeepHealthChecks=["InstanceStress"])))
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "InService"
    assert statuses() == ["DeepHealthCheckInProgress"] * 2
    sim.clock.advance(6000)
    assert statuses() == ["Running"] * 2


def test_cpu_nodes_are_not_checked(in_service, cluster, group, statuses):
    in_service(cluster("ml", group(InstanceType="ml.m5.xlarge", OnStartDeepHealthChecks=["InstanceStress"])))
    assert statuses() == ["Running"] * 2


@pytest.mark.parametrize(("recovery", "expected"), [("Automatic", "Running"), ("None", "Failure")])
def test_a_node_that_fails_its_check_is_replaced_unless_recovery_is_off(
    sim, in_service, cluster, group, statuses, recovery, expected
):
    sim.world.fail_deep_health_check("ml", "workers", 1)
    checked = group(OnStartDeepHealthChecks=["InstanceStress"])
    in_service(cluster("ml", checked, NodeRecovery=recovery))
    sim.clock.advance(20000)
    assert statuses() == sorted(["Running", expected])


@pytest.mark.usefixtures("ready")
def test_a_health_check_on_demand_is_an_operation(sim, aws, statuses):
    node = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]["InstanceId"]
    wanted = {
        "InstanceGroupName": "workers",
        "InstanceIds": [node],
        "DeepHealthChecks": ["InstanceStress"],
    }
    aws.start_cluster_health_check(ClusterName="ml", DeepHealthCheckConfigurations=[wanted])
    assert statuses() == ["DeepHealthCheckInProgress"] + ["Running"] * 3
    item = aws.list_cluster_operations(ClusterName="ml", Type="DeepHealthCheck")["ClusterOperationSummaries"][0]
    found = aws.describe_cluster_operation(ClusterName="ml", OperationId=item["OperationId"])
    assert (found["Status"], found["DeepHealthCheckDetails"]) == ("InProgress", [wanted])
    sim.clock.advance(6000)
    found = aws.describe_cluster_operation(ClusterName="ml", OperationId=item["OperationId"])
    assert (found["Status"], statuses()) == ("Done", ["Running"] * 4)


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"InstanceGroupName": "nobody"}, "ValidationException"),
        ({"InstanceGroupName": "workers", "InstanceIds": ["i-0000000000000dead"]}, "ResourceNotFound"),
    ],
)
def test_a_health_check_names_what_exists(aws, code, wanted, expected):
    item = {**wanted, "DeepHealthChecks": ["InstanceStress"]}
    refused = code(aws.start_cluster_health_check, ClusterName="ml", DeepHealthCheckConfigurations=[item])
    assert refused[0] == expected
