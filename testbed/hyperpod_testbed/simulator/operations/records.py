"""ListClusterEvents, DescribeClusterEvent, ListClusterOperations, DescribeClusterOperation."""

from hyperpod_testbed.simulator import pages, present_nodes
from hyperpod_testbed.simulator.errors import validation
from hyperpod_testbed.simulator.operations.lookup import cluster_of, not_found
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Event, Operation, Region


def list_events(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListClusterEvents, newest first; Continuous clusters only."""
    cluster = cluster_of(sim, region, request)
    if not cluster.continuous and sim.options.events_without_continuous == "error":
        raise validation("Cluster events are only supported for clusters with NodeProvisioningMode Continuous.")
    found = [event for event in cluster.events if _event_matches(event, request)]
    if request.get("SortOrder") != "Ascending":
        found.reverse()
    chosen, token = pages.page(found, request, operation="ListClusterEvents", default_size=sim.options.page_size)
    return pages.answer("Events", [present_nodes.event_summary(cluster, event) for event in chosen], token)


def describe_event(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeClusterEvent."""
    cluster = cluster_of(sim, region, request)
    for event in cluster.events:
        if event.id == request["EventId"]:
            return {"EventDetails": present_nodes.event_details(cluster, event)}
    raise not_found(sim, f"Event {request['EventId']} does not exist in cluster {cluster.name}.")


def list_operations(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListClusterOperations, newest first."""
    cluster = cluster_of(sim, region, request)
    found = [item for item in cluster.operations if _operation_matches(item, request)]
    if request.get("SortOrder") != "Ascending":
        found.reverse()
    size = sim.options.page_size
    chosen, token = pages.page(found, request, operation="ListClusterOperations", default_size=size)
    return pages.answer(
        "ClusterOperationSummaries", [present_nodes.operation_summary(cluster, item) for item in chosen], token
    )


def describe_operation(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeClusterOperation."""
    cluster = cluster_of(sim, region, request)
    for item in cluster.operations:
        if item.id == request["OperationId"]:
            return present_nodes.operation_details(cluster, item)
    raise not_found(sim, f"Operation {request['OperationId']} does not exist in cluster {cluster.name}.")


def _event_matches(event: Event, request: JSON) -> bool:
    after, before = request.get("EventTimeAfter"), request.get("EventTimeBefore")
    return (
        request.get("InstanceGroupName") in {None, event.group}
        and request.get("NodeId") in {None, event.instance_id}
        and request.get("ResourceType") in {None, event.resource}
        and request.get("OperationId") in {None, event.operation}
        and (after is None or event.time > after)
        and (before is None or event.time < before)
    )


def _operation_matches(item: Operation, request: JSON) -> bool:
    after, before = request.get("CreationTimeAfter"), request.get("CreationTimeBefore")
    return (
        request.get("Status") in {None, item.status}
        and request.get("Type") in {None, item.type}
        and (after is None or item.created_at > after)
        and (before is None or item.created_at < before)
    )
