"""BatchAddClusterNodes, BatchDeleteClusterNodes, BatchRebootClusterNodes, BatchReplaceClusterNodes.

Each item has its own outcome. The codes differ by operation (`Code` with NodeId… on delete, `ErrorCode` with
InstanceId… on the others), as in the API model.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_testbed.simulator import groups, instances, moves
from hyperpod_testbed.simulator.errors import AwsError, validation
from hyperpod_testbed.simulator.operations import group_rules
from hyperpod_testbed.simulator.operations.lookup import by_logical_id, cluster_of, require_continuous
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Group, Instance, Region

MOST_ADDED = 50
"""Nodes in one BatchAddClusterNodes, over all its groups (API reference)."""
MOST_LOGICAL_DELETED = 50
"""NodeLogicalIds in one BatchDeleteClusterNodes (API reference)."""


@dataclass(frozen=True)
class _Words:
    """How an operation names its failures."""

    code: str
    not_found: str
    wrong_status: str


_DELETE = _Words("Code", "NodeIdNotFound", "InvalidNodeStatus")
_REPAIR = _Words("ErrorCode", "InstanceIdNotFound", "InvalidInstanceStatus")


def batch_add(sim: Simulation, region: Region, request: JSON) -> JSON:
    """BatchAddClusterNodes: raises target counts, answers with logical ids; a ClientToken repeats its answer."""
    cluster = cluster_of(sim, region, request)
    require_continuous(cluster, "BatchAddClusterNodes")
    wanted = request["NodesToAdd"]
    total = sum(item["IncrementTargetCountBy"] for item in wanted)
    if total > MOST_ADDED:
        raise validation(f"A request can add at most {MOST_ADDED} nodes; this one asks for {total}.")
    repeated = _repeated(sim, cluster, request)
    if repeated is not None:
        return repeated
    blocked = _blocked(sim, cluster)
    before = {
        group.name: (groups.current_count(cluster, group.name), group.target, group.minimum)
        for group in cluster.groups.values()
    }
    failed, accepted = [], []
    for item in wanted:
        code = "InvalidInstanceGroupStatus" if blocked else _add_problem(cluster, item)
        if code:
            failed.append(_add_failure(item, code))
        else:
            accepted.append(item)
    _check_add_quota(sim, region, cluster, accepted)
    added = [one for item in accepted for one in _add(sim, cluster, item)]
    if failed and not added and sim.options.batch_all_failed == "error":
        raise validation(f"All nodes failed: {failed[0]['ErrorCode']}: {failed[0]['Message']}")
    if added:
        groups.scaling_began(sim, cluster, before)
        sim.touch(cluster)
    if token := request.get("ClientToken"):
        asked = {"NodesToAdd": wanted}
        cluster.tokens[token] = (sim.now, asked, added)
    return {"Successful": [_added(one) for one in added], "Failed": failed}


def batch_delete(sim: Simulation, region: Region, request: JSON) -> JSON:
    """BatchDeleteClusterNodes: takes the named nodes down and does not replace them."""
    cluster = cluster_of(sim, region, request)
    ids, logical = request.get("NodeIds") or [], request.get("NodeLogicalIds") or []
    limit = sim.options.batch_delete_limit
    if len(ids) + len(logical) > limit:
        raise validation(f"A request can name at most {limit} nodes; this one names {len(ids) + len(logical)}.")
    if len(logical) > MOST_LOGICAL_DELETED:
        raise validation(f"A request can name at most {MOST_LOGICAL_DELETED} NodeLogicalIds.")

    def delete(instance: Instance) -> None:
        group = cluster.groups[instance.group]
        if sim.options.batch_delete_lowers_target:
            group.target = max(0, group.target - 1)
            if group.minimum > group.target:
                group.spec["MinInstanceCount"] = group.target
        instances.event(sim, cluster, instance, f"Instance {instance.instance_id} is being deleted.")
        instances.terminate(sim, cluster, instance)

    return _batch(sim, cluster, request, _DELETE, delete, needs_patch=True)


def batch_reboot(sim: Simulation, region: Region, request: JSON) -> JSON:
    """BatchRebootClusterNodes: the same instances, restarted."""
    cluster = cluster_of(sim, region, request)
    return _batch(sim, cluster, request, _REPAIR, lambda one: instances.reboot(sim, cluster, one), needs_patch=False)


def batch_replace(sim: Simulation, region: Region, request: JSON) -> JSON:
    """BatchReplaceClusterNodes: other instances in the place of the named ones; their volumes are lost."""
    cluster = cluster_of(sim, region, request)

    def replace(instance: Instance) -> None:
        instances.replace(sim, cluster, instance)

    return _batch(sim, cluster, request, _REPAIR, replace, needs_patch=True)


def _batch(
    sim: Simulation,
    cluster: Cluster,
    request: JSON,
    words: _Words,
    act: Callable[[Instance], None],
    *,
    needs_patch: bool,
) -> JSON:
    ids, logical = request.get("NodeIds") or [], request.get("NodeLogicalIds") or []
    if not ids and not logical:
        raise validation("At least one of NodeIds and NodeLogicalIds must be specified.")
    if logical:
        require_continuous(cluster, "NodeLogicalIds")
    if needs_patch and not cluster.patched:
        raise validation("Run UpdateClusterSoftware on the cluster before you delete or replace nodes of it.")
    blocked = _blocked(sim, cluster)
    lists: JSON = {"Successful": [], "Failed": [], "SuccessfulNodeLogicalIds": [], "FailedNodeLogicalIds": []}
    problems = []
    for member, names, suffix in (("NodeId", ids, ""), ("NodeLogicalId", logical, "NodeLogicalIds")):
        for name in dict.fromkeys(names):
            found = cluster.by_id.get(name) if member == "NodeId" else by_logical_id(cluster, name)
            problem = _problem(found, words, rebooting=words is _REPAIR, blocked=blocked)
            if problem or found is None:
                code, message = problem or (words.not_found, "")
                message = f"{name}: {message}"
                lists[f"Failed{suffix}"].append({member: name, words.code: code, "Message": message})
                problems.append(f"{code}: {message}")
            else:
                act(found)
                lists[f"Successful{suffix}"].append(name)
    sim.touch(cluster)
    if len(problems) == len(set(ids)) + len(set(logical)) and sim.options.batch_all_failed == "error":
        raise validation(f"All nodes failed: {problems[0]}")
    return {name: items for name, items in lists.items() if items}


def _problem(instance: Instance | None, words: _Words, *, rebooting: bool, blocked: bool) -> tuple[str, str] | None:
    if instance is None:
        return words.not_found, "the node does not exist in the cluster."
    if instance.status in moves.MOVING and not rebooting:
        return "NodeIdInUse", "the node is being moved to another instance group."
    allowed = {"Running", "Failure", "DeepHealthCheckInProgress"} | (set() if rebooting else {"Pending"})
    if blocked or instance.status not in allowed:
        return words.wrong_status, f"the node is {instance.status} and cannot be changed now."
    return None


def _blocked(sim: Simulation, cluster: Cluster) -> bool:
    """Whether a cluster-level change blocks the call; an error or per-item failures, by option."""
    waiting = any(group.status in {"Creating", "Updating"} for group in cluster.groups.values())
    if cluster.status == "InService" and not waiting:
        return False
    if sim.options.blocked_batch_error == "items":
        return True
    what = f"is in {cluster.status} status" if not waiting else "has instance groups below their MinInstanceCount"
    raise AwsError(sim.options.blocked_batch_error, f"The operation is not allowed now: cluster {cluster.name} {what}.")


def _repeated(sim: Simulation, cluster: Cluster, request: JSON) -> JSON | None:
    known = cluster.tokens.get(request.get("ClientToken") or "")
    if known is None or sim.now - known[0] > sim.timings.batch_token_life:
        return None
    if known[1] != {"NodesToAdd": request["NodesToAdd"]}:
        raise validation("ClientToken was used before with other parameters.")
    answer = []
    for one in known[2]:
        item = _added(one)
        if one.serial not in cluster.instances:
            item["Status"] = "NotFound"
        answer.append(item)
    return {"Successful": answer, "Failed": []}


def _add_problem(cluster: Cluster, item: JSON) -> str | None:
    group = cluster.groups.get(item["InstanceGroupName"])
    if group is None:
        return "InstanceGroupNotFound"
    if group.restricted or group.status not in {"InService", "Degraded"}:
        return "InvalidInstanceGroupStatus"
    types, zones = item.get("InstanceTypes"), item.get("AvailabilityZones")
    flexible = "InstanceRequirements" in group.spec
    if types and (not flexible or not set(types) <= set(group.types)):
        return "IncompatibleInstanceTypes"
    if zones and not flexible:
        return "IncompatibleAvailabilityZones"
    return None


def _add_failure(item: JSON, code: str) -> JSON:
    name = item["InstanceGroupName"]
    answer = {
        "InstanceGroupName": name,
        "ErrorCode": code,
        "FailedCount": item["IncrementTargetCountBy"],
        "Message": f"{code}: no nodes were added to instance group {name}.",
    }
    return answer | {key: item[key] for key in ("AvailabilityZones", "InstanceTypes") if key in item}


def _check_add_quota(sim: Simulation, region: Region, cluster: Cluster, items: list[JSON]) -> None:
    more: dict[str, int] = {}
    for item in items:
        name = item["InstanceGroupName"]
        more[name] = more.get(name, 0) + item["IncrementTargetCountBy"]
    wanted = [
        {**group.spec, "InstanceCount": group.target + more.get(group.name, 0)} for group in cluster.groups.values()
    ]
    group_rules.check_quotas(sim, region, cluster=cluster, groups=wanted)


def _add(sim: Simulation, cluster: Cluster, item: JSON) -> list[Instance]:
    group: Group = cluster.groups[item["InstanceGroupName"]]
    count = item["IncrementTargetCountBy"]
    group.target += count
    types = item.get("InstanceTypes") or group.types
    return [instances.launch(sim, cluster, group, type_name=types[0]) for _ in range(count)]


def _added(instance: Instance) -> JSON:
    return {"NodeLogicalId": instance.logical_id, "InstanceGroupName": instance.group, "Status": instance.status}
