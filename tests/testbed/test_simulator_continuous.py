"""Continuous provisioning: partial capacity, retries, MinCount, operations, events."""

import pytest


@pytest.fixture
def details(aws):
    return lambda: aws.describe_cluster(ClusterName="ml")["InstanceGroups"][0]


@pytest.fixture
def continuous(cluster, group):
    return lambda **members: cluster("ml", group(**members), NodeProvisioningMode="Continuous")


def test_what_capacity_there_is_comes_and_the_rest_is_tried_again(sim, in_service, continuous, details):
    sim.world.limit_capacity("ml", "workers", 1)
    in_service(continuous(count=3))
    assert (details()["CurrentCount"], details()["TargetCount"], details()["Status"]) == (1, 3, "InService")
    sim.world.restore_capacity("ml", "workers")
    sim.clock.advance(1200)
    assert details()["CurrentCount"] == 3


def test_a_failed_lifecycle_script_degrades_the_group_until_it_works(sim, in_service, aws, continuous, details):
    sim.settings.set_options(failed_nodes="listed")
    sim.world.fail_lifecycle("ml", "workers")
    in_service(continuous(count=1), seconds=760)
    assert (details()["CurrentCount"], details()["Status"]) == (0, "Degraded")
    node = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]
    assert node["InstanceStatus"]["Status"] == "Failure"
    sim.world.restore_lifecycle("ml", "workers")
    sim.clock.advance(2000)
    assert (details()["CurrentCount"], details()["Status"]) == (1, "InService")


def test_a_group_is_creating_until_its_minimum_is_met(sim, in_service, continuous, details):
    in_service(continuous(count=2, MinInstanceCount=2), seconds=300)
    assert (details()["Status"], details()["MinCount"]) == ("Creating", 2)
    sim.clock.advance(600)
    assert details()["Status"] == "InService"


def test_a_new_group_that_misses_its_minimum_for_three_hours_goes_back_to_nothing(sim, in_service, continuous, details):
    sim.world.limit_capacity("ml", "workers", 1)
    in_service(continuous(count=2, MinInstanceCount=2), seconds=2.9 * 3600)
    assert details()["Status"] == "Creating"
    sim.clock.advance(0.3 * 3600)
    group = details()
    assert (group["Status"], group["TargetCount"], group["MinCount"]) == ("InService", 0, 0)
    assert group["CurrentCount"] == 0


def test_a_changed_group_that_misses_its_minimum_goes_back_to_what_it_was(
    sim, aws, in_service, continuous, details, group
):
    in_service(continuous(count=2, MinInstanceCount=1))
    sim.world.limit_capacity("ml", "workers", 3)
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=5, MinInstanceCount=4)])
    sim.clock.advance(1200)
    assert (details()["Status"], details()["CurrentCount"]) == ("Updating", 3)
    sim.clock.advance(3 * 3600)
    after = details()
    assert (after["Status"], after["TargetCount"], after["MinCount"], after["CurrentCount"]) == ("InService", 2, 1, 2)


def test_a_later_dip_below_the_minimum_is_normal(sim, aws, in_service, continuous, details):
    in_service(continuous(count=2, MinInstanceCount=2))
    node = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]["InstanceId"]
    aws.batch_replace_cluster_nodes(ClusterName="ml", NodeIds=[node])
    sim.clock.advance(10)
    assert (details()["CurrentCount"], details()["Status"]) == (1, "InService")


def test_scaling_is_an_operation_with_the_counts_before_and_after(sim, aws, in_service, continuous, group):
    in_service(continuous(count=1))
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=3)])
    newest = aws.list_cluster_operations(ClusterName="ml")["ClusterOperationSummaries"][0]
    assert (newest["Type"], newest["Status"]) == ("Scaling", "InProgress")
    scaling = aws.describe_cluster_operation(ClusterName="ml", OperationId=newest["OperationId"])["ScalingDetails"]
    assert (scaling[0]["Original"]["TargetCount"], scaling[0]["Desired"]["TargetCount"]) == (1, 3)
    sim.clock.advance(1200)
    done = aws.list_cluster_operations(ClusterName="ml", Status="Done")["ClusterOperationSummaries"]
    assert newest["OperationId"] in {item["OperationId"] for item in done}


def test_a_scaling_is_superseded_by_the_next_of_its_group(aws, in_service, continuous, group):
    in_service(continuous(count=1))
    for count in (3, 4):
        aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=count)])
    found = aws.list_cluster_operations(ClusterName="ml")["ClusterOperationSummaries"]
    assert [item["Status"] for item in found][:2] == ["InProgress", "Superseded"]


def test_events_come_newest_first_and_can_be_filtered(sim, aws, in_service, continuous):
    sim.world.limit_capacity("ml", "workers", 0)
    in_service(continuous(count=1))
    events = aws.list_cluster_events(ClusterName="ml")["Events"]
    times = [event["EventTime"] for event in events]
    assert times == sorted(times, reverse=True)
    failures = aws.list_cluster_events(ClusterName="ml", ResourceType="Instance")["Events"]
    assert failures[0]["Description"] == "Failed to provision EC2 Instance in Cluster ml and InstanceGroup workers"
    assert failures[0]["EventLevel"] == "Error"


def test_an_event_has_details(sim, aws, in_service, continuous):
    sim.world.limit_capacity("ml", "workers", 0)
    in_service(continuous(count=1))
    event = aws.list_cluster_events(ClusterName="ml", ResourceType="Instance")["Events"][0]
    found = aws.describe_cluster_event(ClusterName="ml", EventId=event["EventId"])["EventDetails"]
    assert "sufficient capacity" in found["EventDetails"]["EventMetadata"]["Instance"]["FailureMessage"]


def test_unknown_events_and_operations_are_not_found(aws, in_service, continuous, code):
    in_service(continuous())
    unknown = "00000000-0000-4000-8000-000000000000"
    assert code(aws.describe_cluster_event, ClusterName="ml", EventId=unknown)[0] == "ResourceNotFound"
    assert code(aws.describe_cluster_operation, ClusterName="ml", OperationId=unknown)[0] == "ResourceNotFound"


def test_continuous_can_be_switched_on_and_not_off(sim, aws, in_service, cluster, group):
    in_service(cluster())
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=3)], NodeProvisioningMode="Continuous")
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "InService"
    sim.clock.advance(1200)
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=2)])
    assert aws.describe_cluster(ClusterName="ml")["NodeProvisioningMode"] == "Continuous"


def test_an_execution_role_that_vanishes_stops_new_nodes(sim, aws, in_service, continuous, details, group):
    in_service(continuous(count=1))
    sim.world.remove_role("arn:aws:iam::123456789012:role/hyperpod")
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=2)])
    sim.clock.advance(1200)
    assert details()["CurrentCount"] == 1
    sim.world.restore_role("arn:aws:iam::123456789012:role/hyperpod")
    sim.clock.advance(1200)
    assert details()["CurrentCount"] == 2
