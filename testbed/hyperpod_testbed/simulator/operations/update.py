"""UpdateCluster: what may change, what becomes of groups that are not named, which groups go.

Immutable members follow AWS's page on UpdateCluster for EKS; where sources disagree, an option decides.
"""

import copy

from hyperpod_testbed.simulator import groups, progress
from hyperpod_testbed.simulator.errors import validation
from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.operations import cluster_rules, group_rules
from hyperpod_testbed.simulator.operations.clusters import cluster_members, new_group
from hyperpod_testbed.simulator.operations.lookup import cluster_of
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Former, Group, Region

_DOCUMENTED = ("InstanceType", "ExecutionRole", "ThreadsPerCore", "OverrideVpcConfig")
_INFERRED = ("InstanceStorageConfigs", "TrainingPlanArn", "CapacityRequirements")
_ALWAYS_SENT = {"InstanceGroupName", "InstanceCount", "ExecutionRole", "InstanceType", "InstanceRequirements"}


def update_cluster(sim: Simulation, region: Region, request: JSON) -> JSON:
    """UpdateCluster of a caller: refused while the cluster is busy."""
    cluster = cluster_of(sim, region, request)
    cluster_rules.require_updatable(sim, cluster)
    apply_update(sim, region, cluster, request)
    return {"ClusterArn": cluster.arn}


def apply_update(sim: Simulation, region: Region, cluster: Cluster, request: JSON) -> None:
    """Check the change and begin it."""
    spec = _cluster_spec(sim, cluster, request)
    gone = _groups_to_delete(sim, cluster, request)
    changed = _changed_groups(sim, cluster, request)
    for restricted in (False, True):
        specs = [spec for spec, is_restricted in changed.values() if is_restricted is restricted]
        group_rules.check_groups(sim, spec, specs, restricted=restricted)
    after = {name: group.spec for name, group in cluster.groups.items() if name not in gone}
    after |= {name: spec for name, (spec, _) in changed.items()}
    kinds = {group.restricted for name, group in cluster.groups.items() if name not in gone}
    kinds |= {is_restricted for _, is_restricted in changed.values()}
    group_rules.check_kinds(sim, plain=False in kinds, restricted=True in kinds)
    if not after:
        raise validation("At least one instance group must remain in the cluster.")
    group_rules.check_network(sim, region, group_rules.networks(spec, [members for members, _ in changed.values()]))
    group_rules.check_quotas(sim, region, cluster=cluster, groups=after.values())
    used = {group.spec["ExecutionRole"] for group in cluster.groups.values()}
    group_rules.check_roles(sim, region, {one["ExecutionRole"] for one in after.values()} - used)
    _begin(sim, cluster, spec=spec, gone=gone, changed=changed)


def _begin(
    sim: Simulation, cluster: Cluster, *, spec: JSON, gone: set[str], changed: dict[str, tuple[JSON, bool]]
) -> None:
    before = {
        group.name: (groups.current_count(cluster, group.name), group.target, group.minimum)
        for group in cluster.groups.values()
    }
    cluster.former = Former(cluster.status, copy.deepcopy(cluster.spec), copy.deepcopy(cluster.groups))
    new = {name: new_group(sim, members, restricted=restricted) for name, (members, restricted) in changed.items()}
    cluster.spec = spec
    cluster.doomed = gone
    for name, group in new.items():
        old = cluster.groups.get(name)
        if old is None:
            cluster.groups[name] = group
        else:
            old.spec = group.spec
        if cluster.continuous:
            _watch(sim, cluster, cluster.groups[name], before.get(name))
    groups.scaling_began(sim, cluster, before)
    progress.start_update(sim, cluster)


def _watch(sim: Simulation, cluster: Cluster, group: Group, before: tuple[int, int, int] | None) -> None:
    if before is None or before[2] != group.minimum:
        groups.watch_minimum(sim, cluster, group, new=before is None)


def _cluster_spec(sim: Simulation, cluster: Cluster, request: JSON) -> JSON:
    sent = cluster_members(request)
    spec = {**copy.deepcopy(cluster.spec), **sent}
    orchestrator = sent.get("Orchestrator")
    if orchestrator is not None and orchestrator != cluster.spec.get("Orchestrator"):
        raise validation("Orchestrator of a cluster cannot be changed.")
    autoscaled = (cluster.spec.get("AutoScaling") or {}).get("Mode") == "Enable"
    if autoscaled and spec.get("ClusterRole") != cluster.spec.get("ClusterRole"):
        raise validation("ClusterRole cannot be updated while autoscaling is enabled.")
    if spec.get("NodeProvisioningMode") != cluster.spec.get("NodeProvisioningMode") and (
        not sim.options.continuous_can_be_switched_on
    ):
        raise validation("NodeProvisioningMode of an existing cluster cannot be changed.")
    cluster_rules.check_autoscaling(spec)
    return spec


def _groups_to_delete(sim: Simulation, cluster: Cluster, request: JSON) -> set[str]:
    named = set(request.get("InstanceGroupsToDelete") or [])
    both_kinds = (*(request.get("InstanceGroups") or []), *(request.get("RestrictedInstanceGroups") or []))
    sent = {group["InstanceGroupName"] for group in both_kinds}
    if both := sorted(named & sent):
        raise validation(f"Instance group '{both[0]}' is both in InstanceGroups and in InstanceGroupsToDelete.")
    if unknown := sorted(named - set(cluster.groups)):
        raise validation(f"Instance group '{unknown[0]}' in InstanceGroupsToDelete does not exist.")
    if named and not cluster.patched:
        raise validation(
            "Run UpdateClusterSoftware on the cluster before you delete instance groups of a cluster this old."
        )
    if sim.options.omitted_groups == "delete" and sent:
        named |= set(cluster.groups) - sent
    return named


def _changed_groups(sim: Simulation, cluster: Cluster, request: JSON) -> dict[str, tuple[JSON, bool]]:
    plain, restricted = request.get("InstanceGroups") or [], request.get("RestrictedInstanceGroups") or []
    group_rules.check_names(plain, restricted)
    changed: dict[str, tuple[JSON, bool]] = {}
    for listed, is_restricted in ((plain, False), (restricted, True)):
        for sent in listed:
            name = sent["InstanceGroupName"]
            old = cluster.groups.get(name)
            if old is None:
                if sent["InstanceCount"] == 0 and not sim.options.new_group_may_be_empty:
                    raise validation(f"InstanceCount of the new instance group '{name}' must be at least 1.")
                changed[name] = (copy.deepcopy(sent), is_restricted)
                continue
            if old.restricted is not is_restricted:
                raise validation(f"Instance group '{name}' cannot change between standard and restricted.")
            if old.status == "Deleting":
                raise validation(f"Instance group '{name}' is being deleted.")
            changed[name] = (_merged(sim, cluster, old, sent), is_restricted)
    return changed


def _merged(sim: Simulation, cluster: Cluster, group: Group, sent: JSON) -> JSON:
    old = group.spec
    for member in ("InstanceType", "InstanceRequirements"):
        if member in sent and member not in old:
            raise validation(
                f"Instance group '{group.name}' cannot change between InstanceType and InstanceRequirements."
            )
    fixed = {"inferred": _DOCUMENTED + _INFERRED, "documented": _DOCUMENTED, "none": ()}[sim.options.immutables]
    for member in fixed:
        if member in sent and sent[member] != old.get(member) and not _is_default(group, member, sent[member]):
            raise validation(f"Updating fields {member} on an InstanceGroup not supported")
    _check_types_in_use(cluster, group, sent)
    keep = set(old) if sim.options.omitted_members == "keep" else _ALWAYS_SENT | set(fixed)
    if "InstanceType" in sent or "InstanceRequirements" in sent:
        keep -= {"InstanceType", "InstanceRequirements"}
    return {**{name: copy.deepcopy(value) for name, value in old.items() if name in keep}, **copy.deepcopy(sent)}


def _is_default(group: Group, member: str, value: object) -> bool:
    """Whether the caller repeats what the server filled in and DescribeCluster reported."""
    if member == "InstanceStorageConfigs":
        return not value and not group.spec.get(member)
    if member != "ThreadsPerCore" or member in group.spec:
        return False
    return value == instance_type(group.types[0]).threads_per_core


def _check_types_in_use(cluster: Cluster, group: Group, sent: JSON) -> None:
    wanted = (sent.get("InstanceRequirements") or {}).get("InstanceTypes")
    if wanted is None:
        return
    active = {one.type for one in cluster.staying(group.name) if one.instance_id}
    if lost := sorted(active - set(wanted)):
        raise validation(f"Instance type {lost[0]} of instance group '{group.name}' has active nodes.")
