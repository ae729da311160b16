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
    run.call("software.reboot", "BatchRebootClusterNodes", ClusterName=run.cluster, NodeIds=[node])
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
