"""The node bringer against a real API server."""

import json
import time

import pytest

from hyperpod_testbed.conformance.kubernetes_nodes import of_cluster
from hyperpod_testbed.simulator import SimulatorClient
from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.shapes import sagemaker

PREFIX = "sagemaker.amazonaws.com/"


@pytest.fixture
def bring(control_plane, start_simulator, connect):
    """A simulator that brings nodes, and its client; the nodes go with the test."""
    started = []

    def make(**arguments):
        sim = start_simulator(kubeconfig=control_plane.kubeconfig, **arguments)
        started.append(sim)
        return sim, connect(sim)

    yield make
    for sim in started:
        sim.nodes.remove()
        sim.nodes.wait_until_in_step()


@pytest.fixture
def nodes(control_plane):
    def find():
        found = control_plane.api.list("nodes", labels=f"{PREFIX}compute-type=hyperpod")
        return {item["metadata"]["name"]: item for item in found}

    return find


def ready(node):
    return {item["type"]: item["status"] for item in node["status"]["conditions"]}["Ready"]


def health_taints(node):
    return [taint for taint in node["spec"].get("taints", []) if taint["key"] == f"{PREFIX}node-health-status"]


def test_nodes_follow_the_instances(bring, nodes, cluster, group):
    sim, aws = bring()
    kubernetes = {"Labels": {"team": "a"}, "Taints": [{"Key": "team", "Value": "a", "Effect": "NoSchedule"}]}
    arn = aws.create_cluster(**cluster("ml", group(InstanceType="ml.p5.48xlarge", KubernetesConfig=kubernetes)))[
        "ClusterArn"
    ]
    sim.clock.advance(1200)
    sim.nodes.wait_until_in_step()
    found = nodes()
    ids = [node["InstanceId"] for node in aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]]
    assert sorted(found) == sorted(f"hyperpod-{instance}" for instance in ids)
    node = found[f"hyperpod-{ids[0]}"]
    labels = node["metadata"]["labels"]
    zone = labels["topology.k8s.aws/zone-id"]
    assert node["spec"]["providerID"] == (f"aws:///{zone}/sagemaker/cluster/hyperpod-{arn.rpartition('/')[2]}-{ids[0]}")
    assert labels[f"{PREFIX}cluster-name"] == "ml"
    assert labels[f"{PREFIX}instance-group-name"] == "workers"
    assert labels[f"{PREFIX}node-health-status"] == "Schedulable"
    assert labels["node.kubernetes.io/instance-type"] == labels["beta.kubernetes.io/instance-type"] == "ml.p5.48xlarge"
    assert (labels["team"], f"{PREFIX}deep-health-check-status" in labels) == ("a", False)
    assert {"key": "team", "value": "a", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "8"
    assert ready(node) == "True"

    aws.delete_cluster(ClusterName="ml")
    sim.clock.advance(1200)
    sim.nodes.wait_until_in_step()
    assert nodes() == {}


def test_a_deep_health_check_shows_on_the_node_while_it_runs(bring, nodes, cluster, group):
    sim, aws = bring()
    aws.create_cluster(**cluster("ml", group(count=1, OnStartDeepHealthChecks=["InstanceStress"])))
    sim.clock.advance(1200)
    sim.nodes.wait_until_in_step()
    (during,) = nodes().values()
    assert during["metadata"]["labels"][f"{PREFIX}deep-health-check-status"] == "InProgress"
    assert during["metadata"]["labels"][f"{PREFIX}node-health-status"] == "Unschedulable"
    assert [taint["value"] for taint in health_taints(during)] == ["Unschedulable"]
    sim.clock.advance(6000)
    sim.nodes.wait_until_in_step()
    (after,) = nodes().values()
    assert after["metadata"]["labels"][f"{PREFIX}deep-health-check-status"] == "Passed"
    assert health_taints(after) == []


def test_nodes_are_removed_on_request_and_come_again(bring, nodes):
    sim, _ = bring()
    sim.world.create_foreign_cluster("ml")
    sim.nodes.wait_until_in_step()
    sim.nodes.remove()
    sim.nodes.wait_until_in_step()
    assert nodes() == {}
    remote = SimulatorClient(sim.url)
    remote.nodes.bring()
    remote.nodes.wait_until_in_step()
    assert len(nodes()) == 1


def test_what_others_put_on_a_node_stays(bring, nodes, control_plane, cluster, group):
    sim, aws = bring()
    aws.create_cluster(**cluster("ml", group(count=1)))
    sim.clock.advance(1200)
    sim.nodes.wait_until_in_step()
    (name,) = nodes()
    control_plane.kubectl("taint", "node", name, "theirs=yes:NoSchedule")
    control_plane.kubectl("label", "node", name, "theirs=yes")
    sim.world.fail_node("ml", name.removeprefix("hyperpod-"))
    sim.nodes.wait_until_in_step()
    node = nodes()[name]
    assert (ready(node), node["metadata"]["labels"]["theirs"]) == ("False", "yes")
    assert len(health_taints(node)) == 1
    assert any(taint["key"] == "theirs" for taint in node["spec"]["taints"])


def test_nodes_of_an_earlier_run_are_taken_away(bring, nodes, control_plane, start_simulator, cluster):
    first = start_simulator(kubeconfig=control_plane.kubeconfig)
    first.world.create_foreign_cluster("ml")
    first.nodes.wait_until_in_step()
    first.stop()
    assert len(nodes()) == 1
    second, _ = bring(seed=1)
    second.nodes.wait_until_in_step()
    assert nodes() == {}


def test_nodes_that_no_simulator_brought_are_left_alone(bring, nodes, control_plane):
    labels = {f"{PREFIX}compute-type": "hyperpod"}
    theirs = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "theirs", "labels": labels}}
    control_plane.apply(json.dumps(theirs))
    sim, _ = bring()
    sim.nodes.wait_until_in_step()
    assert set(nodes()) == {"theirs"}
    control_plane.kubectl("delete", "node", "theirs")


def test_many_nodes_come_in_good_time(bring, nodes, cluster, group):
    sim, _ = bring()
    began = time.monotonic()
    sim.world.create_foreign_cluster("ml", request=cluster("ml", group(count=300)))
    sim.nodes.wait_until_in_step(timeout=60)
    assert len(nodes()) == 300
    assert time.monotonic() - began < 60


def test_a_restart_of_the_api_server_is_survived(bring, nodes, control_plane, cluster, group):
    sim, aws = bring()
    aws.create_cluster(**cluster("ml", group(count=1), NodeProvisioningMode="Continuous"))
    sim.clock.advance(1200)
    sim.nodes.wait_until_in_step()
    control_plane.kill("kube-apiserver")
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=3)])
    sim.clock.advance(1200)
    control_plane.start("kube-apiserver")
    sim.nodes.wait_until_in_step(timeout=60)
    assert len(nodes()) == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ml.p5.48xlarge", (8, 0, 49, "amd64")),
        ("ml.g5.8xlarge", (1, 0, 29, "amd64")),
        ("ml.trn1.32xlarge", (0, 16, 49, "amd64")),
        ("ml.c6g.medium", (0, 0, 3, "arm64")),
        ("ml.m5.xlarge", (0, 0, 14, "amd64")),
    ],
)
def test_instance_types_bring_what_they_have(name, expected):
    kind = instance_type(name)
    assert (kind.gpus, kind.neurons, kind.pods, kind.architecture) == expected


def test_every_type_of_the_api_has_properties():
    for name in sagemaker().shape_for("ClusterInstanceType").enum:
        kind = instance_type(name)
        assert kind.cores >= 1
        assert kind.memory_gib >= 1
        assert kind.accelerated is name.removeprefix("ml.").startswith(("p", "g", "trn"))


def test_a_conformance_run_reads_these_nodes_and_no_others(bring, nodes, control_plane, cluster, group):
    sim, aws = bring()
    aws.create_cluster(**cluster("ml", group(count=1)))
    sim.clock.advance(1200)
    sim.nodes.wait_until_in_step()
    theirs = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "ip-10-0-0-1"}}
    control_plane.apply(json.dumps(theirs))
    (read,) = of_cluster(control_plane.kubeconfig)()
    control_plane.kubectl("delete", "node", "ip-10-0-0-1")
    (node,) = nodes().values()
    assert (read["Name"], read["ProviderID"]) == (node["metadata"]["name"], node["spec"]["providerID"])
    assert (read["Labels"], read["Ready"]) == (node["metadata"]["labels"], True)
