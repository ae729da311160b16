"""The scenes of the demo about a running cluster: a bad node is replaced, and a scale-in is approved and waits."""

import json
from collections.abc import Mapping
from typing import Any

from hyperpod_operator.api.names import API_VERSION, APPROVE_PLAN, NODE_OPERATION_KIND
from hyperpod_testbed.stage import NAME, Stage, edited, wait

WHERE = "custom-columns=NAME:.metadata.name,NODE:.spec.nodeName"
STATE = "custom-columns=NAME:.metadata.name,STATE:.status.nodes[0].state,REPLACED-BY:.status.nodes[0].replacedBy"
PLAN = (
    'jsonpath={.status.plan.state}: {.status.plan.summary}{"\\n"}{range .status.plan.actions[*]}{.call} ({.effect}) '
    'nodes {.nodes}, {.pods} pods on them{"\\n"}{end}'
)
MESSAGE = 'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.reason}: {.message}{"\\n"}{end}'
GPU, CPU = "ml.p5.48xlarge", "ml.m5.4xlarge"


def a_bad_node_is_replaced(stage: Stage) -> None:
    """One object, and the job that ran there goes on elsewhere."""
    stage.title("A node is bad: one object has its job moved and the node replaced")
    _run_job(stage, "train", pods=1, on=GPU)
    stage.show_when("get", "pods", "-o", WHERE, done=lambda text: "hyperpod-i-" in text, what="a node for the job")
    (bad,) = _nodes_of_job(stage, "train")
    spec = {"clusterRef": {"name": NAME}, "operation": "Replace", "nodes": {"names": [bad]}, "reason": "XID 79"}
    body = {"apiVersion": API_VERSION, "kind": NODE_OPERATION_KIND, "metadata": {"name": "replace-one"}, "spec": spec}
    shown = f"kubectl apply -f replace-one.yaml   # Replace {bad}"
    stage.run("apply", "-f", "-", shown=shown, text=json.dumps(body))
    wait(lambda: _nodes_of_job(stage, "train") not in ([], [bad]), "the job on another node")
    stage.run("get", "pods", "-o", WHERE)
    stage.run("wait", "hpno/replace-one", "--for=condition=Complete", "--timeout=120s")
    stage.run("get", "hpno", "replace-one", "-o", STATE)
    stage.watch(until=lambda row: "11/11" in row, what="all nodes")
    stage.run("delete", "job", "train")


def a_scale_in_is_approved(stage: Stage, manifest: str) -> str:
    """The plan waits for a person; then the idle node ends at once, and the other one when its job has ended."""
    stage.title("Changes that destroy are to be approved: the CPU group is scaled from 3 to 1, and the plan waits")
    _run_job(stage, "prepare", pods=2, on=CPU)
    wait(lambda: len(_nodes_of_job(stage, "prepare")) == 2, "two nodes for the job")
    policy = "nodeRecovery: Automatic\n  management: {changePolicy: ApproveDisruptive}"
    manifest = edited(edited(manifest, "nodeRecovery: Automatic", policy), "instanceCount: 3", "instanceCount: 1")
    stage.apply(manifest, edit="sed 's/instanceCount: 3/instanceCount: 1/; ...changePolicy: ApproveDisruptive'")
    stage.show_when("get", "hpc", NAME, "-o", PLAN, done=lambda text: "Pending" in text, what="the plan")
    digest = str(_cluster(stage)["status"]["plan"]["digest"])

    stage.title("It is approved: the idle node ends, and the operator waits for the job on the other one")
    stage.run("annotate", "--overwrite", "hpc", NAME, f"{APPROVE_PLAN}={digest}")
    stage.watch(until=lambda row: "10/10" in row, what="the end of the idle node")
    stage.show_when("get", "hpc", NAME, "-o", MESSAGE, done=lambda text: "prepare" in text, what="what is awaited")

    stage.title("The job ends: so does its node, under the same approval")
    stage.run("delete", "job", "prepare")
    stage.watch(until=lambda row: "True" in row and "9/9" in row, what="the end of the second node")
    return manifest


def _run_job(stage: Stage, name: str, *, pods: int, on: str) -> None:
    labels = {"app": name}
    apart = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
    spec: Mapping[str, Any] = {
        "restartPolicy": "Never",
        # No kubelet ends a pod here.
        "terminationGracePeriodSeconds": 0,
        "nodeSelector": {"node.kubernetes.io/instance-type": on},
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}},
        "containers": [{"name": "main", "image": "train"}],
    }
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"parallelism": pods, "completions": pods, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }
    shown = f"kubectl apply -f {name}.yaml   # a Job with {pods} pod{'s' if pods > 1 else ''} on {on}"
    stage.run("apply", "-f", "-", shown=shown, text=json.dumps(body))


def _nodes_of_job(stage: Stage, name: str) -> list[str]:
    found = json.loads(stage.stack.plane.kubectl("get", "pods", "-l", f"app={name}", "-o", "json").stdout)["items"]
    return sorted(one["spec"]["nodeName"] for one in found if one["spec"].get("nodeName"))


def _cluster(stage: Stage) -> Mapping[str, Any]:
    return dict(json.loads(stage.stack.plane.kubectl("get", "hpc", NAME, "-o", "json").stdout))
