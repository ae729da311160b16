"""What a group must be like, beyond what the API model can say.

The rules are those of the API reference and of the HyperPod pages on EKS: which members exclude each other, which
need Continuous provisioning, what a volume must have.
"""

from collections.abc import Iterable

from hyperpod_testbed.simulator.errors import limit_exceeded, validation
from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.prerequisites import execution, inventory, quotas
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Region

INCREASE = "Please use AWS Service Quotas to request an increase for this quota."


def check_groups(sim: Simulation, spec: JSON, groups: Iterable[JSON], *, restricted: bool) -> None:
    """Check the groups of a request against the cluster specification they are for."""
    for group in groups:
        _check_counts(spec, group)
        if not restricted:
            _check_types(spec, group)
            _check_lifecycle(sim, spec, group)
            _check_capacity(sim, spec, group)
        _check_volumes(group)
        _check_checks(group)
        _check_autoscaling(spec, group)


def check_names(*lists: Iterable[JSON]) -> None:
    """No two groups of a cluster share a name."""
    seen: set[str] = set()
    for groups in lists:
        for group in groups:
            name = group["InstanceGroupName"]
            if name in seen:
                raise validation(f"Instance group names must be unique; '{name}' appears more than once.")
            seen.add(name)


def check_kinds(sim: Simulation, *, plain: bool, restricted: bool) -> None:
    """Restricted groups do not go with others, as seen on a live cluster."""
    if plain and restricted and sim.options.restricted_beside_groups == "refuse":
        raise validation(
            "Found RestrictedInstanceGroups in the cluster input. Please remove RestrictedInstanceGroups from the "
            "request and try again."
        )


def check_roles(sim: Simulation, region: Region, roles: Iterable[str]) -> None:
    """AWS must be able to assume each role; one made a moment ago is not known everywhere yet."""
    for role in sorted(set(roles)):
        first, attempts = region.roles.get(role, (sim.now, 0))
        region.roles[role] = (first, attempts + 1)
        fresh = sim.now - first < sim.options.role_propagation or attempts < sim.options.role_attempts
        if fresh or not execution.assumable(sim, role):
            raise validation(
                f"SageMaker HyperPod cannot assume the execution role {role}. "
                "Verify that the role exists and that it trusts sagemaker.amazonaws.com."
            )


def networks(spec: JSON, groups: Iterable[JSON]) -> list[JSON]:
    """Every VpcConfig that a cluster and these groups name."""
    found = [spec.get("VpcConfig"), *(group.get("OverrideVpcConfig") for group in groups)]
    return [config for config in found if config]


def check_network(sim: Simulation, region: Region, configs: Iterable[JSON]) -> None:
    """Subnets and security groups exist. How AWS words it in a call is not known; events name them as here."""
    for config in configs:
        for name in config.get("SecurityGroupIds") or []:
            if inventory.security_group(sim, region, name) is None:
                raise validation(f"The security group '{name}' does not exist")
        for name in config.get("Subnets") or []:
            if inventory.subnet(sim, region, name) is None:
                raise validation(f"The subnet '{name}' does not exist")


def check_quotas(sim: Simulation, region: Region, *, cluster: Cluster | None, groups: Iterable[JSON]) -> None:
    """The cluster with these groups, and the account with it, stay within the quotas."""
    wanted = list(groups)
    others = [
        (group.types[0], group.target, is_spot(group.spec))
        for other in region.clusters.values()
        if other is not cluster
        for group in other.groups.values()
    ]
    own = [(_first_type(group), int(group["InstanceCount"]), is_spot(group)) for group in wanted]
    size = sum(count for _, count, _ in own)
    limit = quotas.limit(sim, "sagemaker", quotas.PER_CLUSTER)
    if size > limit:
        raise limit_exceeded(
            f"The account-level service limit '{quotas.PER_CLUSTER}' "
            f"is {limit:.0f} Instances, with a request of {size} Instances. {INCREASE}"
        )
    for spot, name in ((None, quotas.IN_TOTAL), (True, quotas.SPOT_IN_TOTAL)):
        total = sum(count for _, count, is_one in (*own, *others) if spot is None or is_one)
        limit = quotas.limit(sim, "sagemaker", name)
        if total > limit and any(count for _, count, is_one in own if spot is None or is_one):
            raise limit_exceeded(
                f"The account-level service limit '{name}' "
                f"is {limit:.0f} Instances, with a request of {total} Instances in total. {INCREASE}"
            )
    for kind, spot in sorted({(kind, is_one) for kind, _, is_one in own}):
        name = quotas.spot(kind) if spot else quotas.on_demand(kind)
        limit = quotas.limit(sim, "sagemaker", name)
        used = sum(count for one, count, is_one in others if (one, is_one) == (kind, spot))
        asked = sum(count for one, count, is_one in own if (one, is_one) == (kind, spot))
        if asked and used + asked > limit:
            raise limit_exceeded(
                f"The account-level service limit '{name}' is {limit:.0f} Instances, with current "
                f"utilization of {used} Instances and a request delta of {asked} Instances. {INCREASE}"
            )
    _check_volume_sizes(sim, wanted)


def _check_volume_sizes(sim: Simulation, groups: Iterable[JSON]) -> None:
    limit = quotas.limit(sim, "sagemaker", quotas.VOLUME_SIZE)
    for group in groups:
        for item in group.get("InstanceStorageConfigs") or []:
            size = (item.get("EbsVolumeConfig") or {}).get("VolumeSizeInGB") or 0
            if size > limit:
                raise limit_exceeded(
                    f"The account-level service limit '{quotas.VOLUME_SIZE}' is {limit:.0f} GB, with a request of "
                    f"{size} GB. {INCREASE}"
                )


def is_spot(group: JSON) -> bool:
    """Whether a group asks for Spot capacity."""
    return "Spot" in (group.get("CapacityRequirements") or {})


def _first_type(group: JSON) -> str:
    if "InstanceType" in group:
        return str(group["InstanceType"])
    return str(group["InstanceRequirements"]["InstanceTypes"][0])


def _check_counts(spec: JSON, group: JSON) -> None:
    minimum = group.get("MinInstanceCount")
    if minimum is None:
        return
    name = group["InstanceGroupName"]
    if spec.get("NodeProvisioningMode") != "Continuous":
        raise validation(f"MinInstanceCount of instance group '{name}' needs NodeProvisioningMode Continuous.")
    if minimum > group["InstanceCount"]:
        raise validation(f"MinInstanceCount of instance group '{name}' must not be greater than InstanceCount.")


def _check_types(spec: JSON, group: JSON) -> None:
    name = group["InstanceGroupName"]
    if ("InstanceType" in group) == ("InstanceRequirements" in group):
        raise validation(f"Instance group '{name}' must have exactly one of InstanceType and InstanceRequirements.")
    if "InstanceRequirements" in group:
        types = group["InstanceRequirements"]["InstanceTypes"]
        if spec.get("NodeProvisioningMode") != "Continuous":
            raise validation(f"InstanceRequirements of group '{name}' needs NodeProvisioningMode Continuous.")
        if len(set(types)) != len(types):
            raise validation(f"InstanceRequirements of group '{name}' names an instance type more than once.")
    threads = group.get("ThreadsPerCore")
    if threads and threads > instance_type(_first_type(group)).threads_per_core:
        raise validation(f"ThreadsPerCore of instance group '{name}' must be 1 for {_first_type(group)}.")


def _check_lifecycle(sim: Simulation, spec: JSON, group: JSON) -> None:
    on_eks = "Eks" in (spec.get("Orchestrator") or {})
    if on_eks and sim.options.lifecycle_config_required and not group.get("LifeCycleConfig"):
        raise validation(f"LifeCycleConfig is required for instance group '{group['InstanceGroupName']}'.")
    if on_eks and group.get("SlurmConfig"):
        raise validation(f"SlurmConfig of group '{group['InstanceGroupName']}' is not supported with Orchestrator.Eks.")


def _check_capacity(sim: Simulation, spec: JSON, group: JSON) -> None:
    capacity = group.get("CapacityRequirements") or {}
    name = group["InstanceGroupName"]
    if len(capacity) > 1:
        raise validation(f"CapacityRequirements of group '{name}' must have one of Spot and OnDemand.")
    if "Spot" not in capacity:
        return
    if sim.options.spot_needs_continuous and spec.get("NodeProvisioningMode") != "Continuous":
        raise validation(f"Spot capacity of group '{name}' needs NodeProvisioningMode Continuous.")
    if sim.options.spot_excludes_training_plan and group.get("TrainingPlanArn"):
        raise validation(f"Spot capacity of group '{name}' cannot be combined with TrainingPlanArn.")


def _check_volumes(group: JSON) -> None:
    for item in group.get("InstanceStorageConfigs") or []:
        volume = item.get("EbsVolumeConfig")
        if volume is None:
            continue
        name, size = group["InstanceGroupName"], volume.get("VolumeSizeInGB")
        if volume.get("RootVolume"):
            if size is not None or not volume.get("VolumeKmsKeyId"):
                raise validation(f"The root volume of group '{name}' needs VolumeKmsKeyId and no VolumeSizeInGB.")
        elif size is None:
            raise validation(f"EbsVolumeConfig of instance group '{name}' needs VolumeSizeInGB.")


def _check_checks(group: JSON) -> None:
    taints = (group.get("KubernetesConfig") or {}).get("Taints")
    if taints and group.get("OnStartDeepHealthChecks"):
        raise validation(
            f"Custom taints cannot be added to instance group '{group['InstanceGroupName']}' with deep health checks."
        )


def _check_autoscaling(spec: JSON, group: JSON) -> None:
    if (spec.get("AutoScaling") or {}).get("Mode") != "Enable":
        return
    for member in ("OnStartDeepHealthChecks", "TrainingPlanArn"):
        if group.get(member):
            raise validation(
                f"{member} of group '{group['InstanceGroupName']}' is not supported while autoscaling is enabled."
            )
