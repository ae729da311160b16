"""Which nodes operations moved or deleted, for the counts of their cluster.

A status that says that AWS was asked is better evidence than the words of AWS's events: it is stored before the call,
and a restart changes nothing about it.
"""

from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus
from hyperpod_operator.controllers.parse import parse_status
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.nodeoperation.operation import CALLS
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.nodes.batch import NodeCall
from hyperpod_operator.core.observed import OperatedNode
from hyperpod_operator.core.ports import Key, Objects

CHANGE_COUNTS = frozenset({NodeCall.DELETE, NodeCall.MOVE})
MAY_HAVE_ACTED = frozenset({State.SENT, State.WAITING, State.SUCCEEDED, State.FAILED})


async def operated_nodes(operations: Objects, *, cluster: Key) -> tuple[OperatedNode, ...]:
    """Nodes that left the cluster of this object, one of its groups, or that joined it. Raises KubernetesError."""
    found: list[OperatedNode] = []
    for stored in await operations.list():
        spec = stored.body.get("spec") or {}
        call = CALLS.get(str(spec.get("operation")))
        source = str((spec.get("clusterRef") or {}).get("name"))
        target = str(((spec.get("move") or {}).get("clusterRef") or {}).get("name") or source)
        if (
            call not in CHANGE_COUNTS
            or stored.key.namespace != cluster.namespace
            or cluster.name not in {source, target}
        ):
            continue
        for entry in parse_status(stored, HyperPodNodeOperationStatus).nodes or ():
            at = parse_time(entry.sentTime or "")
            if at is None or not entry.instanceId or entry.state not in MAY_HAVE_ACTED:
                continue
            group = (entry.instanceGroupName or "") if source == cluster.name else ""
            found.append(OperatedNode(instance_id=entry.instanceId, group=group, call=str(call), at=at))
    return tuple(found)
