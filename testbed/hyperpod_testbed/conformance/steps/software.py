"""A software update, the calls that it blocks, and reads in a burst."""

from hyperpod_testbed.conformance.record import JSON
from hyperpod_testbed.conformance.run import GROUP, SMALL_GROUP, Run

READS = 60
"""Calls of a burst; AWS allows fewer at once in a fresh account."""


def update(run: Run) -> None:
    arn = str(run.describe("software.before").get("ClusterArn"))
    node = run.running("software.nodes", GROUP)[0]["InstanceId"]
    if not run.call("software.update", "UpdateClusterSoftware", ClusterName=run.cluster).ok:
        return
    run.describe("software.status")
    accepted = _act_on(run, arn=arn, node=node)
    run.call("software.update-cluster", "UpdateCluster", ClusterName=run.cluster, InstanceGroups=run.usual())
    run.call(
        "software.attach",
        "AttachClusterNodeVolume",
        ClusterArn=arn,
        NodeId=node,
        VolumeId="vol-00000000000000000",
    )
    run.rest("software.rest")
    run.describe("software.after")
    if accepted:
        run.call("software.restore", "UpdateCluster", ClusterName=run.cluster, InstanceGroups=run.usual())
    run.settle("software.settle", nodes=2)
    run.settle("software.settle-second", nodes=1, group=SMALL_GROUP)


def burst(run: Run) -> None:
    for _ in range(READS):
        run.describe("burst.describe")


def _act_on(run: Run, *, arn: str, node: str) -> bool:
    """The calls on a node, the harmless one first, until AWS accepts one: the others would meet a changed node then."""
    here = {"ClusterName": run.cluster, "NodeIds": [node]}
    move = {
        "SourceClusterArn": arn,
        "SourceInstanceGroupName": GROUP,
        "TargetClusterArn": arn,
        "TargetInstanceGroupName": SMALL_GROUP,
        "NodeIds": [node],
    }
    calls: tuple[tuple[str, str, JSON], ...] = (
        ("reboot", "BatchRebootClusterNodes", here),
        ("replace", "BatchReplaceClusterNodes", here),
        ("move", "MoveClusterNodes", move),
        ("delete", "BatchDeleteClusterNodes", here),
    )
    return any(run.call(f"software.{step}", name, **request).get("Successful") for step, name, request in calls)
