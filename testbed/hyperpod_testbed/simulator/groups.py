"""The counts of a group: what is there, what is missing, what is too many, and the minimum it must reach."""

from hyperpod_testbed.simulator import instances
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Group, Instance

NOISE = "Request to service failed. If failure persists after retry, contact customer support."


def current_count(cluster: Cluster, group: str) -> int:
    """CurrentCount of a group."""
    return sum(1 for instance in cluster.members(group) if instance.counted)


def grow(sim: Simulation, cluster: Cluster, group: Group) -> None:
    """Ask for the instances that are missing."""
    for _ in range(group.target - len(cluster.staying(group.name)) - group.arriving):
        instances.launch(sim, cluster, group)


def shrink(sim: Simulation, cluster: Cluster, group: Group, *, newest_first: bool = False) -> None:
    """Take down the instances that are too many: those not up yet, then of the last type, then any."""
    here = cluster.staying(group.name)
    surplus = len(here) - group.target
    if surplus <= 0:
        return
    priority = {name: index for index, name in enumerate(group.types)}

    def last_to_go(instance: Instance) -> tuple[bool, int]:
        return instance.joined, -priority.get(instance.type, len(priority))

    if newest_first:
        healthy = {"Running", "DeepHealthCheckInProgress"}
        order = sorted(here, key=lambda one: (one.status in healthy, -one.serial))
    else:
        order = sorted(sim.names.sample(here, len(here)), key=last_to_go)
    for instance in order[:surplus]:
        instances.terminate(sim, cluster, instance)


def scaling_began(sim: Simulation, cluster: Cluster, before: dict[str, tuple[int, int, int]]) -> None:
    """Record an operation for the groups whose counts are not what they were.

    `before` has CurrentCount, TargetCount and MinCount by group; a group that is new is not in it.
    """
    details = []
    for group in cluster.groups.values():
        current, target, minimum = before.get(group.name, (0, 0, 0))
        if (target, minimum) != (group.target, group.minimum):
            details.append(
                {
                    "InstanceGroupName": group.name,
                    "Status": "InProgress",
                    "Original": {"CurrentCount": current, "TargetCount": target, "MinCount": minimum},
                    "Desired": {"TargetCount": group.target, "MinCount": group.minimum},
                }
            )
    if details:
        sim.operation(cluster, "Scaling", scaling=details)
        for item in details:
            sim.event(
                cluster,
                f"Scaling of instance group {item['InstanceGroupName']} started.",
                resource="InstanceGroup",
                group=str(item["InstanceGroupName"]),
            )
            if sim.options.scaling_noise:
                _complain(sim, cluster, cluster.groups[str(item["InstanceGroupName"])])


def _complain(sim: Simulation, cluster: Cluster, group: Group) -> None:
    """The Warn event that every scaling brings, and that explains nothing."""
    current = current_count(cluster, group.name)
    sim.event(
        cluster,
        f"{abs(group.target - current)} node(s) lost orchestration-ready status. Current: {current}/{group.target}",
        resource="InstanceGroup",
        level="Warn",
        group=group.name,
        metadata={"InstanceGroup": {"FailureMessage": NOISE}},
    )


def watch_minimum(sim: Simulation, cluster: Cluster, group: Group, *, new: bool) -> None:
    """Continuous: a group is Creating or Updating until MinCount is met, for three hours at most."""
    group.min_turn += 1
    if group.minimum <= current_count(cluster, group.name):
        group.status = "InService"
        return
    group.status = "Creating" if new else "Updating"
    turn = group.min_turn

    def out_of_time() -> None:
        if group.min_turn == turn and cluster.groups.get(group.name) is group and group.status != "InService":
            _give_up_minimum(sim, cluster, group)

    sim.timeline.after(sim.timings.min_count_window, out_of_time)


def at_target(cluster: Cluster, group: Group) -> bool:
    """Whether a group has all its instances, and no other on its way out."""
    members = cluster.members(group.name)
    return sum(one.counted for one in members) == group.target and not any(one.leaving for one in members)


def _give_up_minimum(sim: Simulation, cluster: Cluster, group: Group) -> None:
    target, minimum = group.settled or (0, 0)
    group.target = target
    group.spec["MinInstanceCount"] = minimum
    group.status = "InService"
    sim.event(
        cluster,
        f"Instance group {group.name} did not reach MinCount in time and was rolled back.",
        resource="InstanceGroup",
        level="Error",
        group=group.name,
        metadata={"InstanceGroupScaling": {"TargetCount": target, "MinCount": minimum}},
    )
    shrink(sim, cluster, group, newest_first=True)
    sim.touch(cluster)
