"""Both answers to open questions about nodes: batch calls, and what lists show."""

import re

import pytest

from hyperpod_testbed.simulator import Options
from hyperpod_testbed.simulator.node_objects import view

UNKNOWN = "i-0000000000000dead"


@pytest.mark.parametrize(("answer", "seen"), [("nodes_first", (1, 3)), ("count_first", (3, 1))])
def test_scale_in(account, answer, seen):
    it = account(scale_in=answer)
    it.create(it.group(count=3), NodeProvisioningMode="Continuous")
    it.update(it.group(count=1), seconds=60)
    assert (len(it.nodes()), it.groups()["workers"]["CurrentCount"]) == seen
    it.sim.clock.advance(600)
    assert (len(it.nodes()), it.groups()["workers"]["CurrentCount"]) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("ConflictException",) * 2, ("ValidationException",) * 2, ("items", "OK")],
)
def test_blocked_batch_error(account, outcome, answer, expected):
    it = account(blocked_batch_error=answer)
    it.create()
    node = it.nodes()[0]["InstanceId"]
    it.update(it.group(count=3), seconds=100)
    assert outcome(it.aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=[node]) == expected
    if answer == "items":
        failed = it.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[node])["Failed"]
        assert failed[0]["Code"] == "InvalidNodeStatus"


@pytest.mark.parametrize(("answer", "expected"), [("error", "ValidationException"), ("items", "OK")])
def test_batch_all_failed(account, outcome, answer, expected):
    it = account(batch_all_failed=answer)
    it.create(NodeProvisioningMode="Continuous")
    assert outcome(it.aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=[UNKNOWN]) == expected
    wanted = [{"InstanceGroupName": "nobody", "IncrementTargetCountBy": 1}]
    assert outcome(it.aws.batch_add_cluster_nodes, ClusterName="ml", NodesToAdd=wanted) == expected


@pytest.mark.parametrize("answer", [50, 99, 3000])
def test_batch_delete_limit(account, outcome, answer):
    it = account(batch_delete_limit=answer)
    it.create()
    many = [f"i-{number:017x}" for number in range(answer + 1)]
    assert outcome(it.aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=many[:-1]) == "OK"
    assert outcome(it.aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=many) == "ValidationException"


@pytest.mark.parametrize(("answer", "target"), [(True, 1), (False, 2)])
def test_batch_delete_lowers_target(account, answer, target):
    it = account(batch_delete_lowers_target=answer)
    it.create(NodeProvisioningMode="Continuous")
    gone = it.nodes()[0]["InstanceId"]
    it.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[gone])
    it.sim.clock.advance(1200)
    group = it.groups()["workers"]
    assert (group["TargetCount"], group["CurrentCount"]) == (target, target)
    assert gone not in {node["InstanceId"] for node in it.nodes()}


@pytest.mark.parametrize("answer", [True, False])
def test_replace_keeps_logical_id(account, answer):
    it = account(replace_keeps_logical_id=answer)
    it.create(it.group(count=1), NodeProvisioningMode="Continuous")
    before = it.nodes(IncludeNodeLogicalIds=True)[0]
    it.aws.batch_replace_cluster_nodes(ClusterName="ml", NodeIds=[before["InstanceId"]])
    it.sim.clock.advance(1200)
    after = it.nodes(IncludeNodeLogicalIds=True)[0]
    assert after["InstanceId"] != before["InstanceId"]
    assert (after["NodeLogicalId"] == before["NodeLogicalId"]) is answer


@pytest.mark.parametrize("answer", ["empty", "omit"])
def test_pending_instance_id(account, answer):
    it = account(pending_instance_id=answer)
    it.create(NodeProvisioningMode="Continuous", seconds=121)
    node = it.nodes(IncludeNodeLogicalIds=True)[0]
    assert (node.get("InstanceId"), "LaunchTime" in node) == (("", True) if answer == "empty" else (None, False))


@pytest.mark.parametrize("answer", ["Failure", "Failed"])
def test_failed_node_status(account, answer):
    it = account(failed_node_status=answer, failed_nodes="listed")
    it.create()
    it.sim.world.fail_node("ml", it.nodes()[0]["InstanceId"])
    assert {node["InstanceStatus"]["Status"] for node in it.nodes()} == {"Running", answer}


@pytest.mark.parametrize("answer", ["ResourceNotFound", "ResourceNotFoundException"])
def test_not_found_code(account, outcome, answer):
    assert outcome(account(not_found_code=answer).describe) == answer


@pytest.mark.parametrize("answer", ["ThrottlingException", "TooManyRequestsException"])
def test_throttling_code(account, outcome, answer):
    it = account(throttling_code=answer, read_burst=1, read_rate=0.001)
    it.aws.list_clusters()
    assert outcome(it.aws.list_clusters) == answer


@pytest.mark.parametrize("answer", [True, False])
def test_shuffle_lists(account, answer):
    it = account(shuffle_lists=answer)
    names = [f"group-{number}" for number in range(9)]
    it.create(*(it.group(name, 0) for name in names))
    assert ([one["InstanceGroupName"] for one in it.describe()["InstanceGroups"]] != names) is answer


@pytest.mark.parametrize("answer", [True, False])
def test_fill_defaults(account, answer):
    it = account(fill_defaults=answer)
    it.create(NodeProvisioningMode="Continuous")
    assert ({"ThreadsPerCore", "MinCount", "CurrentImageReleaseVersion"} <= set(it.groups()["workers"])) is answer


@pytest.mark.parametrize(("answer", "listed"), [("listed", 2), ("unlisted", 1)])
def test_failed_nodes(account, answer, listed):
    it = account(failed_nodes=answer)
    it.create(NodeProvisioningMode="Continuous")
    it.sim.world.fail_node("ml", it.nodes()[0]["InstanceId"])
    assert (len(it.nodes()), it.groups()["workers"]["CurrentCount"]) == (listed, 2)


def test_a_failed_node_that_nothing_replaces_is_listed_and_any_is_described(account):
    it = account(failed_nodes="unlisted")
    it.create(NodeProvisioningMode="Continuous", NodeRecovery="None")
    node = it.nodes()[0]["InstanceId"]
    it.sim.world.fail_node("ml", node)
    assert len(it.nodes()) == 2
    it.aws.update_cluster(ClusterName="ml", NodeRecovery="Automatic")
    assert len(it.nodes()) == 1
    found = it.aws.describe_cluster_node(ClusterName="ml", NodeId=node)["NodeDetails"]
    assert found["InstanceStatus"]["Status"] == "Failure"


@pytest.mark.parametrize(("kind", "servers"), [("ml.p6e-gb200.36xlarge", 1), ("ml.p5.48xlarge", 0)])
def test_nodes_of_an_ultraserver_share_its_label(account, kind, servers):
    it = account()
    it.create(it.group(count=3, InstanceType=kind))
    with it.sim.core.present() as sim:
        (cluster,) = sim.account.clusters()
        labels = [view(cluster, one, Options()).labels for one in cluster.instances.values()]
    names = {found["topology.k8s.aws/ultraserver-id"] for found in labels if "topology.k8s.aws/ultraserver-id" in found}
    assert len(names) == servers
    assert {one.get("UltraServerInfo", {}).get("Id") for one in it.nodes()} - {None} == names


@pytest.mark.parametrize(
    ("answer", "form"),
    [("hyperpod", r"aws:///\w+-az\d/sagemaker/cluster/hyperpod-\w+-i-\w+"), ("instance", r"aws:///[a-z0-9-]+/i-\w+")],
)
def test_provider_id(account, answer, form):
    it = account(provider_id=answer)
    it.create()
    assert [found for found in it.views() if not re.fullmatch(form, found.provider_id)] == []


@pytest.mark.parametrize("answer", [True, False])
def test_network_labels(account, answer):
    it = account(network_labels=answer)
    it.create()
    layers = [f"topology.k8s.aws/network-node-layer-{layer}" for layer in (1, 2, 3)]
    assert {key in found.labels for found in it.views() for key in layers} == {answer}


@pytest.mark.parametrize("answer", [True, False])
def test_attachment_labels(account, answer):
    it = account(attachment_labels=answer)
    it.create()
    keys = [f"sagemaker.amazonaws.com/num-{what}" for what in ("eni-attachments", "block-device-mappings")]
    assert {key in found.labels for found in it.views() for key in keys} == {answer}
