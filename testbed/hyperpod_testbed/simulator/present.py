"""State as the API shows it: the renames from specification to details, and what the server fills in.

The renames are the members of ClusterInstanceGroupDetails and its siblings in the API model. Times are epoch seconds,
as the JSON protocol has them.
"""

import copy
import zlib
from typing import Any

from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Group, Instance

_ECHOED = (
    "ExecutionRole",
    "LifeCycleConfig",
    "InstanceStorageConfigs",
    "OnStartDeepHealthChecks",
    "TrainingPlanArn",
    "OverrideVpcConfig",
    "ScheduledUpdateConfig",
    "CapacityRequirements",
    "SlurmConfig",
    "NetworkInterface",
)
_CLUSTER_ECHOED = (
    "VpcConfig",
    "Orchestrator",
    "NodeRecovery",
    "TieredStorageConfig",
    "NodeProvisioningMode",
    "ClusterRole",
)


def without_nothing(members: JSON) -> JSON:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def cluster_details(sim: Simulation, cluster: Cluster) -> JSON:
    """Output of DescribeCluster."""
    plain = [group for group in cluster.groups.values() if not group.restricted]
    restricted = [group for group in cluster.groups.values() if group.restricted]
    answer: JSON = {
        "ClusterArn": cluster.arn,
        "ClusterName": cluster.name,
        "ClusterStatus": cluster.status,
        "CreationTime": stamp(cluster.created_at),
        "FailureMessage": cluster.failure or None,
        "InstanceGroups": [group_details(sim, cluster, group) for group in _ordered(sim, cluster, plain)],
    }
    if restricted:
        answer["RestrictedInstanceGroups"] = [
            restricted_details(sim, cluster, group) for group in _ordered(sim, cluster, restricted)
        ]
    for name in _CLUSTER_ECHOED:
        answer[name] = copy.deepcopy(cluster.spec.get(name))
    if sim.now - cluster.created_at < sim.timings.tiered_storage_echo:
        answer["TieredStorageConfig"] = None
    scaling = cluster.spec.get("AutoScaling")
    if scaling:
        answer["AutoScaling"] = {**scaling, "Status": "InService"}
    shared = cluster.spec.get("RestrictedInstanceGroupsConfig")
    if shared:
        environment = shared["SharedEnvironmentConfig"]
        answer["RestrictedInstanceGroupsConfig"] = {
            "SharedEnvironmentConfig": {
                "CurrentFSxLustreConfig": environment["FSxLustreConfig"],
                "DesiredFSxLustreConfig": environment["FSxLustreConfig"],
                "CurrentFSxLustreDeletionPolicy": environment["FSxLustreDeletionPolicy"],
                "DesiredFSxLustreDeletionPolicy": environment["FSxLustreDeletionPolicy"],
            }
        }
    return without_nothing(answer)


def cluster_summary(cluster: Cluster) -> JSON:
    """One item of ListClusters."""
    plans = sorted({plan for group in cluster.groups.values() if (plan := group.spec.get("TrainingPlanArn"))})
    return without_nothing(
        {
            "ClusterArn": cluster.arn,
            "ClusterName": cluster.name,
            "CreationTime": stamp(cluster.created_at),
            "ClusterStatus": cluster.status,
            "TrainingPlanArns": plans or None,
        }
    )


def group_details(sim: Simulation, cluster: Cluster, group: Group) -> JSON:
    """ClusterInstanceGroupDetails."""
    answer = _common_details(sim, cluster, group)
    filled = sim.options.fill_defaults
    if cluster.continuous and (filled or group.minimum):
        answer["MinCount"] = group.minimum
    if "InstanceRequirements" in group.spec:
        answer.pop("InstanceType", None)
        answer["InstanceRequirements"] = {
            "CurrentInstanceTypes": group.current.get("InstanceTypes") or group.types,
            "DesiredInstanceTypes": group.types,
        }
        answer["InstanceTypeDetails"] = [_type_detail(sim, cluster, group, name) for name in group.types]
    answer["CurrentImageId"] = group.image_id
    answer["DesiredImageId"] = group.desired_image_id
    if group.software_running and group.desired_image_id and sim.options.software_desired_image == "other":
        answer["DesiredImageId"] = f"ami-{zlib.crc32(group.desired_image_id.encode()):08x}000000000"
    if filled or group.spec.get("ImageReleaseVersion"):
        answer["CurrentImageReleaseVersion"] = group.image_version
        answer["DesiredImageReleaseVersion"] = group.desired_image_version
    if filled:
        answer["ImageVersionStatus"] = image_status(sim, group.image_version)
    answer["AutoPatchConfig"] = _patch_details(group)
    answer["KubernetesConfig"] = kubernetes_details(
        group.spec.get("KubernetesConfig"), group.current.get("KubernetesConfig")
    )
    if _scaling(cluster, group):
        answer["ActiveOperations"] = {"Scaling": 1}
    if group.software_status:
        answer["SoftwareUpdateStatus"] = group.software_status
        answer["TargetStateCount"] = sum(
            1 for one in cluster.staying(group.name) if one.image_version == group.desired_image_version
        )
        answer["ActiveSoftwareUpdateConfig"] = group.software_config
    return without_nothing(answer)


def restricted_details(sim: Simulation, cluster: Cluster, group: Group) -> JSON:
    """ClusterRestrictedInstanceGroupDetails: no lifecycle, image or Kubernetes members."""
    answer = _common_details(sim, cluster, group)
    for name in ("LifeCycleConfig", "CapacityRequirements", "SlurmConfig", "NetworkInterface"):
        answer.pop(name, None)
    environment = copy.deepcopy(group.spec.get("EnvironmentConfig") or {})
    environment["S3OutputPath"] = f"s3://sagemaker-{cluster.region}-{cluster.account}/{cluster.id}/{group.name}"
    answer["EnvironmentConfig"] = environment
    return without_nothing(answer)


def tags(sim: Simulation, cluster: Cluster) -> list[JSON]:
    """The tags as ListTags gives them."""
    keys = sorted(cluster.tags)
    if sim.options.shuffle_lists:
        keys = sim.names.shuffled(keys, key=f"tags:{cluster.id}")
    return [{"Key": key, "Value": cluster.tags[key]} for key in keys]


def stamp(seconds: float | None) -> Any:
    """A time of the API, in milliseconds' resolution."""
    return None if seconds is None else round(seconds, 3)


def _ordered(sim: Simulation, cluster: Cluster, groups: list[Group]) -> list[Group]:
    if not sim.options.shuffle_lists:
        return groups
    return sim.names.shuffled(sorted(groups, key=lambda group: group.name), key=f"groups:{cluster.id}")


def _common_details(sim: Simulation, cluster: Cluster, group: Group) -> JSON:
    answer: JSON = {
        "InstanceGroupName": group.name,
        "InstanceType": group.spec.get("InstanceType"),
        "CurrentCount": _count(sim, cluster, group),
        "TargetCount": group.target,
        "Status": group.status,
        "ThreadsPerCore": threads(sim, group, group.types[0]),
    }
    for name in _ECHOED:
        answer[name] = copy.deepcopy(group.spec.get(name))
    if answer["InstanceStorageConfigs"] is None and sim.options.empty_storage_echoed:
        answer["InstanceStorageConfigs"] = []
    if group.spec.get("TrainingPlanArn"):
        answer["TrainingPlanStatus"] = "Active"
    return answer


def _type_detail(sim: Simulation, cluster: Cluster, group: Group, name: str) -> JSON:
    return {
        "InstanceType": name,
        "CurrentCount": _count(sim, cluster, group, type_name=name),
        "ThreadsPerCore": group.spec.get("ThreadsPerCore") or instance_type(name).threads_per_core,
    }


def _count(sim: Simulation, cluster: Cluster, group: Group, *, type_name: str | None = None) -> int:
    """CurrentCount; by option with the instances that end and are not gone."""
    shown = sim.options.scale_in == "nodes_first"
    return sum(
        1
        for one in cluster.members(group.name)
        if type_name in {None, one.type} and (one.counted or (shown and _ending(one)))
    )


def _ending(instance: Instance) -> bool:
    return instance.joined and instance.status == "ShuttingDown" and not instance.replaced


def threads(sim: Simulation, group: Group, type_name: str) -> int | None:
    """ThreadsPerCore: the caller's, or what AWS fills in."""
    chosen = group.spec.get("ThreadsPerCore")
    if chosen or not sim.options.fill_defaults:
        return chosen
    return instance_type(type_name).threads_per_core


def image_status(sim: Simulation, version: str) -> str:
    """ImageVersionStatus of a release."""
    return "UpToDate" if version == sim.conditions.image_versions[-1] else "UpdateAvailable"


def _patch_details(group: Group) -> JSON | None:
    wanted = group.spec.get("AutoPatchConfig")
    if not wanted:
        return None
    answer = copy.deepcopy({name: value for name, value in wanted.items() if name != "PatchSchedule"})
    answer["DesiredPatchSchedule"] = copy.deepcopy(wanted.get("PatchSchedule"))
    answer["CurrentPatchSchedule"] = copy.deepcopy(group.current.get("PatchSchedule"))
    return without_nothing(answer)


def kubernetes_details(desired: JSON | None, current: JSON | None) -> JSON | None:
    """KubernetesConfig with Current and Desired of labels and taints."""
    desired, current = desired or {}, current or {}
    answer = without_nothing(
        {
            "DesiredLabels": copy.deepcopy(desired.get("Labels")),
            "CurrentLabels": copy.deepcopy(current.get("Labels") or None),
            "DesiredTaints": copy.deepcopy(desired.get("Taints")),
            "CurrentTaints": copy.deepcopy(current.get("Taints") or None),
        }
    )
    return answer or None


def _scaling(cluster: Cluster, group: Group) -> bool:
    members = cluster.members(group.name)
    return sum(one.counted for one in members) != group.target or any(one.leaving for one in members)
