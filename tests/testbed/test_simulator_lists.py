"""Tags, lists, pages, and the nodes as the API shows them."""

import re

import pytest


@pytest.fixture
def arn(aws, cluster):
    return aws.create_cluster(**cluster(Tags=[{"Key": "team", "Value": "a"}]))["ClusterArn"]


@pytest.fixture
def tags(aws, arn):
    return lambda: {tag["Key"]: tag["Value"] for tag in aws.list_tags(ResourceArn=arn)["Tags"]}


def test_tags_are_added_changed_and_deleted(aws, arn, tags):
    aws.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "stage", "Value": ""}])
    assert tags() == {"team": "b", "stage": ""}
    aws.delete_tags(ResourceArn=arn, TagKeys=["team", "never-there"])
    assert tags() == {"stage": ""}


def test_a_resource_has_at_most_fifty_tags(aws, arn, code):
    aws.add_tags(ResourceArn=arn, Tags=[{"Key": f"k{number}", "Value": ""} for number in range(49)])
    assert "at most 50" in code(aws.add_tags, ResourceArn=arn, Tags=[{"Key": "more", "Value": ""}])[1]


@pytest.mark.parametrize("key", ["aws:x", "AWS:x"])
def test_reserved_keys_are_refused(aws, arn, code, key):
    assert code(aws.add_tags, ResourceArn=arn, Tags=[{"Key": key, "Value": ""}])[0] == "ValidationException"


def test_tags_of_nothing_are_not_found(aws, arn, code):
    other = arn[:-12] + "000000000000"
    assert code(aws.list_tags, ResourceArn=other)[0] == "ResourceNotFound"


def test_clusters_are_listed_by_creation_name_and_filter(sim, aws, cluster):
    for name in ("b-train", "a-train", "c-serve"):
        aws.create_cluster(**cluster(name))
        sim.clock.advance(1)

    def names(**parameters):
        return [one["ClusterName"] for one in aws.list_clusters(**parameters)["ClusterSummaries"]]

    assert names() == ["b-train", "a-train", "c-serve"]
    assert names(SortBy="NAME", SortOrder="Descending") == ["c-serve", "b-train", "a-train"]
    assert names(NameContains="train") == ["b-train", "a-train"]


def test_a_page_may_be_empty_and_still_have_a_token(aws, cluster):
    for name in ("b", "a"):
        aws.create_cluster(**cluster(name))
    page = aws.list_clusters(NameContains="a", MaxResults=1)
    assert (page["ClusterSummaries"], "NextToken" in page) == ([], True)
    assert aws.list_clusters(NameContains="a", MaxResults=1, NextToken=page["NextToken"])["ClusterSummaries"]


def test_nodes_come_in_pages(aws, in_service, cluster, group):
    in_service(cluster("ml", group(count=7)))
    found = aws.get_paginator("list_cluster_nodes").paginate(ClusterName="ml", PaginationConfig={"PageSize": 3})
    pages = list(found)
    sizes = [len(page["ClusterNodeSummaries"]) for page in pages]
    ids = {node["InstanceId"] for page in pages for node in page["ClusterNodeSummaries"]}
    assert (sizes, len(ids)) == ([3, 3, 1], 7)


@pytest.mark.parametrize("change", [lambda token: token[:-6] + "AAAA==", lambda _: "no token at all"])
def test_a_token_that_was_changed_is_refused(aws, in_service, cluster, group, code, change):
    in_service(cluster("ml", group(count=3)))
    token = aws.list_cluster_nodes(ClusterName="ml", MaxResults=1)["NextToken"]
    assert code(aws.list_cluster_nodes, ClusterName="ml", NextToken=change(token))[0] == "ValidationException"


def test_a_token_belongs_to_its_filters(aws, in_service, cluster, group, code):
    in_service(cluster("ml", group(count=3)))
    token = aws.list_cluster_nodes(ClusterName="ml", MaxResults=1)["NextToken"]
    refused = code(aws.list_cluster_nodes, ClusterName="ml", InstanceGroupNameContains="w", NextToken=token)
    assert "NextToken" in refused[1]


def test_nodes_can_be_chosen_by_group(aws, in_service, cluster, group):
    in_service(cluster("ml", group("train", 1), group("serve", 2)))
    found = aws.list_cluster_nodes(ClusterName="ml", InstanceGroupNameContains="serv")["ClusterNodeSummaries"]
    assert [node["InstanceGroupName"] for node in found] == ["serve", "serve"]


def test_a_node_has_the_forms_of_aws(aws, in_service, cluster):
    in_service(cluster())
    summary = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]
    node = aws.describe_cluster_node(ClusterName="ml", NodeId=summary["InstanceId"])["NodeDetails"]
    assert re.fullmatch(r"i-[0-9a-f]{17}", node["InstanceId"])
    assert node["Placement"]["AvailabilityZone"].startswith("us-west-2")
    assert re.fullmatch(r"usw2-az[123]", node["Placement"]["AvailabilityZoneId"])
    assert node["PrivateDnsHostname"] == f"ip-{node['PrivatePrimaryIp'].replace('.', '-')}.us-west-2.compute.internal"
    assert summary["InstanceStatus"] == {"Status": "Running"}


def test_an_unknown_node_is_not_found(aws, in_service, cluster, code):
    in_service(cluster())
    refused = code(aws.describe_cluster_node, ClusterName="ml", NodeId="i-0000000000000dead")
    assert refused[0] == "ResourceNotFound"


def test_a_node_is_named_in_exactly_one_way(aws, in_service, cluster, code):
    in_service(cluster())
    assert code(aws.describe_cluster_node, ClusterName="ml")[0] == "ValidationException"


def test_groups_and_tags_come_in_another_order_and_always_the_same(aws, in_service, cluster, group):
    names = [f"group-{number}" for number in range(8)]
    answer = in_service(cluster("ml", *(group(name, 0) for name in names)))
    seen = [one["InstanceGroupName"] for one in answer["InstanceGroups"]]
    again = [one["InstanceGroupName"] for one in aws.describe_cluster(ClusterName="ml")["InstanceGroups"]]
    assert seen == again
    assert seen != names
    assert sorted(seen) == names
