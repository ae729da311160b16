"""World events: what happens to an account without the operator's doing.

Shortages and failures stay until they are healed. What others do to a cluster goes through the same rules as a call,
but appears in no log.
"""

import copy

from hyperpod_testbed.simulator import agent, instances, progress, software
from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.ebs import lifetimes
from hyperpod_testbed.simulator.operations import cluster_rules
from hyperpod_testbed.simulator.operations.clusters import create_cluster
from hyperpod_testbed.simulator.operations.group_rules import is_spot
from hyperpod_testbed.simulator.operations.move import move_nodes
from hyperpod_testbed.simulator.operations.update import apply_update
from hyperpod_testbed.simulator.prerequisites import inventory, launching
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import DEFAULT_REGION, JSON, Cluster, EksProblem, Instance
from hyperpod_testbed.simulator.verbs import verb


class World:
    """Clusters are named by name; where the same name is in two regions, the first one is meant."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @verb
    def limit_capacity(self, cluster: str, group: str, nodes: int) -> None:
        """AWS has capacity for this many instances of the group; the cluster need not exist yet."""
        with self._core.change() as sim:
            sim.conditions.capacity[cluster, group] = nodes

    @verb
    def restore_capacity(self, cluster: str, group: str) -> None:
        """AWS has capacity again; failed launches succeed at their next try."""
        with self._core.change() as sim:
            sim.conditions.capacity.pop((cluster, group), None)

    @verb
    def fail_lifecycle(self, cluster: str, group: str, message: str = launching.LIFECYCLE) -> None:
        """The lifecycle script of the group fails from now on."""
        with self._core.change() as sim:
            sim.conditions.lifecycle_failures[cluster, group] = message

    @verb
    def restore_lifecycle(self, cluster: str, group: str) -> None:
        """The lifecycle script works again."""
        with self._core.change() as sim:
            sim.conditions.lifecycle_failures.pop((cluster, group), None)

    @verb
    def remove_role(self, arn: str) -> None:
        """An execution role is deleted: launches fail, and teardown stops with the cluster Deleting."""
        with self._core.change() as sim:
            inventory.remove(sim, sim.account.region(DEFAULT_REGION), "role", arn)

    @verb
    def restore_role(self, arn: str) -> None:
        """The role is back; what waits for it goes on at its next try."""
        with self._core.change() as sim:
            inventory.restore(sim, sim.account.region(DEFAULT_REGION), "role", arn)

    @verb
    def remove_network(self, name: str, region: str = DEFAULT_REGION) -> None:
        """A subnet or security group, by id, is gone: calls that name it are refused."""
        with self._core.change() as sim:
            inventory.remove(sim, sim.account.region(region), _network_kind(name), name)

    @verb
    def restore_network(self, name: str, region: str = DEFAULT_REGION) -> None:
        """The subnet or security group is back."""
        with self._core.change() as sim:
            inventory.restore(sim, sim.account.region(region), _network_kind(name), name)

    @verb
    def break_eks(self, arn: str, problem: EksProblem = "missing") -> None:
        """HyperPod cannot use this EKS cluster: it is gone, not ACTIVE, or has no access entries."""
        with self._core.change() as sim:
            region = sim.account.region(arn.split(":")[3])
            if problem == "missing":
                inventory.remove(sim, region, "eks_cluster", arn)
            else:
                inventory.change(sim, region, "eks_cluster", arn, _EKS_PROBLEMS[problem])

    @verb
    def restore_eks(self, arn: str) -> None:
        """The EKS cluster can be used again."""
        with self._core.change() as sim:
            inventory.restore(sim, sim.account.region(arn.split(":")[3]), "eks_cluster", arn)

    @verb
    def fail_creation(self, cluster: str, message: str) -> None:
        """Creations of a cluster of this name fail from now on: RollingBack, then Failed with this message."""
        with self._core.change() as sim:
            sim.conditions.creation_failures[cluster] = message

    @verb
    def allow_creation(self, cluster: str) -> None:
        """Creations of this name succeed again."""
        with self._core.change() as sim:
            sim.conditions.creation_failures.pop(cluster, None)

    @verb
    def fail_deep_health_check(self, cluster: str, group: str, nodes: int = 1) -> None:
        """The next deep health checks of this many nodes of the group end with Failed."""
        with self._core.change() as sim:
            sim.conditions.check_failures[cluster, group] = ["replace"] * nodes

    @verb
    def fail_software_update(self, cluster: str, group: str, tries: int = software.RETRIES + 1) -> None:
        """The next tries to update the group's first batch fail: all of them, and it rolls back; fewer, and a later try
        succeeds."""
        with self._core.change() as sim:
            sim.conditions.patch_failures[cluster, group] = tries

    @verb
    def release_image(self, version: str) -> None:
        """AWS publishes a new HyperPod image, such as 1.1.0."""
        with self._core.change() as sim:
            sim.conditions.image_versions.append(version)

    @verb
    def age_cluster(self, cluster: str) -> None:
        """The cluster is older than the node-level calls: those need UpdateClusterSoftware first."""
        with self._core.change() as sim:
            _cluster(sim, cluster).patched = False

    @verb
    def delete_out_of_band(self, cluster: str, at_once: bool = False) -> None:
        """Someone deletes the cluster; `at_once` leaves out the time that takes."""
        with self._core.change() as sim:
            found = _cluster(sim, cluster)
            if at_once:
                found.turn += 1
                for instance in found.instances.values():
                    lifetimes.node_ended(sim, found, instance)
                del sim.account.region(found.region).clusters[found.name]
            elif found.status != "Deleting":
                progress.start_deletion(sim, found)

    @verb
    def scale_out_of_band(self, cluster: str, group: str, count: int) -> None:
        """Someone sets InstanceCount of a group."""
        with self._core.change() as sim:
            found = _cluster(sim, cluster)
            if group not in found.groups:
                raise ValueError(f"cluster {cluster} has no group {group}; it has {sorted(found.groups)}")
            old = found.groups[group]
            spec = {**copy.deepcopy(old.spec), "InstanceCount": count}
            if old.minimum > count:
                spec["MinInstanceCount"] = count
            _update(sim, found, {"RestrictedInstanceGroups" if old.restricted else "InstanceGroups": [spec]})

    @verb
    def add_group_out_of_band(self, cluster: str, group: JSON) -> None:
        """Someone adds a group, given as the API's ClusterInstanceGroupSpecification."""
        with self._core.change() as sim:
            _update(sim, _cluster(sim, cluster), {"InstanceGroups": [group]})

    @verb
    def delete_group_out_of_band(self, cluster: str, group: str) -> None:
        """Someone deletes a group."""
        with self._core.change() as sim:
            _update(sim, _cluster(sim, cluster), {"InstanceGroupsToDelete": [group]})

    @verb
    def move_out_of_band(self, cluster: str, source: str, target: str, count: int = 1, to: str | None = None) -> None:
        """Someone moves nodes from one group to another, in the same cluster or `to` another one."""
        with self._core.change() as sim:
            found, other = _cluster(sim, cluster), _cluster(sim, to or cluster)
            asked = {
                "SourceClusterArn": found.arn,
                "SourceInstanceGroupName": source,
                "TargetClusterArn": other.arn,
                "TargetInstanceGroupName": target,
                "InstanceCount": count,
            }
            move_nodes(sim, sim.account.region(found.region), asked)

    @verb
    def set_tags(self, cluster: str, tags: dict[str, str]) -> None:
        """Someone replaces all tags of the cluster."""
        with self._core.change() as sim:
            cluster_rules.check_tags(tags)
            _cluster(sim, cluster).tags = dict(tags)

    @verb
    def create_foreign_cluster(
        self,
        name: str,
        region: str = DEFAULT_REGION,
        tags: dict[str, str] | None = None,
        request: JSON | None = None,
        in_service: bool = True,
    ) -> str:
        """Someone else creates a cluster: `request` has members of CreateCluster, for the rest there is a small one.

        Their roles have existed for long. With `in_service` its groups are complete at once. Returns its ARN.
        """
        with self._core.change() as sim:
            listed = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
            asked = {**_small_cluster(name, region, sim.account.id), **(request or {}), "Tags": listed}
            home = sim.account.region(region)
            for group in asked.get("InstanceGroups") or []:
                home.roles.setdefault(group["ExecutionRole"], (float("-inf"), sim.options.role_attempts))
            arn = str(create_cluster(sim, home, asked)["ClusterArn"])
            if in_service:
                _complete(sim, _cluster(sim, name))
            return arn

    @verb
    def interrupt_spot(self, cluster: str, node_id: str, notice: float = 120.0) -> None:
        """AWS takes a Spot instance back: a taint, and after the notice (0 for none) another instance in its place."""
        with self._core.change() as sim:
            found = _cluster(sim, cluster)
            instance = found.by_id.get(node_id)
            if instance is None or not is_spot(found.groups[instance.group].spec):
                raise ValueError(f"cluster {cluster} has no Spot instance {node_id}")
            taint = {"Key": sim.options.spot_taint, "Value": "true", "Effect": "NoSchedule"}
            instance.taints = [*instance.taints, taint]
            instances.event(sim, found, instance, f"Spot instance {node_id} is being interrupted.", level="Warn")
            instances.after(sim, found, instance, notice, lambda: _reclaim(sim, found, instance))

    @verb
    def fail_node(self, cluster: str, node_id: str, message: str = "The instance failed.") -> None:
        """An instance fails: status Failure, node not ready, until someone replaces or reboots it by a call.

        `health.fail` is for faults that the health agent finds and HyperPod repairs.
        """
        with self._core.change() as sim:
            found = _cluster(sim, cluster).by_id.get(node_id)
            if found is None:
                raise ValueError(f"cluster {cluster} has no instance {node_id}")
            found.turn += 1
            found.status, found.message, found.ready = "Failure", message, False
            if agent.covers(found):
                found.health, found.tainted = "UnschedulablePendingReplacement", True
            sim.touch(_cluster(sim, cluster))


_EKS_PROBLEMS: dict[EksProblem, JSON] = {
    "creating": {"status": "CREATING"},
    "authentication": {"authentication_mode": "CONFIG_MAP"},
}


def _network_kind(name: str) -> str:
    return "subnet" if name.startswith("subnet-") else "security_group"


def _reclaim(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    instances.replace(sim, cluster, instance)
    sim.touch(cluster)


def _cluster(sim: Simulation, name: str) -> Cluster:
    for cluster in sim.account.clusters():
        if cluster.name == name:
            return cluster
    raise ValueError(f"no cluster {name}; there are {sorted(one.name for one in sim.account.clusters())}")


def _update(sim: Simulation, cluster: Cluster, change: JSON) -> None:
    apply_update(sim, sim.account.region(cluster.region), cluster, change)


def _complete(sim: Simulation, cluster: Cluster) -> None:
    cluster.turn += 1
    cluster.status = "InService"
    for group in cluster.groups.values():
        group.status = "InService"
        group.settled = (group.target, group.minimum)
        for _ in range(group.target):
            _up(sim, cluster, instances.launch(sim, cluster, group))
    for item in cluster.operations:
        item.status = "Done"


def _up(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    instance.turn += 1
    instance.instance_id = sim.names.instance_id()
    instance.address = sim.names.address()
    instance.launched_at = sim.now
    instance.joined = True
    cluster.by_id[instance.instance_id] = instance
    instances.run(sim, cluster, instance)


def _small_cluster(name: str, region: str, account: str) -> JSON:
    return {
        "ClusterName": name,
        "Orchestrator": {"Eks": {"ClusterArn": f"arn:aws:eks:{region}:{account}:cluster/other-{name}"}},
        "VpcConfig": {"SecurityGroupIds": ["sg-0a0a0a0a"], "Subnets": ["subnet-0a0a0a0a"]},
        "InstanceGroups": [
            {
                "InstanceGroupName": "workers",
                "InstanceType": "ml.m5.xlarge",
                "InstanceCount": 1,
                "ExecutionRole": f"arn:aws:iam::{account}:role/other",
                "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-other/", "OnCreate": "on_create.sh"},
            }
        ],
    }
