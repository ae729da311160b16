"""The operations of the HyperPod API that the simulator has, by the name on the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hyperpod_testbed.simulator.operations import (
    attachments,
    batch,
    clusters,
    maintenance,
    move,
    nodes,
    records,
    tags,
    update,
)
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region


@dataclass(frozen=True)
class Handler:
    """What answers an operation, and whether the operation changes anything."""

    answer: Callable[[Simulation, Region, JSON], JSON]
    mutating: bool = False


OPERATIONS: Mapping[str, Handler] = {
    "CreateCluster": Handler(clusters.create_cluster, mutating=True),
    "DescribeCluster": Handler(clusters.describe_cluster),
    "ListClusters": Handler(clusters.list_clusters),
    "UpdateCluster": Handler(update.update_cluster, mutating=True),
    "DeleteCluster": Handler(clusters.delete_cluster, mutating=True),
    "ListClusterNodes": Handler(nodes.list_cluster_nodes),
    "DescribeClusterNode": Handler(nodes.describe_cluster_node),
    "AddTags": Handler(tags.add_tags, mutating=True),
    "DeleteTags": Handler(tags.delete_tags, mutating=True),
    "ListTags": Handler(tags.list_tags),
    "BatchAddClusterNodes": Handler(batch.batch_add, mutating=True),
    "BatchDeleteClusterNodes": Handler(batch.batch_delete, mutating=True),
    "BatchRebootClusterNodes": Handler(batch.batch_reboot, mutating=True),
    "BatchReplaceClusterNodes": Handler(batch.batch_replace, mutating=True),
    "MoveClusterNodes": Handler(move.move_nodes, mutating=True),
    "AttachClusterNodeVolume": Handler(attachments.attach, mutating=True),
    "DetachClusterNodeVolume": Handler(attachments.detach, mutating=True),
    "UpdateClusterSoftware": Handler(maintenance.update_software, mutating=True),
    "StartClusterHealthCheck": Handler(maintenance.start_health_check, mutating=True),
    "ListClusterEvents": Handler(records.list_events),
    "DescribeClusterEvent": Handler(records.describe_event),
    "ListClusterOperations": Handler(records.list_operations),
    "DescribeClusterOperation": Handler(records.describe_operation),
}
