"""The life of one instance: asked for, allocated, booted, configured, checked, running, gone.

Each step schedules the next. What can go wrong at a step is asked of the conditions when the step is due, so a shortage
that is healed in time leaves no trace.
"""

import copy
import dataclasses
from collections.abc import Callable

from hyperpod_testbed.simulator.ebs import lifetimes
from hyperpod_testbed.simulator.prerequisites import addresses, execution, launching
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Group, Instance


def capacity_missing(type_name: str) -> str:
    """Message of a launch for which AWS has no instance (recorded in June 2026)."""
    return f"We currently do not have sufficient capacity to launch new {type_name} instances. Please try again."


def permission_missing(role: str) -> str:
    """Message of a node whose teardown the execution role no longer allows."""
    return f"The execution role {role} does not have permission to perform ec2:DeleteNetworkInterface."


def launch(sim: Simulation, cluster: Cluster, group: Group, *, type_name: str | None = None) -> Instance:
    """Ask for one more instance of a group."""
    subnets = (group.spec.get("OverrideVpcConfig") or cluster.spec["VpcConfig"])["Subnets"]
    cluster.last_serial += 1
    instance = Instance(
        serial=cluster.last_serial,
        logical_id=sim.names.logical_id(),
        group=group.name,
        type=type_name or group.types[0],
        zone=addresses.zone_of(sim, sim.account.region(cluster.region), subnets[0]),
        subnet=subnets[0],
        image_version=group.desired_image_version,
        image_id=group.desired_image_id,
        requested_at=sim.now,
    )
    cluster.instances[instance.serial] = instance
    after(sim, cluster, instance, sim.timings.allocate, lambda: _allocate(sim, cluster, instance))
    return instance


def terminate(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    """Take an instance down; one without an instance id is gone at once."""
    if instance.leaving:
        return
    instance.turn += 1
    instance.status = "ShuttingDown"
    instance.ready = False
    if instance.instance_id is None:
        _forget(sim, cluster, instance)
        return
    event(sim, cluster, instance, f"Instance {instance.instance_id} is being terminated.")
    after(sim, cluster, instance, sim.timings.node_delete, lambda: _finish(sim, cluster, instance))


def replace(sim: Simulation, cluster: Cluster, instance: Instance) -> Instance:
    """Terminate an instance and ask for one with a new instance id in its place."""
    group = cluster.groups[instance.group]
    instance.replaced = True
    terminate(sim, cluster, instance)
    new = launch(sim, cluster, group, type_name=instance.type)
    if sim.options.replace_keeps_logical_id:
        new.logical_id = instance.logical_id
    return new


def reboot(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    """Restart the operating system; the instance keeps its id and its volumes."""
    instance.turn += 1
    instance.recovery, instance.recovery_due = None, False
    instance.boots += 1
    instance.status = "Pending"
    instance.message = "Rebooting"
    instance.ready = False
    event(sim, cluster, instance, f"Instance {instance.instance_id} is being rebooted.")
    after(sim, cluster, instance, sim.timings.reboot, lambda: sim.up(sim, cluster, instance))


def run(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    """The instance is up and nothing is wrong with it."""
    instance.status = "Running"
    instance.message = ""
    instance.ready = True
    instance.health = "Schedulable"
    instance.tainted = False
    instance.registered = True
    instance.recovery, instance.recovery_due = None, False
    if instance.checks == "InProgress":
        # Something else took the node out of its check.
        instance.checks = None
    if any(fault.active for fault in instance.faults):
        instance.faults = tuple(dataclasses.replace(fault, recovered_at=sim.now) for fault in instance.faults)
    event(sim, cluster, instance, f"Instance {instance.instance_id} is running.")
    sim.touch(cluster)


def deregister(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    """Somebody deleted the Node object; the kubelet brings it back while the instance runs."""
    instance.registered = False
    if not sim.options.deleted_node_returns:
        return

    def register() -> None:
        if sim.exists(cluster) and instance.serial in cluster.instances:
            instance.registered = True

    sim.timeline.after(sim.timings.register, register)


def patch(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    """Take an instance out to give it the desired image; `patched` brings it back."""
    instance.turn += 1
    instance.boots += 1
    instance.status = "SystemUpdating"
    instance.ready = False
    event(sim, cluster, instance, f"Instance {instance.instance_id} is being updated.")


def patched(sim: Simulation, cluster: Cluster, instance: Instance, *, version: str, image: str | None) -> None:
    """The instance is back with this image; its root volume was replaced."""
    instance.image_version = version
    instance.image_id = image
    instance.updated_at = sim.now
    run(sim, cluster, instance)


def _allocate(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    key = (cluster.name, cluster.groups[instance.group].name)
    limit = sim.conditions.capacity.get(key)
    if limit is not None:
        held = sum(1 for other in cluster.staying(instance.group) if other.instance_id)
        if held >= limit:
            _fail(sim, cluster, instance, capacity_missing(instance.type))
            return
    region, group = sim.account.region(cluster.region), cluster.groups[instance.group]
    if obstacle := launching.obstacle(sim, region, group, instance):
        _fail(sim, cluster, instance, obstacle)
        return
    instance.instance_id = sim.names.instance_id()
    instance.address = sim.names.address()
    instance.launched_at = sim.now
    instance.message = ""
    cluster.by_id[instance.instance_id] = instance
    configure(sim, cluster, instance, seconds=sim.timings.boot)


def configure(sim: Simulation, cluster: Cluster, instance: Instance, *, seconds: float) -> None:
    """After this time the lifecycle script of the group starts; the node joins when it has ended."""
    seconds += sim.timings.lifecycle_script
    after(sim, cluster, instance, seconds, lambda: _configured(sim, cluster, instance))


def _configured(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    group = cluster.groups[instance.group]
    message = sim.conditions.lifecycle_failures.get((cluster.name, group.name))
    message = message or launching.script_obstacle(sim, sim.account.region(cluster.region), group)
    if message:
        _fail(sim, cluster, instance, message)
        return
    wanted = group.spec.get("KubernetesConfig") or {}
    instance.labels = dict(wanted.get("Labels") or {})
    instance.taints = copy.deepcopy(wanted.get("Taints") or [])
    instance.joined = True
    _bring_node(sim, instance)
    sim.up(sim, cluster, instance)
    sim.touch(cluster)


def _fail(sim: Simulation, cluster: Cluster, instance: Instance, message: str) -> None:
    """A launch failed: it is tried again for ever, or, in a change that is all or nothing, given up with all of it."""
    instance.message = message
    _tell_failure(sim, cluster, instance, message)
    sim.touch(cluster)
    if not cluster.continuous and cluster.status in {"Creating", "Updating"}:
        instance.status = "Failure"
        cluster.failure = cluster.failure or f"Instance group {instance.group}: {message}"
        return
    if instance.instance_id:
        # The failed instance stays visible until the next try takes it down.
        instance.status = "Failure"
        after(sim, cluster, instance, sim.timings.launch_retry, lambda: _relaunch(sim, cluster, instance))
    else:
        after(sim, cluster, instance, sim.timings.launch_retry, lambda: _allocate(sim, cluster, instance))


def _bring_node(sim: Simulation, instance: Instance) -> None:
    """SageMaker calls an instance Running before its Node is there, by minutes."""
    if sim.timings.node_join <= 0:
        return
    instance.node_due = True

    def join() -> None:
        instance.node_due = False

    sim.timeline.after(sim.timings.node_join, join)


def _tell_failure(sim: Simulation, cluster: Cluster, instance: Instance, message: str) -> None:
    """A pair of Error events, of the instance and of its group; the cause is in their metadata."""
    where = f"Cluster {cluster.name} and InstanceGroup {instance.group}"
    event(sim, cluster, instance, f"Failed to provision EC2 Instance in {where}", level="Error", failure=message)
    if sim.options.paired_events:
        sim.event(
            cluster,
            f"Instance creation in {where} failed",
            resource="InstanceGroup",
            level="Error",
            group=instance.group,
            metadata={"InstanceGroup": {"FailureMessage": message}},
        )


def _relaunch(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    replace(sim, cluster, instance)


def _finish(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    role = cluster.groups[instance.group].spec["ExecutionRole"]
    if not execution.allows(sim, role, "ec2:DeleteNetworkInterface"):
        instance.message = permission_missing(role)
        event(sim, cluster, instance, instance.message, level="Error", failure=instance.message)
        after(sim, cluster, instance, sim.timings.teardown_retry, lambda: _finish(sim, cluster, instance))
        return
    if lifetimes.held(sim, cluster, instance):
        after(sim, cluster, instance, sim.timings.teardown_retry, lambda: _finish(sim, cluster, instance))
        return
    _forget(sim, cluster, instance)


def _forget(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    lifetimes.node_ended(sim, cluster, instance)
    cluster.instances.pop(instance.serial, None)
    if instance.instance_id:
        cluster.by_id.pop(instance.instance_id, None)
    sim.touch(cluster)


def after(sim: Simulation, cluster: Cluster, instance: Instance, seconds: float, action: Callable[[], None]) -> None:
    """Do something with an instance after a while, unless it took another course meanwhile."""
    turn = instance.turn

    def step() -> None:
        if instance.turn == turn and sim.exists(cluster) and instance.serial in cluster.instances:
            action()

    sim.timeline.after(sim.names.spread(seconds, sim.timings.jitter), step)


def event(
    sim: Simulation,
    cluster: Cluster,
    instance: Instance,
    description: str,
    *,
    level: str = "Info",
    failure: str | None = None,
) -> None:
    """Record an event about an instance."""
    details = {"NodeLogicalId": instance.logical_id}
    if failure:
        details["FailureMessage"] = failure
    sim.event(
        cluster,
        description,
        resource="Instance",
        level=level,
        group=instance.group,
        instance=instance.instance_id,
        metadata={"Instance": details},
    )
