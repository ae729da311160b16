"""Nodes, operations and events as the API shows them."""

import copy

from hyperpod_testbed.simulator import ultraservers
from hyperpod_testbed.simulator.present import image_status, kubernetes_details, stamp, threads, without_nothing
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Event, Instance, Operation

_ECHOED_BY_NODES = ("LifeCycleConfig", "OverrideVpcConfig", "InstanceStorageConfigs", "NetworkInterface")


def node_summary(sim: Simulation, cluster: Cluster, instance: Instance) -> JSON:
    """ClusterNodeSummary."""
    details = node_details(sim, cluster, instance)
    names = (
        "InstanceGroupName",
        "InstanceId",
        "NodeLogicalId",
        "InstanceType",
        "LaunchTime",
        "LastSoftwareUpdateTime",
        "InstanceStatus",
        "UltraServerInfo",
        "PrivateDnsHostname",
        "CurrentImageReleaseVersion",
        "ImageVersionStatus",
    )
    answer = {name: details[name] for name in names if name in details}
    if instance.instance_id is None and sim.options.pending_instance_id == "empty":
        answer |= {"InstanceId": "", "LaunchTime": stamp(instance.requested_at)}
    return answer


def node_details(sim: Simulation, cluster: Cluster, instance: Instance) -> JSON:
    """ClusterNodeDetails."""
    group = cluster.groups[instance.group]
    spot = "Spot" in (group.spec.get("CapacityRequirements") or {})
    answer: JSON = {
        "InstanceGroupName": instance.group,
        "InstanceId": instance.instance_id,
        "NodeLogicalId": instance.logical_id if cluster.continuous else None,
        "InstanceStatus": instance_status(sim, instance),
        "InstanceType": instance.type,
        "LaunchTime": stamp(instance.launched_at),
        "LastSoftwareUpdateTime": stamp(instance.updated_at),
        "ThreadsPerCore": threads(sim, group, instance.type),
        "CurrentImageReleaseVersion": instance.image_version,
        "DesiredImageReleaseVersion": group.desired_image_version,
        "CurrentImageId": instance.image_id,
        "DesiredImageId": group.desired_image_id,
        "ImageVersionStatus": image_status(sim, instance.image_version),
        "KubernetesConfig": kubernetes_details(
            group.spec.get("KubernetesConfig"), {"Labels": instance.labels, "Taints": instance.taints}
        ),
        "CapacityType": "Spot" if spot else "OnDemand",
        "UltraServerInfo": ultraservers.info(instance),
    }
    if instance.address:
        answer["PrivatePrimaryIp"] = instance.address
        answer["PrivateDnsHostname"] = f"ip-{instance.address.replace('.', '-')}.{cluster.region}.compute.internal"
    if not cluster.region.startswith("us-gov-"):
        # The pattern of AvailabilityZone does not fit the zones of GovCloud.
        answer["Placement"] = {"AvailabilityZone": instance.zone.name, "AvailabilityZoneId": instance.zone.id}
    for name in _ECHOED_BY_NODES:
        answer[name] = copy.deepcopy(group.spec.get(name))
    return without_nothing(answer)


def instance_status(sim: Simulation, instance: Instance) -> JSON:
    """ClusterInstanceStatusDetails."""
    status = sim.options.failed_node_status if instance.status == "Failure" else instance.status
    return {"Status": status, "Message": instance.message} if instance.message else {"Status": status}


def operation_summary(cluster: Cluster, item: Operation) -> JSON:
    """ClusterOperationSummary."""
    return {
        "OperationId": item.id,
        "ClusterArn": cluster.arn,
        "Type": item.type,
        "Status": item.status,
        "CreationTime": stamp(item.created_at),
    }


def operation_details(cluster: Cluster, item: Operation) -> JSON:
    """Output of DescribeClusterOperation."""
    answer = operation_summary(cluster, item)
    if item.scaling:
        answer["ScalingDetails"] = copy.deepcopy(item.scaling)
    if item.checks:
        answer["DeepHealthCheckDetails"] = copy.deepcopy(item.checks)
    return answer


def event_summary(cluster: Cluster, event: Event) -> JSON:
    """ClusterEventSummary."""
    return without_nothing(
        {
            "EventId": event.id,
            "ClusterArn": cluster.arn,
            "ClusterName": cluster.name,
            "InstanceGroupName": event.group,
            "InstanceId": event.instance_id,
            "ResourceType": event.resource,
            "EventTime": stamp(event.time),
            "Description": event.description,
            "EventLevel": event.level,
            "OperationId": event.operation,
        }
    )


def event_details(cluster: Cluster, event: Event) -> JSON:
    """ClusterEventDetail."""
    answer = event_summary(cluster, event)
    if event.metadata:
        answer["EventDetails"] = {"EventMetadata": copy.deepcopy(event.metadata)}
    return answer
