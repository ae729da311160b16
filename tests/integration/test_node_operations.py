"""HyperPodNodeOperations as a user has them: the operator as a process, a real control plane, the simulator, kubectl.

No kubelet ends an evicted pod here: the test does.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from hyperpod_operator.api.names import API_VERSION, NODE_OPERATION_KIND
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.stack import ROOT, Stack
from hyperpod_testbed.waiting import until

EXAMPLE = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())
DRAINING = "hyperpod-operator.dev/draining"
OURS = {"MaintenancePlanned", "MaintenanceInProgress", "DrainInProgress", "Drained", "DrainBlocked"}
"""Conditions that an operation writes into a Node."""
SECONDS = 40.0

Json = dict[str, Any]


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    with Stack(plane=control_plane, speed=300.0) as running:
        yield running


class Person:
    """kubectl in one namespace with one cluster."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack, self.namespace = stack, namespace

    def __call__(self, *args: str, **options: Any) -> str:
        return self.stack.plane.kubectl("-n", self.namespace, *args, **options).stdout

    def apply(self, manifest: Json) -> None:
        """As kubectl applies it."""
        self.stack.plane.api.apply(manifest, namespace=self.namespace)

    def read(self, kind: str, name: str = "", *, labels: str = "") -> Json:
        """The object, or a list of all."""
        if not name:
            return {"items": self.stack.plane.api.list(kind, namespace=self.namespace, labels=labels)}
        found = self.stack.plane.api.get(kind, name, namespace=self.namespace)
        assert found is not None, f"there is no {kind} {name}"
        return found

    def node(self, name: str) -> tuple[set[str], set[str], str]:
        """Taints, condition types and the boot id of a Node."""
        found = self.read("node", name)
        taints = {taint["key"] for taint in found["spec"].get("taints", [])}
        conditions = {one["type"] for one in found["status"]["conditions"]}
        return taints, conditions, found["status"]["nodeInfo"]["bootID"]

    def until(self, done: Callable[[Json], bool], *what: str) -> Json:
        """The object once it is so."""

        def look() -> Json | None:
            found = self.read(*what)
            return found if done(found) else None

        def said() -> str:
            return f"{self.read(*what)}; log:\n{self.stack.operator.child.tail(15)}"

        return until(look, said, seconds=SECONDS) or {}

    def until_told(self, *wanted: tuple[str, str]) -> None:
        """Wait for Events of these kinds and reasons: they follow what they tell, and nothing waits for them."""

        def missing() -> set[tuple[str, str]]:
            found = self.read("events.events.k8s.io")["items"]
            return set(wanted) - {(one["regarding"]["kind"], one["reason"]) for one in found}

        until(lambda: not missing(), lambda: f"no Event {missing()}", seconds=SECONDS)


@pytest.fixture
def kubectl(stack: Stack, namespace: str) -> Iterator[Person]:
    person = Person(stack, namespace)
    cluster = json.loads(json.dumps(EXAMPLE))
    cluster["metadata"]["name"] = namespace
    person.apply(cluster)
    person("wait", f"hpc/{namespace}", "--for=condition=Ready", f"--timeout={SECONDS}s")
    stack.simulator.nodes.wait_until_in_step()
    yield person
    person("delete", "hpno", "--all", f"--timeout={SECONDS}s")
    person("delete", "hpc", namespace, "--wait=false")


@pytest.fixture
def node(kubectl: Person) -> str:
    """A node of the cluster."""
    label = f"sagemaker.amazonaws.com/cluster-name={kubectl.namespace}"
    return str(kubectl.read("nodes", labels=label)["items"][0]["metadata"]["name"])


def operation(kubectl: Person, node: str, name: str, **spec: Any) -> Json:
    spec = {"clusterRef": {"name": kubectl.namespace}, "operation": "Reboot", "nodes": {"names": [node]}, **spec}
    return {"apiVersion": API_VERSION, "kind": NODE_OPERATION_KIND, "metadata": {"name": name}, "spec": spec}


def pod(node: str) -> Json:
    spec = {"nodeName": node, "containers": [{"name": "main", "image": "example.com/train"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "train"}, "spec": spec}


def test_a_node_is_drained_rebooted_and_given_back(kubectl: Person, node: str) -> None:
    booted = kubectl.node(node)[2]
    kubectl("create", "serviceaccount", "default", check=False)
    kubectl.apply(pod(node))
    kubectl.apply(operation(kubectl, node, "reboot"))
    kubectl.until(lambda found: "deletionTimestamp" in found["metadata"], "pod", "train")
    taints, conditions, boot = kubectl.node(node)
    assert (DRAINING in taints, {"MaintenancePlanned", "DrainInProgress"} <= conditions, boot) == (True, True, booted)
    drained = kubectl.until(lambda found: "message" in found["status"]["nodes"][0], "hpno", "reboot")["status"]
    assert (drained["nodes"][0]["state"], drained["nodes"][0]["waitingFor"]) == ("Draining", [f"{kubectl.namespace}/train"])  # fmt: skip # noqa: E501
    kubectl("delete", "pod", "train", "--force", "--grace-period=0")
    kubectl("wait", "hpno/reboot", "--for=condition=Complete", f"--timeout={SECONDS}s")
    taints, conditions, boot = kubectl.node(node)
    assert (DRAINING in taints, conditions & OURS, boot == booted) == (False, set(), False)
    row = kubectl("get", "hpno", "reboot").splitlines()[-1].split()
    assert row[1:5] == [kubectl.namespace, "Reboot", "1/1", "done"]
    kubectl.until_told(
        (NODE_OPERATION_KIND, "OperationAccepted"),
        (NODE_OPERATION_KIND, "OperationComplete"),
        ("HyperPodCluster", "Draining"),
        ("HyperPodCluster", "NodeOperationEnded"),
    )


def test_nodes_are_chosen_by_a_label_of_the_users_own(kubectl: Person, node: str) -> None:
    kubectl("label", "node", node, "example.com/rack=7")
    nodes = {"selector": {"matchLabels": {"example.com/rack": "7"}}}
    kubectl.apply(operation(kubectl, node, "rack", nodes=nodes))
    kubectl("wait", "hpno/rack", "--for=condition=Complete", f"--timeout={SECONDS}s")
    (entry,) = kubectl.read("hpno", "rack")["status"]["nodes"]
    assert (entry["name"], entry["state"]) == (node, "Succeeded")


def test_another_instance_takes_the_place_of_a_node(kubectl: Person, node: str) -> None:
    kubectl.apply(operation(kubectl, node, "replace", operation="Replace"))
    kubectl("wait", "hpno/replace", "--for=condition=Complete", f"--timeout={SECONDS}s")
    (entry,) = kubectl.read("hpno", "replace")["status"]["nodes"]
    taints, conditions, _ = kubectl.node(f"hyperpod-{entry['replacedBy']}")
    assert (entry["state"], DRAINING in taints, conditions & OURS) == ("Succeeded", False, set())
    calls = [call.operation for call in kubectl.stack.simulator.log.calls() if call.mutating]
    assert calls.count("BatchReplaceClusterNodes") == 1


def test_a_suspended_operation_starts_when_it_is_resumed(kubectl: Person, node: str) -> None:
    kubectl.apply(operation(kubectl, node, "later", suspend=True))
    kubectl.until(
        lambda found: any(
            one["reason"] == "OperationSuspended" for one in found.get("status", {}).get("conditions", [])
        ),
        "hpno",
        "later",
    )
    assert DRAINING not in kubectl.node(node)[0]
    kubectl("patch", "hpno", "later", "--type=merge", "-p", '{"spec":{"suspend":false}}')
    kubectl("wait", "hpno/later", "--for=condition=Complete", f"--timeout={SECONDS}s")


def test_a_node_that_is_drained_for_an_object_that_is_gone_is_freed(kubectl: Person, node: str) -> None:
    """With the rights of the chart and under its admission policies."""
    holder = f"{NODE_OPERATION_KIND} {kubectl.namespace}/gone 0e6c52a8-5d5c-4b2f-9e8f-0d2b9f1f7a11"
    kubectl("annotate", "node", node, f"{DRAINING}={holder}")
    kubectl("taint", "node", node, f"{DRAINING}=:NoSchedule")
    kubectl.apply(operation(kubectl, node, "second"))
    kubectl("wait", "hpno/second", "--for=condition=Complete", f"--timeout={SECONDS}s")
    assert DRAINING not in kubectl.node(node)[0]
    assert DRAINING not in kubectl.read("node", node)["metadata"].get("annotations", {})


def test_what_the_api_server_refuses_it_explains(kubectl: Person, node: str) -> None:
    invalid = json.dumps(operation(kubectl, node, "invalid", operation="Move"))
    said = kubectl.stack.plane.kubectl("-n", kubectl.namespace, "apply", "-f", "-", input=invalid, check=False).stderr
    assert "move belongs to the operation Move, which needs it: set both or neither" in said
    kubectl.apply(operation(kubectl, node, "fixed", suspend=True))
    edit = ("patch", "hpno", "fixed", "--type=merge", "-p", '{"spec":{"operation":"Replace"}}')
    said = kubectl.stack.plane.kubectl("-n", kubectl.namespace, *edit, check=False).stderr
    assert "operation cannot change, an operation runs as it was created: create another" in said
