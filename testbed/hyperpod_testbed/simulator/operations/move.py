"""MoveClusterNodes: nodes change their group, also to another cluster, and keep their instances.

Declared are the shapes and one error (ResourceNotFound). The API reference has the codes of the items and the rule on
MinInstanceCount; what it leaves open (counts, "compatible configurations") are options.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hyperpod_testbed.simulator import groups, moves
from hyperpod_testbed.simulator.ebs import lifetimes
from hyperpod_testbed.simulator.errors import AwsError, validation
from hyperpod_testbed.simulator.operations.lookup import by_logical_id, cluster_of, not_found, require_continuous
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Group, Instance, Region

_CHOICES = ("NodeIds", "NodeLogicalIds", "InstanceCount")
_READY = {"InService", "Degraded"}


@dataclass(frozen=True)
class _Move:
    """From where to where."""

    source: Cluster
    source_group: Group
    target: Cluster
    target_group: Group


@dataclass(frozen=True)
class _Item:
    """One node that was asked for: its name in the request, and the node or what is wrong with it."""

    name: str
    instance: Instance | None
    code: str = ""
    message: str = ""


def move_nodes(sim: Simulation, region: Region, request: JSON) -> JSON:
    """MoveClusterNodes: the named nodes each by itself, or a number of them as a whole."""
    move = _between(sim, region, request)
    if (repeated := _repeated(sim, move.source, request)) is not None:
        return repeated
    _check_clusters(sim, move)
    chosen = [name for name in _CHOICES if request.get(name)]
    if len(chosen) != 1:
        raise validation("Exactly one of NodeIds, NodeLogicalIds and InstanceCount must be specified.")
    items = _counted(sim, move, request["InstanceCount"]) if chosen == ["InstanceCount"] else _named(sim, move, request)
    good = [item.instance for item in items if item.instance is not None]
    bad = [item for item in items if item.instance is None]
    if not good:
        raise validation(f"All nodes failed: {bad[0].code}: {bad[0].message}")
    left = move.source_group.target - len(good)
    if left < move.source_group.minimum:
        raise validation(
            f"Instance group '{move.source_group.name}' would have {left} nodes, fewer than its MinInstanceCount "
            f"{move.source_group.minimum}."
        )
    _start(sim, move, good)
    answer = _answer(items, logical=chosen == ["NodeLogicalIds"])
    if token := request.get("ClientToken"):
        move.source.move_tokens[token] = (sim.now, _parameters(request), answer)
    return answer


def _between(sim: Simulation, region: Region, request: JSON) -> _Move:
    found = []
    for side in ("Source", "Target"):
        cluster = cluster_of(sim, region, {"ClusterName": request[f"{side}ClusterArn"]})
        name = request[f"{side}InstanceGroupName"]
        group = cluster.groups.get(name)
        if group is None:
            raise not_found(sim, f"Instance group '{name}' does not exist in cluster {cluster.name}.")
        found.append((cluster, group))
    (source, source_group), (target, target_group) = found
    if source_group is target_group:
        raise validation("Source and target must be different instance groups.")
    return _Move(source, source_group, target, target_group)


def _check_clusters(sim: Simulation, move: _Move) -> None:
    for cluster in (move.source, move.target):
        if "Eks" not in (cluster.spec.get("Orchestrator") or {}):
            raise validation("MoveClusterNodes is only supported for clusters that are orchestrated by Amazon EKS.")
        require_continuous(cluster, "MoveClusterNodes")
        if cluster.status != "InService":
            raise _blocked(sim, f"Cluster {cluster.name} must be InService to move nodes; it is {cluster.status}.")
    for group in (move.source_group, move.target_group):
        if group.restricted:
            raise validation("MoveClusterNodes is not supported for restricted instance groups.")
        if group.status not in _READY:
            raise _blocked(sim, f"Instance group '{group.name}' must be InService; it is {group.status}.")
    if sim.options.move_compatible == "clusters" and move.source.spec["VpcConfig"] != move.target.spec["VpcConfig"]:
        raise validation("The source and the target cluster do not have compatible configurations: VpcConfig differs.")


def _blocked(sim: Simulation, message: str) -> AwsError:
    wanted = sim.options.blocked_batch_error
    return AwsError("ValidationException" if wanted == "items" else wanted, message)


def _named(sim: Simulation, move: _Move, request: JSON) -> list[_Item]:
    ids, logical = request.get("NodeIds"), request.get("NodeLogicalIds")
    items = []
    for name in dict.fromkeys(ids or logical or []):
        found = move.source.by_id.get(name) if ids else by_logical_id(move.source, name)
        if found is None or found.group != move.source_group.name:
            text = f"{name}: the node does not exist in instance group {move.source_group.name}."
            items.append(_Item(name, None, "NodeIdNotFound", text))
            continue
        code, why = _problem(sim, move, found)
        items.append(_Item(name, None, code, f"{name}: {why}") if code else _Item(name, found))
    return items


def _counted(sim: Simulation, move: _Move, count: int) -> list[_Item]:
    """All or nothing: as many nodes as asked for can be moved, or none is."""
    able = [one for one in move.source.staying(move.source_group.name) if not _problem(sim, move, one)[0]]
    if len(able) < count:
        raise validation(
            f"Instance group '{move.source_group.name}' has {len(able)} nodes that can be moved, not {count}."
        )
    return [_Item(str(one.instance_id), one) for one in sim.names.sample(able, count)]


def _problem(sim: Simulation, move: _Move, instance: Instance) -> tuple[str, str]:
    """Code and sentence of what keeps a node where it is; no code if nothing does."""
    if instance.status in moves.MOVING:
        return "NodeIdInUse", "the node is being moved already."
    if instance.status != "Running":
        return "InvalidNodeStatus", f"the node is {instance.status} and must be Running."
    network = move.target_group.spec.get("OverrideVpcConfig") or move.target.spec["VpcConfig"]
    if instance.subnet not in network["Subnets"]:
        return "InvalidNodeStatus", f"the node is in {instance.subnet}, which the target group does not use."
    if lifetimes.attached(sim, move.source, instance):
        return "InvalidNodeStatus", "the node has an attached EBS volume."
    if instance.type not in move.target_group.types:
        return "NodeInstanceTypeMismatch", f"the node is an {instance.type}, which the target group does not use."
    return "", ""


def _start(sim: Simulation, move: _Move, chosen: list[Instance]) -> None:
    before = [(cluster, dict(_counts(cluster))) for cluster in _clusters(move)]
    if sim.options.move_changes_targets:
        move.source_group.target -= len(chosen)
        move.target_group.target += len(chosen)
    for instance in chosen:
        moves.start(sim, move.source, instance, target=move.target, group=move.target_group)
    for cluster, counts in before:
        groups.scaling_began(sim, cluster, counts)


def _clusters(move: _Move) -> list[Cluster]:
    return [move.source] if move.source is move.target else [move.source, move.target]


def _counts(cluster: Cluster) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for group in cluster.groups.values():
        yield group.name, (groups.current_count(cluster, group.name), group.target, group.minimum)


def _answer(items: list[_Item], *, logical: bool) -> JSON:
    suffix, member = ("NodeLogicalIds", "NodeLogicalId") if logical else ("", "NodeId")
    lists: JSON = {
        f"Successful{suffix}": [item.name for item in items if item.instance is not None],
        f"Failed{suffix}": [
            {member: item.name, "Code": item.code, "Message": item.message} for item in items if item.instance is None
        ],
    }
    return {name: found for name, found in lists.items() if found}


def _parameters(request: JSON) -> JSON:
    return {name: value for name, value in request.items() if name != "ClientToken"}


def _repeated(sim: Simulation, source: Cluster, request: JSON) -> JSON | None:
    known = source.move_tokens.get(request.get("ClientToken") or "")
    if known is None or sim.now - known[0] > sim.timings.batch_token_life:
        return None
    if known[1] != _parameters(request):
        raise validation("ClientToken was used before with other parameters.")
    return known[2]
