"""The command `demo`: the operator's main job, on real parts, as a person would see it.

Every line that starts with $ is a command that could be typed; what follows is its own output. Nothing is
asserted by hand: a scene waits for what kubectl shows, and one that does not come to its end fails the demo.
"""

import re
from collections import Counter

import boto3
import click

from hyperpod_testbed.control_plane.build import BuildError
from hyperpod_testbed.control_plane.control_plane import ControlPlaneError
from hyperpod_testbed.demo_day_two import a_bad_node_is_replaced, a_scale_in_is_approved
from hyperpod_testbed.demo_nodes import a_gpu_fails, a_volume_is_claimed, the_claim_is_deleted
from hyperpod_testbed.stack import ROOT, Stack
from hyperpod_testbed.stage import NAME, Stage, edited, wait

EXAMPLE = ROOT / "examples" / "gpu-and-cpu.yaml"
SPEED = 60.0


@click.command()
def demo() -> None:
    """Create, scale, break, heal, operate and delete a cluster with a volume, in about three minutes."""
    try:
        with Stack(speed=SPEED) as stack:
            _play(Stage(stack))
    except (BuildError, ControlPlaneError) as error:
        raise click.ClickException(str(error)) from error


def _play(stage: Stage) -> None:
    manifest = EXAMPLE.read_text()
    print(
        "A real kube-apiserver, etcd, scheduler and controller-manager, the real operator process, and a HyperPod\n"
        f"simulator in AWS's place whose clock runs {SPEED:.0f} times as fast as AWS's."
    )
    stage.title("A cluster with a GPU group and a CPU group is applied")
    stage.run("apply", "-f", str(EXAMPLE), shown=f"kubectl apply -f {EXAMPLE.relative_to(ROOT)}")
    stage.watch(until=lambda row: _ready(row, "6/6"), what="a cluster with 6 nodes")
    stage.run("get", "nodes", "-L", "node.kubernetes.io/instance-type,example.com/pool")

    stage.title("The CPU group is scaled from 2 to 3")
    manifest = edited(manifest, r"instanceCount: 2", "instanceCount: 3")
    stage.apply(manifest, edit="sed 's/instanceCount: 2/instanceCount: 3/' examples/gpu-and-cpu.yaml")
    stage.watch(until=lambda row: _ready(row, "7/7"), what="the seventh node")

    stage.title("A node label is edited: HyperPod puts it on the nodes")
    manifest = edited(manifest, r"example.com/pool: gpu", "example.com/pool: training")
    stage.apply(manifest, edit="sed 's/pool: gpu/pool: training/' ...")
    wait(lambda: _labelled(stage.stack) == 4, "the label on 4 nodes")
    stage.run("get", "nodes", "-L", "example.com/pool")

    stage.title("AWS runs out of GPUs: the GPU group is scaled to 8 and gets 5")
    stage.stack.simulator.world.limit_capacity(NAME, "gpu", 5)
    manifest = edited(manifest, r"instanceCount: 4", "instanceCount: 8")
    stage.apply(manifest, edit="sed 's/instanceCount: 4/instanceCount: 8/' ...")
    stage.watch(until=lambda row: "capacity" in row.lower() and "8/11" in row, what="the shortage")
    path = '{range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}'
    stage.run("get", "hpc", NAME, "-o", f"jsonpath={path}", shown=f"kubectl get hpc {NAME} -o jsonpath=<conditions>")

    stage.title("Capacity comes back: HyperPod's next try succeeds, nobody has to act")
    stage.stack.simulator.world.restore_capacity(NAME, "gpu")
    stage.watch(until=lambda row: _ready(row, "11/11"), what="all 11 nodes")

    a_volume_is_claimed(stage)
    a_gpu_fails(stage)
    the_claim_is_deleted(stage)
    a_bad_node_is_replaced(stage)
    a_scale_in_is_approved(stage, manifest)

    # Nothing is left to approve: the deletion itself would wait for a word, too.
    stage.run("patch", "hpc", NAME, "--type=merge", "-p", '{"spec":{"management":{"changePolicy":"Auto"}}}')
    stage.title("The cluster is deleted")
    stage.run("delete", "hpc", NAME, "--timeout=120s")
    wait(lambda: not _nodes(stage.stack), "the end of the last node")
    _nothing_left(stage)


def _nothing_left(stage: Stage) -> None:
    """What AWS and Kubernetes hold afterwards, and what it took to get there."""
    stage.title("Nothing is left behind")
    stage.run("get", "hpc,nodes")
    calls = stage.stack.simulator.log.calls()
    clusters = _clusters(stage.stack)
    if clusters:
        raise click.ClickException(f"AWS still has clusters: {clusters}")
    mutating = Counter(call.operation for call in calls if call.mutating)
    reads = sum(1 for call in calls if not call.mutating)
    print(f"AWS has no cluster. Calls that changed AWS: {dict(mutating)}; reads: {reads}.")
    print(
        "\nThe demo is over: created, scaled, relabelled, broken, healed, followed, operated, approved, deleted.",
        flush=True,
    )


def _clusters(stack: Stack) -> list[str]:
    values = stack.simulator.environment()
    client = boto3.client(
        "sagemaker",
        endpoint_url=stack.simulator.url,
        region_name=values["AWS_REGION"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )
    return [summary["ClusterName"] for summary in client.list_clusters()["ClusterSummaries"]]


def _ready(row: str, nodes: str) -> bool:
    return re.search(rf"\bTrue\b.*\b{nodes}\b", row) is not None


def _labelled(stack: Stack) -> int:
    return len(stack.plane.kubectl("get", "nodes", "-l", "example.com/pool=training", "-o", "name").stdout.split())


def _nodes(stack: Stack) -> list[str]:
    return stack.plane.kubectl("get", "nodes", "-o", "name").stdout.split()
