"""CreateCluster, DescribeCluster, ListClusters, DeleteCluster."""

import copy

from hyperpod_testbed.simulator import groups, pages, present, progress
from hyperpod_testbed.simulator.errors import validation
from hyperpod_testbed.simulator.operations import cluster_rules, group_rules
from hyperpod_testbed.simulator.operations.lookup import cluster_of
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Group, Region

_NOT_OF_THE_SPEC = {"ClusterName", "InstanceGroups", "RestrictedInstanceGroups", "Tags", "InstanceGroupsToDelete"}


def create_cluster(sim: Simulation, region: Region, request: JSON) -> JSON:
    """CreateCluster: the name is free, the rules hold, the roles can be assumed, the quotas suffice."""
    plain, restricted = request.get("InstanceGroups") or [], request.get("RestrictedInstanceGroups") or []
    spec = cluster_members(request)
    if sim.options.provisioning_mode_default == "Continuous":
        spec.setdefault("NodeProvisioningMode", "Continuous")
    cluster_rules.require_free_name(region, request["ClusterName"])
    cluster_rules.check_cluster(sim, region, spec, name=request["ClusterName"])
    tags = cluster_rules.tag_map(request.get("Tags") or [])
    cluster_rules.check_tags(tags)
    if not plain and not restricted:
        raise validation("At least one of InstanceGroups and RestrictedInstanceGroups must be specified.")
    group_rules.check_names(plain, restricted)
    group_rules.check_kinds(sim, plain=bool(plain), restricted=bool(restricted))
    group_rules.check_groups(sim, spec, plain, restricted=False)
    group_rules.check_groups(sim, spec, restricted, restricted=True)
    group_rules.check_network(sim, region, group_rules.networks(spec, [*plain, *restricted]))
    group_rules.check_quotas(sim, region, cluster=None, groups=[*plain, *restricted])
    roles = [group["ExecutionRole"] for group in (*plain, *restricted)]
    group_rules.check_roles(sim, region, [*roles, *filter(None, [spec.get("ClusterRole")])])
    spec.setdefault("NodeRecovery", sim.options.node_recovery_default)
    cluster = Cluster(
        id=sim.names.cluster_id(),
        name=request["ClusterName"],
        region=region.name,
        account=sim.account.id,
        spec=spec,
        tags=tags,
        created_at=sim.now,
    )
    for group in plain:
        cluster.groups[group["InstanceGroupName"]] = new_group(sim, group, restricted=False)
    for group in restricted:
        cluster.groups[group["InstanceGroupName"]] = new_group(sim, group, restricted=True)
    region.clusters[cluster.name] = cluster
    groups.scaling_began(sim, cluster, {})
    progress.start_creation(sim, cluster)
    return {"ClusterArn": cluster.arn}


def describe_cluster(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeCluster, by name or ARN."""
    return present.cluster_details(sim, cluster_of(sim, region, request))


def list_clusters(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListClusters; MaxResults bounds the items looked at, so a page may be empty and still have a token."""
    known = [one for one in region.clusters.values() if sim.now - one.created_at >= sim.options.create_lag]
    descending = request.get("SortOrder") == "Descending"
    by_name = request.get("SortBy") == "NAME"
    known.sort(key=lambda one: (one.name if by_name else "", one.created_at), reverse=descending)
    chosen, token = pages.page(known, request, operation="ListClusters", default_size=sim.options.page_size)
    summaries = [present.cluster_summary(one) for one in chosen if _matches(one, request)]
    return pages.answer("ClusterSummaries", summaries, token)


def delete_cluster(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DeleteCluster: ConflictException while something is under way, unless Continuous."""
    cluster = cluster_of(sim, region, request)
    cluster_rules.require_deletable(sim, cluster)
    progress.start_deletion(sim, cluster)
    return {"ClusterArn": cluster.arn}


def cluster_members(request: JSON) -> JSON:
    """The members of a request that describe the cluster itself."""
    return {name: copy.deepcopy(value) for name, value in request.items() if name not in _NOT_OF_THE_SPEC}


def new_group(sim: Simulation, spec: JSON, *, restricted: bool) -> Group:
    """A group as it begins: the newest image unless the request pins another."""
    latest = sim.conditions.image_versions[-1]
    version = spec.get("ImageReleaseVersion") or latest
    if version not in sim.conditions.image_versions:
        raise validation(f"ImageReleaseVersion {version} of group '{spec['InstanceGroupName']}' does not exist.")
    image = spec.get("ImageId")
    image = None if image == "default" else image
    return Group(
        name=spec["InstanceGroupName"],
        spec=copy.deepcopy(spec),
        restricted=restricted,
        created_at=sim.now,
        image_version=version,
        desired_image_version=version,
        image_id=image,
        desired_image_id=image,
    )


def _matches(cluster: Cluster, request: JSON) -> bool:
    after, before = request.get("CreationTimeAfter"), request.get("CreationTimeBefore")
    plan = request.get("TrainingPlanArn")
    return (
        request.get("NameContains", "") in cluster.name
        and (after is None or cluster.created_at > after)
        and (before is None or cluster.created_at < before)
        and (plan is None or any(one.spec.get("TrainingPlanArn") == plan for one in cluster.groups.values()))
    )
