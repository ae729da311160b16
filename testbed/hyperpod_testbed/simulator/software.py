"""UpdateClusterSoftware: the nodes get another image, batch by batch, and its failure rolls it back.

The root volume of a node goes with the old image. TargetStateCount counts the nodes on the desired one; on a rollback
the two images change places (members of ClusterInstanceGroupDetails in the API model).
"""

import functools
import math

from hyperpod_testbed.simulator import instances
from hyperpod_testbed.simulator.prerequisites import launching
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Group, Instance

RETRIES = 4
"""Built-in retries of a batch before the group is rolled back (seen on AWS: about 4 in 18 minutes)."""
RUNNING = {"Pending", "InProgress", "RollbackInProgress"}


def start(
    sim: Simulation,
    cluster: Cluster,
    *,
    versions: dict[str, str],
    image_id: str | None,
    deployment: JSON | None,
) -> None:
    """Begin to give each named group its version."""
    cluster.status = sim.options.software_update_status
    for name, version in versions.items():
        group = cluster.groups[name]
        group.status = sim.options.software_update_status
        group.software_running = True
        group.desired_image_version = version
        if image_id:
            group.desired_image_id = None if image_id == "default" else image_id
        group.software_status = "Pending"
        group.software_config = deployment
        group.patched = set()
        sim.later(cluster, sim.timings.update_settle, functools.partial(_batch, sim, cluster, group))


def review(cluster: Cluster) -> None:
    """Whether the software update of the cluster is over."""
    if any(group.software_status in RUNNING for group in cluster.groups.values()):
        return
    busy = [group for group in cluster.groups.values() if group.software_running]
    if not busy:
        return
    for group in busy:
        group.status = "InService"
        group.software_running = False
    cluster.status = "InService"
    cluster.patched = True


def _batch(sim: Simulation, cluster: Cluster, group: Group) -> None:
    group.software_status = "RollbackInProgress" if group.software_status == "RollbackInProgress" else "InProgress"
    waiting = [one for one in cluster.staying(group.name) if one.joined and one.serial not in group.patched]
    if not waiting:
        _end(sim, cluster, group)
        return
    batch = waiting[: _batch_size(group, len(cluster.staying(group.name)))]
    for instance in batch:
        instances.patch(sim, cluster, instance)
    sim.later(cluster, sim.timings.patch_node, lambda: _batch_done(sim, cluster, group, batch))


def _batch_done(sim: Simulation, cluster: Cluster, group: Group, batch: list[Instance], *, retries: int = 0) -> None:
    if group.software_status == "InProgress" and _try_failed(sim, cluster, group):
        for instance in batch:
            if instance.status == "SystemUpdating" and sim.options.software_messages == "sticky":
                instance.message = launching.LIFECYCLE
        if sim.options.software_retry_events:
            _try_event(sim, cluster, group)
        if retries == RETRIES:
            sim.conditions.patch_failures.pop((cluster.name, group.name), None)
            _roll_back(sim, cluster, group)
            return
        again = functools.partial(_batch_done, sim, cluster, group, batch, retries=retries + 1)
        sim.later(cluster, sim.timings.patch_retries / RETRIES, again)
        sim.touch(cluster)
        return
    for instance in batch:
        if instance.status == "SystemUpdating":
            instances.patched(sim, cluster, instance, version=group.desired_image_version, image=group.desired_image_id)
        group.patched.add(instance.serial)
    wait = (group.software_config or {}).get("WaitIntervalInSeconds") or 0
    sim.later(cluster, float(wait), lambda: _batch(sim, cluster, group))


def _try_event(sim: Simulation, cluster: Cluster, group: Group) -> None:
    sim.event(
        cluster,
        f"Software update of instances in InstanceGroup {group.name} failed and is tried again.",
        resource="InstanceGroup",
        level="Error",
        group=group.name,
        metadata={"InstanceGroup": {"FailureMessage": launching.LIFECYCLE}},
    )


def _try_failed(sim: Simulation, cluster: Cluster, group: Group) -> bool:
    """Whether this try fails; a number of failing tries is one less afterwards."""
    key = (cluster.name, group.name)
    failing = sim.conditions.patch_failures.get(key, 0)
    if failing:
        sim.conditions.patch_failures[key] = failing - 1
    return failing > 0


def _roll_back(sim: Simulation, cluster: Cluster, group: Group) -> None:
    group.software_status = "RollbackInProgress"
    group.image_version, group.desired_image_version = group.desired_image_version, group.image_version
    group.image_id, group.desired_image_id = group.desired_image_id, group.image_id
    group.patched = {
        one.serial
        for one in cluster.members(group.name)
        if one.image_version == group.desired_image_version and one.status != "SystemUpdating"
    }
    sim.event(
        cluster,
        f"Software update of instance group {group.name} failed and is being rolled back.",
        resource="InstanceGroup",
        level="Error",
        group=group.name,
    )
    _batch(sim, cluster, group)


def _end(sim: Simulation, cluster: Cluster, group: Group) -> None:
    back = group.software_status == "RollbackInProgress"
    group.software_status = sim.options.failed_software_update_ends if back else "Succeeded"
    group.image_version = group.desired_image_version
    group.image_id = group.desired_image_id
    group.software_config = None
    sim.touch(cluster)


def _batch_size(group: Group, total: int) -> int:
    policy = (group.software_config or {}).get("RollingUpdatePolicy")
    if not policy:
        return max(1, total)
    size = policy.get("MaximumBatchSize")
    if group.software_status == "RollbackInProgress":
        size = policy.get("RollbackMaximumBatchSize") or size
    if size["Type"] == "INSTANCE_COUNT":
        return int(size["Value"])
    share = min(100, int(size["Value"]))
    return max(1, math.floor(total * share / 100))
