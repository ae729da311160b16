"""DeleteCluster: when it may be called, how long it takes, what stops it."""

import pytest

ROLE = "arn:aws:iam::123456789012:role/hyperpod"


def status(aws):
    return aws.describe_cluster(ClusterName="ml")["ClusterStatus"]


def test_it_takes_its_time_and_then_the_cluster_is_not_found(sim, aws, in_service, cluster, code):
    in_service(cluster())
    aws.delete_cluster(ClusterName="ml")
    assert status(aws) == "Deleting"
    nodes = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]
    assert [node["InstanceStatus"]["Status"] for node in nodes] == ["ShuttingDown"] * 2
    sim.clock.advance(200)
    assert aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"] == []
    assert status(aws) == "Deleting"
    sim.clock.advance(300)
    assert code(aws.describe_cluster, ClusterName="ml")[0] == "ResourceNotFound"


@pytest.mark.parametrize(("mode", "allowed"), [(None, False), ("Continuous", True)])
def test_a_creating_cluster_is_deleted_only_if_continuous(aws, cluster, code, mode, allowed):
    aws.create_cluster(**cluster(NodeProvisioningMode=mode))
    if allowed:
        aws.delete_cluster(ClusterName="ml")
        assert status(aws) == "Deleting"
    else:
        assert code(aws.delete_cluster, ClusterName="ml")[0] == "ConflictException"


def test_a_deletion_is_not_repeated(aws, in_service, cluster, code):
    in_service(cluster())
    aws.delete_cluster(ClusterName="ml")
    assert code(aws.delete_cluster, ClusterName="ml")[0] == "ConflictException"


def test_an_updating_cluster_is_not_deleted(aws, in_service, cluster, group, code):
    in_service(cluster())
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=3)])
    assert code(aws.delete_cluster, ClusterName="ml")[0] == "ConflictException"


def test_without_the_execution_role_it_stays_deleting_until_the_role_is_back(sim, aws, in_service, cluster, code):
    in_service(cluster())
    sim.world.remove_role(ROLE)
    aws.delete_cluster(ClusterName="ml")
    sim.clock.advance(24 * 3600)
    assert status(aws) == "Deleting"
    node = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]
    assert "does not have permission to perform" in node["InstanceStatus"]["Message"]
    sim.world.restore_role(ROLE)
    sim.clock.advance(600)
    assert code(aws.describe_cluster, ClusterName="ml")[0] == "ResourceNotFound"


def test_the_name_is_free_again_and_the_id_is_another(sim, aws, in_service, cluster):
    first = in_service(cluster())["ClusterArn"]
    aws.delete_cluster(ClusterName="ml")
    sim.clock.advance(1000)
    assert in_service(cluster())["ClusterArn"] != first


def test_what_was_under_way_does_not_come_back(sim, aws, cluster):
    aws.create_cluster(**cluster(NodeProvisioningMode="Continuous"))
    sim.clock.advance(200)
    aws.delete_cluster(ClusterName="ml")
    sim.clock.advance(3600)
    assert sim.settings.dump()["us-west-2"] == {}
    assert aws.list_clusters()["ClusterSummaries"] == []
