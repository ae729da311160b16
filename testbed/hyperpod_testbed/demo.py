"""The command `demo`: the operator's main job, on real parts, as a person would see it.

Every line that starts with $ is a command that could be typed; what follows is its own output. Nothing is
asserted by hand: a scene waits for what kubectl shows, and one that does not come to its end fails the demo.
"""

from collections import Counter

import boto3
import click

from hyperpod_testbed.control_plane import ControlPlaneError
from hyperpod_testbed.control_plane.build import BuildError
from hyperpod_testbed.demo_day_two import (
    a_bad_node_is_replaced,
    a_scale_in_is_held,
    aws_has_no_capacity,
    labels_are_edited,
    the_scale_in_is_approved,
)
from hyperpod_testbed.demo_nodes import (
    a_gpu_fails,
    a_volume_is_claimed,
    the_claim_is_deleted,
    the_volume_has_followed,
)
from hyperpod_testbed.demo_safety import (
    FOREIGN_NAME,
    a_foreign_cluster_is_left_alone,
    killed_in_mid_create,
    the_creation_goes_on,
)
from hyperpod_testbed.stack import COMMAND, Stack
from hyperpod_testbed.stage import NAME, Stage, announced, wait

SPEED = 120.0
OURS = f"sagemaker.amazonaws.com/cluster-name={NAME}"
"""Label of the cluster's Nodes: the other team's cluster keeps its own."""


@click.command()
def demo() -> None:
    """Kill the operator in mid-create, break a node, hold a scale-in, and more, in about a minute and a half."""
    try:
        with Stack(speed=SPEED, chart_account=announced(), program=COMMAND) as stack:
            _play(Stage(stack))
    except (BuildError, ControlPlaneError) as error:
        raise click.ClickException(str(error)) from error


def _play(stage: Stage) -> None:
    """What only this operator does comes first: many watch for half a minute."""
    print(
        "A real kube-apiserver, etcd, scheduler and controller-manager, the real operator process, and a HyperPod\n"
        f"simulator in AWS's place whose clock runs {SPEED:.0f} times as fast as AWS's. In a second terminal:\n"
        f"  export KUBECONFIG={stage.stack.plane.kubeconfig} PATH={stage.stack.plane.kubectl_path.parent}:$PATH"
    )
    killed_in_mid_create(stage)
    a_foreign_cluster_is_left_alone(stage)
    the_creation_goes_on(stage)
    a_volume_is_claimed(stage)
    lost = a_gpu_fails(stage)
    a_scale_in_is_held(stage)
    the_volume_has_followed(stage, lost=lost)
    the_scale_in_is_approved(stage)
    labels_are_edited(stage)
    the_claim_is_deleted(stage)
    aws_has_no_capacity(stage)
    a_bad_node_is_replaced(stage, nodes=7)

    stage.title("The cluster is deleted")
    stage.run("delete", "hpc", NAME, "--timeout=120s")
    wait(lambda: not _nodes(stage.stack), "the end of the last node")
    _nothing_left(stage)


def _nothing_left(stage: Stage) -> None:
    """What AWS and Kubernetes hold afterwards, and what it took to get there."""
    stage.title("Nothing is left behind")
    stage.run("get", "nodes", "-l", OURS)
    calls = stage.stack.simulator.log.calls()
    clusters = _clusters(stage.stack)
    if clusters != [FOREIGN_NAME]:
        raise click.ClickException(f"AWS has the clusters {clusters}, not only {FOREIGN_NAME}")
    mutating = Counter(call.operation for call in calls if call.mutating)
    reads = sum(1 for call in calls if not call.mutating)
    print(
        f"AWS has the other team's cluster and no other one. Calls that changed AWS: {dict(mutating)}; reads: {reads}."
    )
    print(
        "\nThe demo is over: killed, left alone, tainted, held, followed, approved, relabelled, healed, deleted.",
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


def _nodes(stack: Stack) -> list[str]:
    return stack.plane.kubectl("get", "nodes", "-l", OURS, "-o", "name").stdout.split()
