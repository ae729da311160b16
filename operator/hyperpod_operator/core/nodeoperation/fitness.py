"""What rules an operation out before a pod leaves its node: AWS would refuse it, and the drain would be for nothing.

Only what the cluster shows now, and what no try later changes, rules a node out. The rest AWS judges, after the drain.
"""

from collections.abc import Sequence

from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.nodeoperation.resource import Move
from hyperpod_operator.core.health.instance_types import describe
from hyperpod_operator.core.nodeoperation.snapshot import Cluster, Entry, Obstacle, Snapshot
from hyperpod_operator.core.nodes.batch import NodeCall
from hyperpod_operator.core.observed import ObservedGroup, ObservedNode

NOT_ASKED = "AWS was not asked, and no pod left."


def without_group(move: Move | None, target: Cluster) -> Obstacle | None:
    """Why no node is moved yet: the group that they would join is not there. It may come."""
    if move is None or not target.lacks(move.instanceGroupName):
        return None
    message = (
        f"{target.arn} has no instance group {move.instanceGroupName}. The operation waits for it, and no pod leaves "
        "until then. Add the group to the HyperPodCluster, or name another one in move.instanceGroupName of a new "
        "operation."
    )
    return Obstacle(reason=Reason.WAITING_FOR_NODES, message=message)


def kept_by_minimum(snapshot: Snapshot, entry: Entry) -> str:
    """Why a node waits that would leave its group with fewer than its minimum; empty where it would not."""
    instance = snapshot.instance(entry)
    if instance is None or snapshot.spare.get(instance.group, 1) > 0:
        return ""
    return (
        f"Waits: group {instance.group} would have fewer nodes than its minInstanceCount, which AWS refuses. Lower "
        "minInstanceCount, or scale the group out."
    )


def unfit(snapshot: Snapshot, entry: Entry) -> str:
    """Why the operation cannot be carried out on this node, as a message; empty where it can, or nobody knows."""
    instance = snapshot.instance(entry)
    if instance is None:
        return ""
    if snapshot.operation.call is NodeCall.HEALTH_CHECK:
        return _not_checked(instance)
    return _not_moved(snapshot, instance)


def _not_moved(snapshot: Snapshot, instance: ObservedNode) -> str:
    move, source, target = snapshot.operation.spec.move, snapshot.cluster, snapshot.target
    if move is None or source is None or target is None:
        return ""
    left, joined = source.observed.group(instance.group), target.observed.group(move.instanceGroupName)
    # [assumption: restricted-groups-keep-their-nodes]
    restricted = next((one.name for one in (left, joined) if one is not None and one.restricted), "")
    if restricted:
        return f"Group {restricted} is restricted: AWS moves no nodes from or to it. Delete or replace the node."
    # [assumption: moves-change-the-group-alone]
    if source.arn == target.arn and instance.group == move.instanceGroupName:
        return f"The node is in group {move.instanceGroupName} already: there is nothing to move. {NOT_ASKED}"
    types = _types(joined)
    if types and instance.instance_type and instance.instance_type not in types:
        return (
            f"The node is an {instance.instance_type}, and group {move.instanceGroupName} takes {', '.join(types)} "
            f"only. {NOT_ASKED} Move it to a group of its type, or delete it and scale the other group out."
        )
    return ""


def _types(group: ObservedGroup | None) -> Sequence[str]:
    """The instance types of the group, as AWS shows them; empty where it does not."""
    members = group.members if group is not None else {}
    several = (members.get("instanceRequirements") or {}).get("instanceTypes") or []
    return [one for one in (members.get("instanceType"), *several) if one]


# [assumption: cpu-nodes-are-not-watched]
def _not_checked(instance: ObservedNode) -> str:
    found = describe(instance.instance_type)
    if found is None or found.accelerated:
        return ""
    return (
        f"Deep health checks run on instances with GPUs or Neuron devices only, and the node is an "
        f"{instance.instance_type}. {NOT_ASKED}"
    )
