"""UpdateClusterSoftware and StartClusterHealthCheck."""

from hyperpod_testbed.simulator import checks, software
from hyperpod_testbed.simulator.errors import validation
from hyperpod_testbed.simulator.operations import cluster_rules
from hyperpod_testbed.simulator.operations.lookup import cluster_of, not_found
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Region


def update_software(sim: Simulation, region: Region, request: JSON) -> JSON:
    """UpdateClusterSoftware: without InstanceGroups, every group."""
    cluster = cluster_of(sim, region, request)
    cluster_rules.require_in_service(sim, cluster, "patched")
    if any(group.status in {"Creating", "Updating"} for group in cluster.groups.values()):
        raise validation(f"Cluster {cluster.name} has instance groups below their MinInstanceCount.")
    named = request.get("InstanceGroups") or [{"InstanceGroupName": name} for name in cluster.groups]
    image = request.get("ImageId")
    versions: dict[str, str] = {}
    for item in named:
        versions[item["InstanceGroupName"]] = _version(sim, cluster, item, image_id=image)
    deployment = request.get("DeploymentConfig")
    software.start(sim, cluster, versions=versions, image_id=image, deployment=deployment)
    return {"ClusterArn": cluster.arn}


def start_health_check(sim: Simulation, region: Region, request: JSON) -> JSON:
    """StartClusterHealthCheck: whole groups, or the named instances; those under check already are left alone."""
    cluster = cluster_of(sim, region, request)
    cluster_rules.require_in_service(sim, cluster, "checked")
    wanted = request["DeepHealthCheckConfigurations"]
    chosen = []
    for item in wanted:
        name = item["InstanceGroupName"]
        if name not in cluster.groups:
            raise validation(f"Instance group '{name}' does not exist in cluster {cluster.name}.")
        members = [one for one in cluster.staying(name) if one.instance_id]
        ids = item.get("InstanceIds")
        if ids is not None:
            if unknown := sorted(set(ids) - {str(one.instance_id) for one in members}):
                raise not_found(sim, f"Instance {unknown[0]} does not exist in instance group '{name}'.")
            members = [one for one in members if one.instance_id in ids]
        chosen += [one for one in members if one.status == "Running"]
    for one in chosen:
        checks.start(sim, cluster, one, demanded=True)
    sim.operation(cluster, "DeepHealthCheck", checks=wanted)
    sim.touch(cluster)
    return {"ClusterArn": cluster.arn}


def _version(sim: Simulation, cluster: Cluster, item: JSON, *, image_id: str | None) -> str:
    name = item["InstanceGroupName"]
    group = cluster.groups.get(name)
    if group is None:
        raise validation(f"Instance group '{name}' does not exist in cluster {cluster.name}.")
    if group.image_id and image_id is None:
        raise validation(f"Instance group '{name}' uses a custom AMI: specify ImageId, or `default`.")
    version = str(item.get("ImageReleaseVersion") or sim.conditions.image_versions[-1])
    if version not in sim.conditions.image_versions:
        raise validation(f"ImageReleaseVersion {version} does not exist.")
    return version
