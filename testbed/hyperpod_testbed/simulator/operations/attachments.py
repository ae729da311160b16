"""AttachClusterNodeVolume and DetachClusterNodeVolume.

SageMaker checks what it knows (cluster, node, group), then EC2 checks the volume; what EC2 refuses comes back as
ValidationException. Neither call is idempotent and there is no force.
"""

from hyperpod_testbed.simulator.ebs import places
from hyperpod_testbed.simulator.ebs.errors import in_use, incorrect_state, volume_not_found, wrapped
from hyperpod_testbed.simulator.ebs.lifetimes import SERVICE, later, resource, start_detach
from hyperpod_testbed.simulator.ebs.state import Attachment, Volume
from hyperpod_testbed.simulator.ebs.volumes import usable_key
from hyperpod_testbed.simulator.errors import AwsError, validation
from hyperpod_testbed.simulator.operations.lookup import cluster_of, not_found
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Instance, Region

EC2_ACTIONS = {"AttachClusterNodeVolume": "AttachVolume", "DetachClusterNodeVolume": "DetachVolume"}
"""The right that EC2 asks of the caller, whose permissions SageMaker passes on."""
_DEVICES = {
    "xvd": [f"/dev/xvd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz"],
    "sd": [f"/dev/sd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz"],
    "beyond_model": [f"/dev/xvd{first}{second}" for first in "bcd" for second in "abcdefghijklmnopqrstuvwxyz"],
}


def attach(sim: Simulation, region: Region, request: JSON) -> JSON:
    """AttachClusterNodeVolume: a free volume, in the zone of a node that takes one more; attached after a while."""
    cluster, instance = _node(sim, region, request)
    try:
        volume = _volume(region, request)
        known = volume.at(request["NodeId"])
        if known and known.resource and sim.options.attach_again == "accept":
            return _answer(cluster, volume, known)
        made = _attach(sim, region, cluster, instance, volume)
    except AwsError as error:
        raise wrapped(sim, error) from error
    if region.ebs.script.stuck_attachments > 0:
        region.ebs.script.stuck_attachments -= 1
        made.stuck = True
    later(sim, volume, made, sim.timings.volume_attach, "attached" if usable_key(sim, region, volume) else "detached")
    return _answer(cluster, volume, made)


def detach(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DetachClusterNodeVolume: `busy` for as long as the node uses the volume; there is no force."""
    cluster, _ = _node(sim, region, request, gone_too=True)
    try:
        volume = _volume(region, request)
        found = volume.at(request["NodeId"])
        if not volume.attachments:
            raise incorrect_state(f"Volume '{volume.id}' is in the '{volume.status}' state.")
        if found is None or found.resource != resource(cluster, request["NodeId"]):
            raise AwsError(
                "InvalidAttachment.NotFound", f"Volume '{volume.id}' is not attached to instance '{request['NodeId']}'"
            )
        if found.status == "attaching" and sim.options.detach_while_attaching == "IncorrectState":
            raise incorrect_state(f"Volume '{volume.id}' is in the 'attaching' state.")
    except AwsError as error:
        raise wrapped(sim, error) from error
    start_detach(sim, volume, found)
    return _answer(cluster, volume, found)


def _node(sim: Simulation, region: Region, request: JSON, *, gone_too: bool = False) -> tuple[Cluster, Instance | None]:
    cluster = cluster_of(sim, region, {"ClusterName": request["ClusterArn"]})
    if "Eks" not in (cluster.spec.get("Orchestrator") or {}):
        raise validation("The operation is only supported for clusters that are orchestrated by Amazon EKS.")
    _check_gate(sim, cluster)
    instance = cluster.by_id.get(request["NodeId"])
    if instance is None and not (gone_too and _remembered(region, cluster, request)):
        raise not_found(sim, f"Node {request['NodeId']} does not exist in cluster {cluster.name}.")
    if instance is not None and cluster.groups[instance.group].restricted:
        raise validation("The operation is not supported for nodes of restricted instance groups.")
    return cluster, instance


def _remembered(region: Region, cluster: Cluster, request: JSON) -> bool:
    """Whether an attachment still names a node that is gone."""
    volume = region.ebs.volumes.get(request["VolumeId"])
    wanted = resource(cluster, request["NodeId"])
    return volume is not None and any(one.resource == wanted for one in volume.attachments)


def _check_gate(sim: Simulation, cluster: Cluster) -> None:
    gate = sim.options.attach_gate
    waiting = any(group.status in {"Creating", "Updating"} for group in cluster.groups.values())
    if gate == "deleting":
        closed = cluster.status in {"Creating", "Deleting", "Failed"}
    else:
        closed = cluster.status != "InService" or (gate == "groups" and waiting)
    if closed:
        raise AwsError(
            sim.options.attach_gate_error,
            f"Cluster {cluster.name} must be InService to attach or detach volumes; it is {cluster.status}"
            f"{' with instance groups that change' if cluster.status == 'InService' else ''}.",
        )


def _volume(region: Region, request: JSON) -> Volume:
    found = region.ebs.volumes.get(request["VolumeId"])
    if found is None:
        raise volume_not_found(request["VolumeId"])
    return found


def _attach(sim: Simulation, region: Region, cluster: Cluster, instance: Instance | None, volume: Volume) -> Attachment:
    if instance is None or instance.instance_id is None or instance.leaving or not instance.joined:
        raise incorrect_state("The instance is not 'running'.")
    _check_volume(sim, instance, volume)
    here = [
        item
        for other in region.ebs.volumes.values()
        for item in other.attachments
        if item.resource == resource(cluster, instance.instance_id)
    ]
    taken = {item.device for item in here}
    names = [name for name in _DEVICES[sim.options.device_names] if name not in taken]
    full = places.free_slots(sim, cluster, instance, attached=len(here)) < 1
    if full or (not names and sim.options.device_names_cap):
        raise AwsError(
            "AttachmentLimitExceeded",
            f"The instance '{instance.instance_id}' has {len(here)} volumes attached and takes no more.",
        )
    made = Attachment(
        instance_id=instance.instance_id,
        # Device names may be used up before the slots are; names are opaque, so the last one serves.
        device=names[0] if names else _DEVICES[sim.options.device_names][-1],
        time=sim.clock.told(),
        resource=resource(cluster, instance.instance_id),
        service=SERVICE,
        delete_on_termination=sim.options.delete_on_termination,
    )
    volume.attachments.append(made)
    volume.status = "in-use"
    return made


def _check_volume(sim: Simulation, instance: Instance, volume: Volume) -> None:
    if volume.status not in {"available", "in-use"}:
        raise incorrect_state(f"{volume.id} is not 'available'.")
    if volume.zone != instance.zone:
        raise AwsError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.instance_id}'",
        )
    if not volume.attachments:
        return
    if volume.at(str(instance.instance_id)) and sim.options.attach_again == "IncorrectState":
        raise incorrect_state(f"{volume.id} is not 'available'.")
    shared = volume.multi_attach and sim.options.multi_attach_nodes and not volume.at(str(instance.instance_id))
    if not shared:
        raise in_use(volume.id)


def _answer(cluster: Cluster, volume: Volume, item: Attachment) -> JSON:
    return {
        "ClusterArn": cluster.arn,
        "NodeId": item.instance_id,
        "VolumeId": volume.id,
        "AttachTime": item.time,
        "Status": item.status,
        "DeviceName": item.device,
    }
