"""Deep health checks, and what an instance does when it is up: be checked, work, or be found bad again.

A check runs when a node of a group with OnStartDeepHealthChecks joins, or on demand (StartClusterHealthCheck). It ends
with Passed, or with Failed and a recovery.
"""

from hyperpod_testbed.simulator import agent, instances
from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Instance, NodeFault, Recovery

TYPE = "DeepHealthCheck"
REASON = "DeepHealthCheckFailed"
MESSAGE = "Deep health check failed."


def up(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    """An instance has booted and its node is in the EKS cluster."""
    rebooted = instance.boots > 0
    unfinished = instance.checks in {"InProgress", "Failed"} and sim.options.deep_check_after_reboot == "rerun"
    if unfinished if rebooted else cluster.groups[instance.group].spec.get("OnStartDeepHealthChecks"):
        start(sim, cluster, instance, demanded=instance.check_demanded)
        return
    lasting = [fault for fault in instance.faults if fault.active and fault.persistent]
    instances.run(sim, cluster, instance)
    for fault in lasting:
        agent.find(
            sim,
            cluster,
            instance,
            fault=fault.type,
            reason=fault.reason,
            message=fault.message,
            wanted="replace",
            taint=True,
            persistent=True,
        )


def start(sim: Simulation, cluster: Cluster, instance: Instance, *, demanded: bool) -> None:
    """Start a deep health check: the node takes no new pods until it ends."""
    if sim.options.deep_check_accelerators_only and not instance_type(instance.type).accelerated:
        instances.run(sim, cluster, instance)
        return
    instance.turn += 1
    instance.status = "DeepHealthCheckInProgress"
    instance.message = ""
    instance.ready = True
    instance.registered = True
    instance.checks = "InProgress"
    instance.check_demanded = demanded
    instance.health = "Unschedulable"
    instance.recovery, instance.recovery_due = None, False
    agent.add_taint(sim, cluster, instance)
    instances.event(sim, cluster, instance, f"Deep health check of instance {instance.instance_id} started.")
    instances.after(sim, cluster, instance, sim.timings.deep_health_check, lambda: _end(sim, cluster, instance))


def _end(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    wanted = _verdict(sim, cluster, instance)
    if wanted is None:
        instance.checks = "Passed"
        instances.run(sim, cluster, instance)
        return
    instance.checks = "Failed"
    instance.status, instance.message = "Failure", MESSAGE
    found = NodeFault(time=sim.now, type=TYPE, reason=REASON, message=MESSAGE, condition=False)
    agent.note(sim, cluster, instance, found, wanted=wanted, taint=True)


def _verdict(sim: Simulation, cluster: Cluster, instance: Instance) -> Recovery | None:
    own, instance.check_fails = instance.check_fails, None
    waiting = sim.conditions.check_failures.get((cluster.name, instance.group))
    if own is None and waiting:
        return waiting.pop(0)
    return own
