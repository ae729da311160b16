"""The scenes of the demo about a running cluster: a scale-in is held, AWS has no capacity, a bad node is replaced."""

import json

from hyperpod_testbed.stage import MANIFESTS, NAME, Stage, wait

WHERE = "custom-columns=NAME:.metadata.name,NODE:.spec.nodeName"
MESSAGE = 'jsonpath={.status.conditions[?(@.type=="Ready")].message}'
GPU, CPU = 0, 1
"""Places of the groups in the spec."""


def a_scale_in_is_held(stage: Stage) -> None:
    """The plan waits for an approval, and one command says so."""
    stage.title(
        "Changes that destroy are to be approved: the CPU group is scaled in under a running job. Why no change?"
    )
    stage.apply(MANIFESTS / "job-prepare.yaml")
    wait(lambda: len(_nodes_of_job(stage, "prepare")) == 2, "two nodes for the job")
    _policy(stage, "ApproveDisruptive")
    scale(stage, CPU, 1)
    wait(lambda: "Pending" in _plan_state(stage), "the plan")
    stage.plugin("explain", NAME)


def the_scale_in_is_approved(stage: Stage) -> None:
    """Approved, it still waits for the pods of the job."""
    stage.title("The scale-in is approved: the operator keeps new pods off a node and waits for its job")
    stage.plugin("approve", NAME, "--yes")
    stage.show_when("get", "hpc", NAME, "-o", MESSAGE, done=lambda text: "prepare" in text, what="what is awaited")
    stage.run("delete", "job", "prepare")
    stage.watch(until=lambda row: " True " in row and " 5/5 " in row, what="the end of the node")
    _policy(stage, "Auto")


def labels_are_edited(stage: Stage) -> None:
    """A label of the spec reaches Nodes that are there."""
    stage.title("A node label is edited: HyperPod puts it on the nodes")
    path = f"/spec/instanceGroups/{GPU}/kubernetesConfig/labels/example.com~1pool"
    stage.run("patch", "hpc", NAME, "--type=json", "-p", _replaces(path, "training"))
    selector = ("get", "nodes", "-l", "example.com/pool=training")
    wait(lambda: len(stage.stack.plane.kubectl(*selector, "-o", "name").stdout.split()) == 4, "the label on 4 nodes")
    stage.run(*selector)


def aws_has_no_capacity(stage: Stage) -> None:
    """A shortage is explained, and ends by itself."""
    stage.title("The GPU group is scaled to 6, and AWS has capacity for 5. Why is it not ready?")
    stage.stack.simulator.world.limit_capacity(NAME, "gpu", 5)
    scale(stage, GPU, 6)
    stage.watch(until=lambda row: "capacity" in row.lower() and " 6/7 " in row, what="the shortage")
    stage.plugin("explain", NAME)

    stage.title("Capacity comes back: HyperPod's next try succeeds, nobody has to act")
    stage.stack.simulator.world.restore_capacity(NAME, "gpu")
    stage.watch(until=lambda row: " True " in row and " 7/7 " in row, what="all nodes")


def a_bad_node_is_replaced(stage: Stage, *, nodes: int) -> None:
    """One command, and the job that ran there goes on elsewhere; the cluster has so many `nodes`."""
    stage.title("A node is bad: one command moves its job and has the node replaced")
    stage.apply(MANIFESTS / "job-finetune.yaml")
    wait(lambda: len(_nodes_of_job(stage, "finetune")) == 1, "a node for the job")
    stage.run("get", "pods", "-l", "app=finetune", "-o", WHERE)
    (bad,) = _nodes_of_job(stage, "finetune")
    stage.plugin("replace", bad, "--yes", "--wait")
    wait(lambda: _nodes_of_job(stage, "finetune") not in ([], [bad]), "the job on another node")
    stage.run("get", "pods", "-l", "app=finetune", "-o", WHERE)
    stage.watch(until=lambda row: " True " in row and f" {nodes}/{nodes} " in row, what="all nodes")
    stage.run("delete", "job", "finetune")


def scale(stage: Stage, group: int, count: int) -> None:
    """Edit the count of a group as a person would, without the file."""
    path = f"/spec/instanceGroups/{group}/instanceCount"
    stage.run("patch", "hpc", NAME, "--type=json", "-p", _replaces(path, count))


def _policy(stage: Stage, policy: str) -> None:
    change = json.dumps({"spec": {"management": {"changePolicy": policy}}}, separators=(",", ":"))
    stage.run("patch", "hpc", NAME, "--type=merge", "-p", change)


def _replaces(path: str, value: object) -> str:
    return json.dumps([{"op": "replace", "path": path, "value": value}], separators=(",", ":"))


def _plan_state(stage: Stage) -> str:
    return stage.stack.plane.kubectl("get", "hpc", NAME, "-o", "jsonpath={.status.plan.state}").stdout


def _nodes_of_job(stage: Stage, name: str) -> list[str]:
    found = json.loads(stage.stack.plane.kubectl("get", "pods", "-l", f"app={name}", "-o", "json").stdout)["items"]
    return sorted(one["spec"]["nodeName"] for one in found if one["spec"].get("nodeName"))
