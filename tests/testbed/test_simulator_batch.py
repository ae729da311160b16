"""The calls on single nodes: limits, per-item outcomes, what becomes of the nodes."""

import pytest


@pytest.fixture
def continuous(in_service, cluster, group):
    return lambda *groups: in_service(cluster("ml", *(groups or [group()]), NodeProvisioningMode="Continuous"))


@pytest.fixture
def ids(aws):
    def find():
        nodes = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]
        return [node["InstanceId"] for node in nodes if node["InstanceStatus"]["Status"] != "ShuttingDown"]

    return find


@pytest.fixture
def target(aws):
    return lambda: aws.describe_cluster(ClusterName="ml")["InstanceGroups"][0]["TargetCount"]


UNKNOWN = "i-0000000000000dead"


def test_adding_raises_the_target_and_names_the_nodes_to_come(sim, aws, continuous, ids, target):
    continuous()
    answer = aws.batch_add_cluster_nodes(
        ClusterName="ml", NodesToAdd=[{"InstanceGroupName": "workers", "IncrementTargetCountBy": 3}]
    )
    assert (len(answer["Successful"]), answer["Failed"], target()) == (3, [], 5)
    logical = answer["Successful"][0]["NodeLogicalId"]
    node = aws.describe_cluster_node(ClusterName="ml", NodeLogicalId=logical)["NodeDetails"]
    assert (node["InstanceStatus"]["Status"], "InstanceId" in node) == ("Pending", False)
    sim.clock.advance(1000)
    assert len(ids()) == 5


def test_nodes_without_an_instance_id_are_listed_on_request_only(aws, continuous):
    continuous()
    aws.batch_add_cluster_nodes(
        ClusterName="ml", NodesToAdd=[{"InstanceGroupName": "workers", "IncrementTargetCountBy": 1}]
    )
    plain = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]
    every = aws.list_cluster_nodes(ClusterName="ml", IncludeNodeLogicalIds=True)["ClusterNodeSummaries"]
    assert (len(plain), len(every)) == (2, 3)
    assert "NodeLogicalId" not in plain[0]
    assert {"NodeLogicalId"} <= set(every[0])


def test_a_client_token_adds_once(sim, aws, continuous, target):
    continuous()
    request = {
        "ClusterName": "ml",
        "ClientToken": "once",
        "NodesToAdd": [{"InstanceGroupName": "workers", "IncrementTargetCountBy": 1}],
    }
    first, second = (aws.batch_add_cluster_nodes(**request)["Successful"] for _ in range(2))
    assert (first[0]["NodeLogicalId"], target()) == (second[0]["NodeLogicalId"], 3)
    sim.clock.advance(9 * 3600)
    aws.batch_add_cluster_nodes(**request)
    assert target() == 4


def test_a_client_token_fits_one_request(aws, continuous, code):
    continuous()
    wanted = [{"InstanceGroupName": "workers", "IncrementTargetCountBy": 1}]
    aws.batch_add_cluster_nodes(ClusterName="ml", ClientToken="once", NodesToAdd=wanted)
    wanted[0]["IncrementTargetCountBy"] = 2
    refused = code(aws.batch_add_cluster_nodes, ClusterName="ml", ClientToken="once", NodesToAdd=wanted)
    assert "ClientToken" in refused[1]


def test_a_repeated_request_says_notfound_of_a_node_that_is_gone(sim, aws, continuous):
    continuous()
    request = {
        "ClusterName": "ml",
        "ClientToken": "once",
        "NodesToAdd": [{"InstanceGroupName": "workers", "IncrementTargetCountBy": 1}],
    }
    logical = aws.batch_add_cluster_nodes(**request)["Successful"][0]["NodeLogicalId"]
    aws.batch_delete_cluster_nodes(ClusterName="ml", NodeLogicalIds=[logical])
    assert aws.batch_add_cluster_nodes(**request)["Successful"][0]["Status"] == "NotFound"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"InstanceGroupName": "nobody"}, "InstanceGroupNotFound"),
        ({"InstanceGroupName": "workers", "InstanceTypes": ["ml.p5.48xlarge"]}, "IncompatibleInstanceTypes"),
        ({"InstanceGroupName": "workers", "AvailabilityZones": ["us-west-2a"]}, "IncompatibleAvailabilityZones"),
    ],
)
def test_an_item_fails_by_itself(aws, continuous, item, expected):
    continuous()
    good = {"InstanceGroupName": "workers", "IncrementTargetCountBy": 1}
    answer = aws.batch_add_cluster_nodes(ClusterName="ml", NodesToAdd=[{**item, "IncrementTargetCountBy": 2}, good])
    assert (len(answer["Successful"]), answer["Failed"][0]["ErrorCode"]) == (1, expected)
    assert answer["Failed"][0]["FailedCount"] == 2


def test_adding_is_limited_to_fifty_in_all(aws, continuous, group, code):
    continuous(group("a"), group("b"))
    wanted = [{"InstanceGroupName": name, "IncrementTargetCountBy": 26} for name in ("a", "b")]
    assert "at most 50" in code(aws.batch_add_cluster_nodes, ClusterName="ml", NodesToAdd=wanted)[1]


def test_adding_is_for_continuous_clusters(aws, in_service, cluster, code):
    in_service(cluster())
    wanted = [{"InstanceGroupName": "workers", "IncrementTargetCountBy": 1}]
    refused = code(aws.batch_add_cluster_nodes, ClusterName="ml", NodesToAdd=wanted)
    assert "Continuous" in refused[1]


def test_adding_respects_the_quota(sim, aws, continuous, code):
    continuous()
    sim.settings.set_options(instances_per_cluster=2)
    wanted = [{"InstanceGroupName": "workers", "IncrementTargetCountBy": 1}]
    refused = code(aws.batch_add_cluster_nodes, ClusterName="ml", NodesToAdd=wanted)
    assert refused[0] == "ResourceLimitExceeded"


def test_deleting_takes_the_named_node_and_no_other(sim, aws, continuous, ids, target):
    continuous()
    first, second = ids()
    answer = aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[first, UNKNOWN])
    assert answer["Successful"] == [first]
    assert answer["Failed"][0] | {"Message": ""} == {"NodeId": UNKNOWN, "Code": "NodeIdNotFound", "Message": ""}
    sim.clock.advance(1000)
    assert (ids(), target()) == ([second], 1)


def test_deleting_is_limited_to_fifty_ids(aws, continuous, code):
    continuous()
    many = [f"i-{number:017x}" for number in range(51)]
    assert "at most 50" in code(aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=many)[1]


def test_a_node_on_its_way_out_cannot_be_deleted_again(aws, continuous, ids):
    continuous()
    node = ids()[0]
    aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[node])
    failed = aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[node])["Failed"]
    assert failed[0]["Code"] == "InvalidNodeStatus"


def test_rebooting_keeps_the_instance(sim, aws, continuous, ids):
    continuous()
    before = ids()
    assert aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=before)["Successful"] == before
    node = aws.describe_cluster_node(ClusterName="ml", NodeId=before[0])["NodeDetails"]
    assert node["InstanceStatus"] == {"Status": "Pending", "Message": "Rebooting"}
    sim.clock.advance(300)
    assert ids() == before
    node = aws.describe_cluster_node(ClusterName="ml", NodeId=before[0])["NodeDetails"]
    assert node["InstanceStatus"] == {"Status": "Running"}


def test_replacing_gives_another_instance(sim, aws, continuous, ids, target):
    continuous()
    first, second = ids()
    aws.batch_replace_cluster_nodes(ClusterName="ml", NodeIds=[first])
    sim.clock.advance(1200)
    after = ids()
    assert (len(after), first in after, second in after, target()) == (2, False, True, 2)


@pytest.mark.parametrize("operation", ["batch_reboot_cluster_nodes", "batch_replace_cluster_nodes"])
def test_repairs_name_their_failures_by_instance(aws, continuous, operation):
    continuous()
    failed = getattr(aws, operation)(ClusterName="ml", NodeIds=[UNKNOWN])["Failed"]
    assert failed[0]["ErrorCode"] == "InstanceIdNotFound"


@pytest.mark.parametrize("operation", ["batch_reboot_cluster_nodes", "batch_replace_cluster_nodes"])
def test_repairs_take_twenty_five_nodes(raw, continuous, operation):
    continuous()
    many = [f"i-{number:017x}" for number in range(26)]
    name = "".join(part.capitalize() for part in operation.split("_"))
    status, body, _ = raw(name, {"ClusterName": "ml", "NodeIds": many})
    assert (status, body["__type"]) == (400, "ValidationException")
    assert "length less than or equal to 25" in body["message"]


def test_logical_ids_are_for_continuous_clusters(aws, in_service, cluster, ids, code):
    in_service(cluster())
    refused = code(aws.batch_reboot_cluster_nodes, ClusterName="ml", NodeLogicalIds=["node-1"])
    assert "Continuous" in refused[1]
    assert len(aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=ids())["Successful"]) == 2


def test_some_node_must_be_named(aws, continuous, code):
    continuous()
    assert "At least one" in code(aws.batch_delete_cluster_nodes, ClusterName="ml")[1]


@pytest.mark.parametrize("operation", ["batch_delete_cluster_nodes", "batch_replace_cluster_nodes"])
def test_an_old_cluster_is_patched_first(sim, aws, continuous, ids, code, operation):
    continuous()
    sim.world.age_cluster("ml")
    nodes = ids()
    assert "UpdateClusterSoftware" in code(getattr(aws, operation), ClusterName="ml", NodeIds=nodes)[1]
    aws.update_cluster_software(ClusterName="ml")
    sim.clock.advance(3600)
    assert getattr(aws, operation)(ClusterName="ml", NodeIds=nodes)["Successful"] == nodes


def test_a_group_below_its_minimum_blocks_them(in_service, aws, cluster, group, code):
    request = cluster("ml", group(MinInstanceCount=2), NodeProvisioningMode="Continuous")
    in_service(request, seconds=300)
    assert "MinInstanceCount" in code(aws.batch_reboot_cluster_nodes, ClusterName="ml", NodeIds=[UNKNOWN])[1]


def test_a_failed_node_waits_for_its_repair(sim, aws, continuous, ids):
    continuous()
    node = ids()[0]
    sim.world.fail_node("ml", node)
    found = aws.describe_cluster_node(ClusterName="ml", NodeId=node)["NodeDetails"]
    assert found["InstanceStatus"]["Status"] == "Failure"
    aws.batch_replace_cluster_nodes(ClusterName="ml", NodeIds=[node])
    sim.clock.advance(1200)
    assert node not in ids()
    assert len(ids()) == 2
