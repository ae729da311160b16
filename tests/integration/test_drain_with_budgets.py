"""A drain on the real scheduler, controller-manager and API server: a job that its budget protects, and one reboot.

No kubelet runs a pod here: the test says of each that it runs.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.test_node_operations import DRAINING, EXAMPLE, OURS, SECONDS, Person, operation

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.control_plane.api import MERGE
from hyperpod_testbed.stack import Stack

NODES = 4
APP = {"app": "train"}


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    with Stack(plane=control_plane, speed=300.0) as running:
        yield running


@pytest.fixture
def kubectl(stack: Stack, namespace: str) -> Iterator[Person]:
    """A cluster of four nodes, and a job with a pod on each."""
    person = Person(stack, namespace)
    cluster = json.loads(json.dumps(EXAMPLE))
    cluster["metadata"]["name"] = namespace
    cluster["spec"]["instanceGroups"][0]["instanceCount"] = NODES
    person.apply(cluster)
    person("wait", f"hpc/{namespace}", "--for=condition=Ready", f"--timeout={SECONDS}s")
    stack.simulator.nodes.wait_until_in_step()
    person("create", "serviceaccount", "default", check=False)
    person.apply(job(namespace))
    person.apply(budget(NODES))
    person.until(lambda found: len(bound(found)) == NODES, "pods")
    for pod in bound(person.read("pods")):
        runs(person, pod)
    person.until(lambda found: found.get("status", {}).get("currentHealthy") == NODES, "pdb", "train")
    yield person
    person("delete", "hpno,job,pdb", "--all", f"--timeout={SECONDS}s")
    person("delete", "hpc", namespace, "--wait=false")


def job(cluster: str) -> dict[str, Any]:
    """Spread by preference: a fifth pod finds a place while a node is drained."""
    term = {"labelSelector": {"matchLabels": APP}, "topologyKey": "kubernetes.io/hostname"}
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "nodeSelector": {"sagemaker.amazonaws.com/cluster-name": cluster},
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]
            }
        },
        "containers": [{"name": "main", "image": "example.com/train"}],
    }
    template = {"metadata": {"labels": APP}, "spec": spec}
    work = {"parallelism": NODES, "completions": NODES, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}, "spec": work}


def budget(available: int) -> dict[str, Any]:
    spec = {"minAvailable": available, "selector": {"matchLabels": APP}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "train"}, "spec": spec}


def bound(pods: dict[str, Any]) -> dict[str, str]:
    """The node of each pod of the job that has one."""
    found = [one for one in pods["items"] if one["metadata"].get("labels", {}).get("app") == "train"]
    return {one["metadata"]["name"]: one["spec"]["nodeName"] for one in found if one["spec"].get("nodeName")}


def runs(kubectl: Person, pod: str) -> None:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/status"
    kubectl.stack.plane.api.send("PATCH", path, body={"status": status}, kind=MERGE)


def test_no_pod_is_killed_before_its_budget_allows_and_everything_is_undone(kubectl: Person) -> None:
    before = bound(kubectl.read("pods"))
    pod, node = next(iter(before.items()))
    kubectl.apply(operation(kubectl, node, "reboot", drain={"gangAtomic": False}))
    waits = kubectl.until(
        lambda found: any("budget" in entry.get("message", "") for entry in found.get("status", {}).get("nodes", [])),
        "hpno",
        "reboot",
    )
    assert waits["status"]["nodes"][0]["state"] == "Draining"
    assert bound(kubectl.read("pods")) == before
    assert DRAINING in kubectl.node(node)[0]
    kubectl.apply(budget(NODES - 1))
    kubectl.until(lambda found: pod not in bound(found) and len(bound(found)) == NODES, "pods")
    (new,) = bound(kubectl.read("pods")).keys() - before.keys()
    # The taint kept the scheduler from the node; the other pods are those of before.
    assert bound(kubectl.read("pods"))[new] != node
    assert len(bound(kubectl.read("pods")).keys() & before.keys()) == NODES - 1
    runs(kubectl, new)
    kubectl("wait", "hpno/reboot", "--for=condition=Complete", f"--timeout={SECONDS}s")
    taints, conditions, _ = kubectl.node(node)
    assert (DRAINING in taints, conditions & OURS) == (False, set())
    assert bound(kubectl.read("pods")).keys() == {*before, new} - {pod}
