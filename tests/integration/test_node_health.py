"""Node health as a whole: the process, the real scheduler, and HyperPod's health agent played by the simulator."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.stack import FAST, ROOT, Stack
from hyperpod_testbed.waiting import until

pytestmark = pytest.mark.early

EXAMPLE = yaml.safe_load((ROOT / "examples" / "gpu-and-cpu.yaml").read_text())
TAINT = {"key": "sagemaker.amazonaws.com/node-health-status", "value": "Unschedulable", "effect": "NoSchedule"}
GPU = "ml.p5.48xlarge"


class Ward:
    """One cluster in one namespace, its Nodes, and pods that want them."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack, self.namespace, self.name = stack, namespace, namespace

    def kubectl(self, *args: str, **options: Any) -> str:
        return self.stack.plane.kubectl("-n", self.namespace, *args, **options).stdout

    def apply(self, manifest: dict[str, Any]) -> None:
        self.stack.plane.api.apply(manifest, namespace=self.namespace)

    def cluster(self, *, gpus: int, management: dict[str, str] | None = None) -> None:
        spec = {
            **EXAMPLE["spec"],
            "instanceGroups": [{**EXAMPLE["spec"]["instanceGroups"][0], "instanceCount": gpus}],
            **({"management": management} if management else {}),
        }
        self.apply({**EXAMPLE, "metadata": {"name": self.name, "namespace": self.namespace}, "spec": spec})

    def status(self) -> dict[str, Any]:
        found = self.stack.plane.api.get("hpc", self.name, namespace=self.namespace)
        assert found is not None
        return dict(found.get("status", {}))

    def condition(self, kind: str) -> dict[str, Any]:
        return next((item for item in self.status().get("conditions", []) if item["type"] == kind), {})

    def nodes(self) -> dict[str, dict[str, Any]]:
        found = self.stack.plane.api.list("nodes", labels=f"sagemaker.amazonaws.com/cluster-name={self.name}")
        return {item["metadata"]["name"]: item for item in found}

    def decision(self, node: str, value: str) -> None:
        """HyperPod's label alone: an agent that neither sets its taint nor takes one off."""
        self.stack.plane.api.merge("nodes", node, {"metadata": {"labels": {TAINT["key"]: value}}})

    def tainted(self) -> set[str]:
        return {name for name, item in self.nodes().items() if TAINT in _plain(item)}

    def pod(self, name: str, **spec: Any) -> None:
        body = {
            "nodeSelector": {
                "node.kubernetes.io/instance-type": GPU,
                "sagemaker.amazonaws.com/cluster-name": self.name,
            },
            "containers": [{"name": "train", "image": "train"}],
            **spec,
        }
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body})

    def bound_to(self, pod: str) -> str:
        found = self.stack.plane.api.get("pods", pod, namespace=self.namespace)
        assert found is not None
        return str(found["spec"].get("nodeName", ""))

    def wait(self, done: Callable[[], object], *, seconds: float = 40.0) -> None:
        until(done, lambda: f"{self.status()}; log:\n{self.stack.operator.child.tail(12)}", seconds=seconds)

    def events(self, reason: str) -> list[str]:
        found = self.stack.plane.api.list("events")
        return [item["involvedObject"]["name"] for item in found if item["reason"] == reason]

    def unscheduled(self) -> list[str]:
        """What the scheduler said about pods that it found no node for."""
        found = self.stack.plane.api.list("events", namespace=self.namespace)
        return [item["message"] for item in found if item["reason"] == "FailedScheduling"]


def _plain(node: dict[str, Any]) -> list[dict[str, str]]:
    return [{key: taint.get(key, "") for key in TAINT} for taint in node["spec"].get("taints", [])]


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    with Stack(plane=control_plane, speed=60.0, flags=FAST) as running:
        yield running
        until(lambda: not _going(running), lambda: _going(running))


@pytest.fixture
def ward(stack: Stack, namespace: str) -> Iterator[Ward]:
    made = Ward(stack, namespace)
    yield made
    made.kubectl("delete", "pods", "--all", "--force", "--grace-period=0", check=False)
    made.kubectl("delete", "hpc", "--all", "--wait=false", check=False)  # while the next test begins


def _going(stack: Stack) -> list[str]:
    """Clusters that are being deleted."""
    found = [item["metadata"] for item in stack.plane.api.list("hpc")]
    return [about["name"] for about in found if "deletionTimestamp" in about]


def settled(ward: Ward, *, gpus: int) -> None:
    ward.wait(lambda: ward.status().get("nodeHealth", {}).get("schedulable") == gpus, seconds=60)


def test_a_pod_stays_off_a_sick_node_and_lands_when_the_taint_is_gone(ward: Ward) -> None:
    ward.cluster(gpus=1)
    settled(ward, gpus=1)
    (name,) = ward.nodes()
    ward.decision(name, "Unschedulable")
    ward.wait(lambda: ward.tainted() == {name})
    ward.pod("train")
    ward.wait(lambda: any("untolerated taint" in note for note in ward.unscheduled()))
    assert ward.bound_to("train") == ""
    ward.decision(name, "Schedulable")
    ward.wait(lambda: ward.bound_to("train") == name)
    assert ward.tainted() == set()
    ward.wait(lambda: {name, ward.name} <= set(ward.events("NodeTainted")))
    ward.wait(lambda: {name, ward.name} <= set(ward.events("NodeUntainted")))


def test_a_pod_that_tolerates_the_taint_may_run_on_a_sick_node(ward: Ward) -> None:
    ward.cluster(gpus=1)
    settled(ward, gpus=1)
    (name,) = ward.nodes()
    ward.stack.simulator.health.forget_taints(ward.name, "gpu")
    ward.stack.simulator.health.fail(node=name, recovery=None)
    ward.wait(lambda: ward.tainted() == {name})
    ward.pod("agent", tolerations=[{"key": TAINT["key"], "operator": "Exists"}])
    ward.wait(lambda: ward.bound_to("agent") == name)


def test_the_job_goes_elsewhere_and_comes_back_to_the_replacement(ward: Ward) -> None:
    ward.cluster(gpus=2)
    settled(ward, gpus=2)
    before = set(ward.nodes())
    sick = sorted(before)[0]
    ward.stack.simulator.health.forget_taints(ward.name, "gpu")
    ward.stack.simulator.health.fail(node=sick, recovery="replace")
    ward.wait(lambda: sick in ward.tainted())
    ward.pod("train")
    ward.wait(lambda: ward.bound_to("train") in before - {sick})
    ward.wait(lambda: sick not in ward.nodes() and len(ward.nodes()) == 2, seconds=60)
    (new,) = set(ward.nodes()) - before
    ward.pod("next", affinity=_only(new))
    ward.wait(lambda: ward.bound_to("next") == new)
    settled(ward, gpus=2)
    assert ward.condition("NodesHealthy")["status"] == "True"
    ward.wait(lambda: ward.name in ward.events("NodeReplaced"))


def test_hyperpods_own_taint_and_strangers_taints_are_left_alone(ward: Ward) -> None:
    ward.cluster(gpus=1)
    settled(ward, gpus=1)
    (name,) = ward.nodes()
    ward.kubectl("taint", "node", name, "example.com/theirs=x:NoExecute")
    ward.stack.simulator.health.fail(node=name, recovery=None)
    ward.wait(lambda: ward.status()["nodeHealth"].get("unschedulable") == 1)
    node = ward.nodes()[name]
    assert not any(key.startswith("hyperpod-operator.dev/tainted") for key in node["metadata"]["annotations"])
    assert {"key": "example.com/theirs", "value": "x", "effect": "NoExecute"} in _plain(node)


def test_observe_reports_and_changes_no_node(ward: Ward) -> None:
    ward.cluster(gpus=1, management={"nodeHealth": "Observe"})
    settled(ward, gpus=1)
    (name,) = ward.nodes()
    ward.stack.simulator.health.forget_taints(ward.name, "gpu")
    ward.stack.simulator.health.fail(node=name, recovery=None)
    ward.wait(lambda: ward.status()["nodeHealth"].get("unschedulable") == 1)
    assert ward.tainted() == set()
    assert not any(key.startswith("hyperpod-operator.dev/") for key in ward.nodes()[name]["metadata"]["labels"])


def test_people_can_select_by_what_the_prefix_hides(ward: Ward) -> None:
    ward.cluster(gpus=1)
    settled(ward, gpus=1)
    (name,) = ward.nodes()
    ward.pod("train", nodeSelector={"hyperpod-operator.dev/accelerator-name": "H100"})
    ward.wait(lambda: ward.bound_to("train") == name)


def test_a_restart_writes_nothing_to_nodes_that_are_right(ward: Ward) -> None:
    ward.cluster(gpus=2)
    settled(ward, gpus=2)
    ward.wait(lambda: all(_labelled(item) for item in ward.nodes().values()))
    before = {name: _ours(item) for name, item in ward.nodes().items()}
    ward.stack.operator.stop()
    ward.stack.operator.start()
    ward.wait(lambda: 'kind="node"' in ward.stack.operator.get("/metrics")[1])
    time.sleep(2.0)  # long enough for a pass over the cluster, which is looked at every second here
    assert "hyperpod_operator_node_changes_total{" not in ward.stack.operator.get("/metrics")[1]
    assert {name: _ours(item) for name, item in ward.nodes().items()} == before


def test_a_mass_failure_taints_all_and_says_so_once(ward: Ward) -> None:
    ward.cluster(gpus=12)
    settled(ward, gpus=12)
    ward.stack.simulator.health.forget_taints(ward.name, "gpu")
    sick = ward.stack.simulator.health.fail(cluster=ward.name, group="gpu", share=0.5, recovery=None)
    ward.wait(lambda: ward.tainted() == set(sick))
    ward.wait(lambda: ward.condition("NodesHealthy").get("reason") == "ManyNodesUnhealthy")
    # It is many from five on: a pass between the labels of two nodes counts fewer than all.
    ward.wait(lambda: ward.status()["nodeHealth"].get("unschedulable") == len(sick))
    assert len(ward.status()["nodeHealth"]["worst"]) <= 10
    ward.wait(lambda: ward.events("ManyNodesUnhealthy") == [ward.name])


def _only(node: str) -> dict[str, Any]:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def _labelled(node: dict[str, Any]) -> bool:
    return "hyperpod-operator.dev/instance-group" in node["metadata"]["labels"]


def _ours(node: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in node["metadata"]["labels"].items() if "hyperpod-operator.dev/" in key}
