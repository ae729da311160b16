"""Automatic recovery: what HyperPod does about an unhealthy node, and when.

NodeRecovery of the cluster decides, and it is asked when the recovery is due: a cluster that is set to None meanwhile
keeps its unhealthy nodes, one that is set to Automatic repairs those it has. A reboot keeps instance and Node; a
replacement brings another of both. A person asks for either with a label on the Node
(AWS's page on manual quarantine, replacement and reboot of nodes).
"""

from hyperpod_testbed.simulator import instances
from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Instance, Recovery

LABELS: dict[Recovery | None, str] = {
    None: "Unschedulable",
    "reboot": "UnschedulablePendingReboot",
    "replace": "UnschedulablePendingReplacement",
}
"""Label node-health-status of a node by what it waits for."""
_COMMANDS: dict[str, Recovery] = {label: recovery for recovery, label in LABELS.items() if recovery}
_REPAIRABLE = {"Running", "Failure", "DeepHealthCheckInProgress"}


def ask(sim: Simulation, cluster: Cluster, instance: Instance, wanted: Recovery) -> None:
    """The node needs this to be healthy again; of two that were asked for, a replacement is the one."""
    if instance.recovery != "replace":
        instance.recovery = wanted
    _schedule(sim, cluster, instance)


def resume(sim: Simulation, cluster: Cluster) -> None:
    """NodeRecovery may have changed: nodes that nobody repaired may get their turn."""
    for instance in list(cluster.instances.values()):
        if instance.recovery:
            _schedule(sim, cluster, instance)


def obey(sim: Simulation, cluster: Cluster, instance: Instance, label: str) -> bool:
    """A person wrote this value of node-health-status; whether HyperPod takes it as a command."""
    wanted = _COMMANDS.get(label)
    covered = instance_type(instance.type).accelerated or sim.options.label_commands_on_cpu
    if wanted is None or not covered or instance.status not in _REPAIRABLE or not automatic(cluster):
        return False
    if (instance.health, instance.recovery) == (label, wanted):
        return True
    instances.event(
        sim, cluster, instance, f"A label on the node asks to {wanted} instance {instance.instance_id}.", level="Warn"
    )
    instance.health = label
    instance.recovery = wanted
    _schedule(sim, cluster, instance)
    sim.touch(cluster)
    return True


def _schedule(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    if instance.recovery_due:
        return
    instance.recovery_due = True
    instances.after(sim, cluster, instance, sim.timings.recovery, lambda: _due(sim, cluster, instance))


def _due(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    instance.recovery_due = False
    if not _allowed(sim, cluster, instance):
        return
    if instance.recovery == "reboot":
        instances.reboot(sim, cluster, instance)
        return
    instances.event(
        sim, cluster, instance, f"Instance {instance.instance_id} is unhealthy and is being replaced.", level="Warn"
    )
    instances.replace(sim, cluster, instance)
    sim.touch(cluster)


def _allowed(sim: Simulation, cluster: Cluster, instance: Instance) -> bool:
    demanded = instance.check_demanded and instance.checks == "Failed" and sim.options.demanded_check_repairs
    return automatic(cluster) or demanded


def automatic(cluster: Cluster) -> bool:
    """Whether HyperPod repairs nodes by itself."""
    return cluster.spec.get("NodeRecovery") != "None"
