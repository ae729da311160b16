"""The way of an instance from one group to another: it detaches, attaches, and joins as a node of the other group.

The instance does not end: instance id, NodeLogicalId, address and capacity stay. Its root volume is replaced, and it
runs the lifecycle script of the group that it joins (API reference of MoveClusterNodes).
"""

from hyperpod_testbed.simulator import instances
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Group, Instance

DETACHING = "DetachInProgress"
ATTACHING = "AttachInProgress"
MOVING = frozenset({DETACHING, ATTACHING})


def start(sim: Simulation, source: Cluster, instance: Instance, *, target: Cluster, group: Group) -> None:
    """Begin to move an instance; it is listed in its source for as long as it detaches."""
    instance.turn += 1
    instance.status, instance.message = DETACHING, ""
    instance.ready = False
    instance.joined = False
    group.arriving += 1
    instances.event(
        sim,
        source,
        instance,
        f"Instance {instance.instance_id} is being moved to instance group {group.name} of cluster {target.name}.",
    )

    def detached() -> None:
        group.arriving -= 1
        if sim.exists(target) and target.groups.get(group.name) is group and group.status != "Deleting":
            _attach(sim, source, instance, target=target, group=group)
        else:
            # The group that the instance was meant for is gone, and its own no longer counts it.
            instance.status = "Running"
            instances.terminate(sim, source, instance)

    instances.after(sim, source, instance, sim.timings.move_detach, detached)
    sim.touch(source)
    sim.touch(target)


def _attach(sim: Simulation, source: Cluster, instance: Instance, *, target: Cluster, group: Group) -> None:
    source.instances.pop(instance.serial)
    source.by_id.pop(str(instance.instance_id))
    sim.touch(source)
    target.last_serial += 1
    instance.serial = target.last_serial
    instance.group = group.name
    instance.status = ATTACHING
    instance.image_version, instance.image_id = group.desired_image_version, group.desired_image_id
    instance.faults = ()
    target.instances[instance.serial] = instance
    target.by_id[str(instance.instance_id)] = instance
    instances.event(sim, target, instance, f"Instance {instance.instance_id} is joining instance group {group.name}.")
    instances.configure(sim, target, instance, seconds=sim.timings.move_attach)
    sim.touch(target)
