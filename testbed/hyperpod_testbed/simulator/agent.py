"""The health monitoring agent: what it finds on a node, and how it says so.

It sets the label node-health-status, the labels and the annotation of faults, HyperPod's taint and, on GPU types, a
node condition; its exporter of conditions is switched off on Trainium. It does not run on CPU types.
"""

from hyperpod_testbed.simulator import instances, recovery
from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Instance, NodeFault, Recovery


def covers(instance: Instance) -> bool:
    """Whether the agent runs on the node: it has joined, and has accelerators."""
    return instance.joined and not instance.leaving and instance_type(instance.type).accelerated


def find(
    sim: Simulation,
    cluster: Cluster,
    instance: Instance,
    *,
    fault: str,
    reason: str,
    message: str,
    wanted: Recovery | None,
    taint: bool,
    persistent: bool = False,
) -> None:
    """The agent finds a fault; `wanted` is what it holds for the remedy."""
    found = NodeFault(
        time=sim.now,
        type=fault,
        reason=reason,
        message=message,
        condition=instance_type(instance.type).gpus > 0,
        persistent=persistent,
    )
    if sim.options.faulty_instance_status == "Failure" and instance.status == "Running":
        instance.status, instance.message = "Failure", f"{fault}: {reason}"
    note(sim, cluster, instance, found, wanted=wanted, taint=taint)


def note(
    sim: Simulation, cluster: Cluster, instance: Instance, found: NodeFault, *, wanted: Recovery | None, taint: bool
) -> None:
    """Mark the node with a fault, whoever found it, and ask for the remedy."""
    instance.faults = (*instance.faults, found)[-sim.options.fault_details_kept :]
    if wanted:
        recovery.ask(sim, cluster, instance, wanted)
    instance.health = recovery.LABELS[instance.recovery]
    if taint:
        add_taint(sim, cluster, instance)
    text = f"{found.type} ({found.reason}) on instance {instance.instance_id}: {found.message}"
    instances.event(sim, cluster, instance, text, level="Error", failure=text)
    sim.touch(cluster)


def add_taint(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    """Put HyperPod's taint on the node, unless it forgets to, at once or a while after the label."""
    if (cluster.name, instance.group) in sim.conditions.missing_taints:
        return

    def now() -> None:
        if instance.health != "Schedulable":
            instance.tainted = True

    if sim.timings.taint > 0:
        instances.after(sim, cluster, instance, sim.timings.taint, now)
    else:
        now()
