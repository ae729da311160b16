"""Operations on named nodes, and what they do to the counts."""

from hyperpod_testbed.conformance.run import GROUP, SMALL_GROUP, Run

UNKNOWN_NODE = "i-00000000000000000"
MANY = 51
"""One id more than the smaller limit that the documentation gives for BatchDeleteClusterNodes."""


def act(run: Run) -> None:
    here = {"ClusterName": run.cluster}
    run.call("nodes.unknown", "BatchRebootClusterNodes", **here, NodeIds=[UNKNOWN_NODE])
    many = [f"i-{index:017x}" for index in range(MANY)]
    run.call("nodes.many", "BatchDeleteClusterNodes", **here, NodeIds=many)
    first = run.running("nodes.list", GROUP)[0]
    run.call("nodes.reboot", "BatchRebootClusterNodes", **here, NodeIds=[first["InstanceId"]])
    run.nodes("nodes.reboot.nodes")
    run.settle("nodes.reboot.wait", nodes=2)
    _replace(run)
    _move(run)
    _delete(run)


def _replace(run: Run) -> None:
    node = run.running("nodes.replace.before", GROUP)[0]["InstanceId"]
    if run.call("nodes.replace", "BatchReplaceClusterNodes", ClusterName=run.cluster, NodeIds=[node]).ok:
        run.until(lambda: all(one["InstanceId"] != node for one in run.nodes("nodes.replace.wait")))
        run.settle("nodes.replace.settle", nodes=2)
        run.running("nodes.replace.after", GROUP)


def _move(run: Run) -> None:
    arn = str(run.describe("nodes.move.before").get("ClusterArn"))
    node = run.running("nodes.move.list", GROUP)[0]["InstanceId"]
    moved = run.call(
        "nodes.move",
        "MoveClusterNodes",
        SourceClusterArn=arn,
        SourceInstanceGroupName=GROUP,
        TargetClusterArn=arn,
        TargetInstanceGroupName=SMALL_GROUP,
        NodeIds=[node],
    )
    if not moved.ok:
        return
    run.nodes("nodes.move.nodes")
    run.until(lambda: any(one["InstanceId"] == node for one in run.running("nodes.move.wait", SMALL_GROUP)), every=5.0)
    run.describe("nodes.move.after")
    # What follows wants two nodes in the first group and one in the second, whatever the move did to the counts.
    run.call(
        "nodes.move.restore",
        "UpdateCluster",
        ClusterName=run.cluster,
        InstanceGroups=run.usual(),
    )
    run.settle("nodes.move.settle", nodes=2)
    run.settle("nodes.move.settle-second", nodes=1, group=SMALL_GROUP)


def _delete(run: Run) -> None:
    node = run.running("nodes.delete.list", GROUP)[0]["InstanceId"]
    if not run.call("nodes.delete", "BatchDeleteClusterNodes", ClusterName=run.cluster, NodeIds=[node]).ok:
        return
    run.until(lambda: all(one["InstanceId"] != node for one in run.nodes("nodes.delete.wait")))
    run.describe("nodes.delete.after")
    run.call("nodes.delete.restore", "UpdateCluster", ClusterName=run.cluster, InstanceGroups=run.usual())
    run.settle("nodes.delete.settle", nodes=2)
