"""ListClusterNodes and DescribeClusterNode."""

from hyperpod_testbed.simulator import pages, present_nodes, recovery
from hyperpod_testbed.simulator.operations.lookup import cluster_of, instance_of
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Instance, Region


def list_cluster_nodes(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListClusterNodes: nodes with an instance id, unless IncludeNodeLogicalIds asks for all."""
    cluster = cluster_of(sim, region, request)
    logical = bool(request.get("IncludeNodeLogicalIds")) and cluster.continuous
    found = [
        one
        for one in cluster.instances.values()
        if _listed(sim, cluster, one, logical=logical) and _matches(one, request)
    ]
    by_name = request.get("SortBy") == "NAME"
    descending = request.get("SortOrder") == "Descending"
    found.sort(key=lambda one: (one.group if by_name else "", _time(one), one.serial), reverse=descending)
    chosen, token = pages.page(found, request, operation="ListClusterNodes", default_size=sim.options.page_size)
    summaries = [present_nodes.node_summary(sim, cluster, one) for one in chosen]
    if not logical:
        for summary in summaries:
            summary.pop("NodeLogicalId", None)
    return pages.answer("ClusterNodeSummaries", summaries, token)


def describe_cluster_node(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeClusterNode, by instance id or logical id."""
    cluster = cluster_of(sim, region, request)
    return {"NodeDetails": present_nodes.node_details(sim, cluster, instance_of(sim, cluster, request))}


def _listed(sim: Simulation, cluster: Cluster, instance: Instance, *, logical: bool) -> bool:
    """By option a node that ends or failed leaves the list before CurrentCount falls; a replaced or stuck one stays.

    With NodeRecovery None a failed node stays until somebody replaces it: what was recorded is of nodes that end.
    """
    stays = instance.replaced or instance.message or cluster.status == "Deleting"
    ending = instance.status == "ShuttingDown" and not stays
    lost = instance.status == "Failure" and recovery.automatic(cluster)
    if lost and sim.options.failed_nodes == "unlisted":
        return False
    if ending and sim.options.scale_in == "nodes_first":
        return False
    return logical or instance.instance_id is not None


def _matches(instance: Instance, request: JSON) -> bool:
    after, before = request.get("CreationTimeAfter"), request.get("CreationTimeBefore")
    return (
        request.get("InstanceGroupNameContains", "") in instance.group
        and (after is None or _time(instance) > after)
        and (before is None or _time(instance) < before)
    )


def _time(instance: Instance) -> float:
    return instance.requested_at if instance.launched_at is None else instance.launched_at
