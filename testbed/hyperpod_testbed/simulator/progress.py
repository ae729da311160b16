"""The life of a cluster and of its groups: what is asked for, what is reached, what is given up.

Two ways, as AWS has them. Without `NodeProvisioningMode` a change is all or nothing: the cluster is Creating or
Updating until every instance is there, and a failure rolls it back. With `Continuous` the cluster is InService while
its groups grow, and what fails is tried again.
"""

import copy

from hyperpod_testbed.simulator import groups, instances, recovery, software
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Instance

_ALL_OR_NOTHING = {("Creating", "growing"), ("Updating", "growing"), ("Updating", "shrinking")}


def start_creation(sim: Simulation, cluster: Cluster) -> None:
    """A cluster was just created."""
    sim.event(cluster, f"Cluster {cluster.name} is being created.")
    sim.later(cluster, sim.timings.cluster_setup, lambda: _set_up(sim, cluster))


def start_update(sim: Simulation, cluster: Cluster) -> None:
    """Groups of the cluster have new specifications; `former` has the old ones."""
    cluster.turn += 1
    if cluster.continuous and cluster.status != "Failed":
        for group in list(cluster.groups.values()):
            groups.grow(sim, cluster, group)
            groups.shrink(sim, cluster, group)
        for name in sorted(cluster.doomed):
            _delete_group(sim, cluster, name)
        cluster.doomed.clear()
        cluster.former = None
        sim.later(cluster, sim.timings.update_settle, lambda: _configuration_in_force(sim, cluster))
        sim.touch(cluster)
        return
    cluster.status = "Updating"
    cluster.failure = ""
    cluster.stage = "waiting"
    for group in cluster.groups.values():
        group.status = "Creating" if cluster.former and group.name not in cluster.former.groups else "Updating"
    sim.later(cluster, sim.timings.update_settle, lambda: _begin_update(sim, cluster))


def start_deletion(sim: Simulation, cluster: Cluster) -> None:
    """The cluster goes: first its instances, then itself."""
    cluster.turn += 1
    cluster.status = "Deleting"
    cluster.stage = ""
    sim.event(cluster, f"Cluster {cluster.name} is being deleted.")
    for group in cluster.groups.values():
        group.status = "Deleting"
    for instance in list(cluster.instances.values()):
        instances.terminate(sim, cluster, instance)
    sim.touch(cluster)


def review(sim: Simulation, cluster: Cluster) -> None:
    """Move the cluster on, as far as its instances allow."""
    if (cluster.status, cluster.stage) in _ALL_OR_NOTHING:
        _review_growth(sim, cluster)
    elif cluster.status == "Deleting" and not cluster.instances:
        cluster.turn += 1
        sim.later(cluster, sim.timings.cluster_delete, lambda: _gone(sim, cluster))
    elif cluster.continuous and cluster.status in {"InService", "Updating", "SystemUpdating"}:
        _review_continuous(sim, cluster)
    _review_operations(cluster)
    software.review(cluster)


def _set_up(sim: Simulation, cluster: Cluster) -> None:
    message = sim.conditions.creation_failures.get(cluster.name)
    if message:
        _roll_back(sim, cluster, message)
        return
    if cluster.continuous:
        cluster.status = "InService"
        sim.event(cluster, f"Cluster {cluster.name} is in service.")
        for group in cluster.groups.values():
            groups.watch_minimum(sim, cluster, group, new=True)
    cluster.stage = "" if cluster.continuous else "growing"
    for group in cluster.groups.values():
        groups.grow(sim, cluster, group)
    _configuration_in_force(sim, cluster)
    sim.touch(cluster)


def _begin_update(sim: Simulation, cluster: Cluster) -> None:
    cluster.stage = "growing"
    for group in cluster.groups.values():
        groups.grow(sim, cluster, group)
    sim.touch(cluster)


def _review_growth(sim: Simulation, cluster: Cluster) -> None:
    if cluster.failure:
        _roll_back(sim, cluster, cluster.failure)
        return
    kept = [group for group in cluster.groups.values() if group.name not in cluster.doomed]
    if any(groups.current_count(cluster, group.name) < group.target for group in kept):
        return
    if cluster.stage == "growing":
        cluster.stage = "shrinking"
        for group in kept:
            groups.shrink(sim, cluster, group)
        for name in sorted(cluster.doomed):
            _delete_group(sim, cluster, name)
        cluster.doomed.clear()
    _sweep_groups(cluster)
    if any(instance.leaving for instance in cluster.instances.values()):
        return
    _arrive(sim, cluster)


def _arrive(sim: Simulation, cluster: Cluster) -> None:
    cluster.status = "InService"
    cluster.stage = ""
    cluster.former = None
    for group in cluster.groups.values():
        group.status = "InService"
        group.settled = (group.target, group.minimum)
    _configuration_in_force(sim, cluster)


def _review_continuous(sim: Simulation, cluster: Cluster) -> None:
    _sweep_groups(cluster)
    for group in cluster.groups.values():
        if group.software_running:
            continue
        if group.status in {"Creating", "Updating"} and groups.current_count(cluster, group.name) >= group.minimum:
            group.min_turn += 1
            group.status = "InService"
        if group.status in {"InService", "Degraded"}:
            failed = any(_bad(sim, one) for one in cluster.members(group.name))
            group.status = "Degraded" if failed else "InService"
        if group.status == "InService":
            group.settled = (group.target, group.minimum)
            shortfall = group.target - len(cluster.staying(group.name)) - group.arriving
            if shortfall > 0 and cluster.status == "InService":
                groups.grow(sim, cluster, group)


def _bad(sim: Simulation, instance: Instance) -> bool:
    return instance.status == "Failure" or (sim.options.faults_degrade_group and instance.unhealthy)


def _review_operations(cluster: Cluster) -> None:
    for item in cluster.operations:
        if item.status != "InProgress":
            continue
        if item.type == "Scaling":
            for detail in item.scaling:
                group = cluster.groups.get(detail["InstanceGroupName"])
                if detail["Status"] == "InProgress" and (group is None or groups.at_target(cluster, group)):
                    detail["Status"] = "Done"
            done = all(detail["Status"] != "InProgress" for detail in item.scaling)
        else:
            names = {check["InstanceGroupName"] for check in item.checks}
            done = not any(
                one.group in names and one.status == "DeepHealthCheckInProgress" for one in cluster.instances.values()
            )
        if done:
            item.status = "Done"


def _delete_group(sim: Simulation, cluster: Cluster, name: str) -> None:
    cluster.groups[name].status = "Deleting"
    cluster.groups[name].target = 0
    cluster.groups[name].spec.pop("MinInstanceCount", None)
    for instance in cluster.members(name):
        instances.terminate(sim, cluster, instance)


def _sweep_groups(cluster: Cluster) -> None:
    for name in [one.name for one in cluster.groups.values() if one.status == "Deleting"]:
        if not cluster.members(name):
            del cluster.groups[name]


def _configuration_in_force(sim: Simulation, cluster: Cluster) -> None:
    """What was desired of labels, taints, types and patch dates is current from now on."""
    for group in cluster.groups.values():
        wanted = group.spec.get("KubernetesConfig") or {}
        group.current = copy.deepcopy(
            {
                "KubernetesConfig": wanted,
                "InstanceTypes": group.types,
                "PatchSchedule": (group.spec.get("AutoPatchConfig") or {}).get("PatchSchedule"),
            }
        )
        for instance in cluster.members(group.name):
            if instance.joined:
                instance.labels = dict(wanted.get("Labels") or {})
                instance.taints = copy.deepcopy(wanted.get("Taints") or [])
    recovery.resume(sim, cluster)
    sim.touch(cluster)


def _roll_back(sim: Simulation, cluster: Cluster, message: str) -> None:
    cluster.turn += 1
    created = cluster.former is None
    nothing_before = created or (cluster.former is not None and cluster.former.status == "Failed")
    cluster.status = "RollingBack"
    cluster.stage = ""
    cluster.failure = message
    if cluster.former:
        before = cluster.former.groups
        for group in cluster.groups.values():
            if group.name in before:
                group.spec = copy.deepcopy(before[group.name].spec)
            else:
                group.status = "Deleting"
                group.target = 0
        cluster.spec = cluster.former.spec
        cluster.former = None
    for instance in [one for one in cluster.instances.values() if created or one.status == "Failure"]:
        instances.terminate(sim, cluster, instance)
    for group in list(cluster.groups.values()):
        if not created:
            groups.shrink(sim, cluster, group, newest_first=True)
    cluster.doomed.clear()
    sim.later(cluster, sim.timings.rollback, lambda: _rolled_back(sim, cluster, failed=nothing_before))


def _rolled_back(sim: Simulation, cluster: Cluster, *, failed: bool) -> None:
    if any(instance.leaving for instance in cluster.instances.values()):
        sim.later(cluster, sim.timings.teardown_retry, lambda: _rolled_back(sim, cluster, failed=failed))
        return
    _sweep_groups(cluster)
    cluster.status = "Failed" if failed else sim.options.failed_update_ends
    for group in cluster.groups.values():
        group.status = "Failed" if failed else "InService"


def _gone(sim: Simulation, cluster: Cluster) -> None:
    region = sim.account.region(cluster.region)
    region.clusters.pop(cluster.name, None)
    if cluster.eks_arn:
        region.eks_freed[cluster.eks_arn] = sim.now
