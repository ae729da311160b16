"""A software update, the calls that it blocks, and reads in a burst."""

from hyperpod_testbed.conformance.run import GROUP, SMALL_GROUP, Run

READS = 60
"""Calls of a burst; AWS allows fewer at once in a fresh account."""


def update(run: Run) -> None:
    arn = str(run.describe("software.before").get("ClusterArn"))
    node = run.running("software.nodes", GROUP)[0]["InstanceId"]
    if not run.call("software.update", "UpdateClusterSoftware", ClusterName=run.cluster).ok:
        return
    run.describe("software.status")
    _act_on(run, arn=arn, node=node)
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
    run.settle("software.settle", nodes=2)
    run.settle("software.settle-second", nodes=1, group=SMALL_GROUP)


def burst(run: Run) -> None:
    for _ in range(READS):
        run.describe("burst.describe")


def _act_on(run: Run, *, arn: str, node: str) -> None:
    """The calls on a node, the harmless one first; where AWS accepts one, the others would meet a changed node."""
    here = {"ClusterName": run.cluster, "NodeIds": [node]}
    for step, operation in (("reboot", "BatchRebootClusterNodes"), ("replace", "BatchReplaceClusterNodes")):
        call = run.call(f"software.{step}", operation, **here)
        if call.get("Successful"):
            return
    moved = run.call(
        "software.move",
        "MoveClusterNodes",
        SourceClusterArn=arn,
        SourceInstanceGroupName=GROUP,
        TargetClusterArn=arn,
        TargetInstanceGroupName=SMALL_GROUP,
        NodeIds=[node],
    )
    if not moved.get("Successful"):
        run.call("software.delete", "BatchDeleteClusterNodes", **here)
