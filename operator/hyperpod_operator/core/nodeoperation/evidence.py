"""What is seen of a call's effect on a node: success is observed, never assumed.

The API has no operation to ask about, so each call has signs of its own. A sign that has only been seen once to begin
is kept in the entry (`begun`), because Nodes and instances pass through it while nobody looks.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from hyperpod_operator.api.names import DEEP_HEALTH_CHECK_STATUS
from hyperpod_operator.core.health.facts import CHECKING, RUNNING
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot, is_usable
from hyperpod_operator.core.nodes.batch import NodeCall
from hyperpod_operator.core.observed import ObservedNode


class Sign(StrEnum):
    """How far the effect is."""

    NONE = "None"
    """Nothing that the call would do is seen."""
    BEGUN = "Begun"
    DONE = "Done"
    GONE = "Gone"
    """AWS does not list the node, which this call would not do. Believed only after a while (`OperationTimings`)."""
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`waits_for` says what is missing until DONE; `replaced_by` is the instance that took the node's place."""

    sign: Sign
    waits_for: str = ""
    replaced_by: str = ""


def evidence(snapshot: Snapshot, entry: Entry, *, taken: Set[str] = frozenset()) -> Evidence:
    """What this pass sees. `taken` are instances that took the place of other nodes of the operation in this pass."""
    return _SIGNS[snapshot.operation.call](snapshot, entry, taken)


# [assumption: reboot-changes-boot-id]
def _rebooted(snapshot: Snapshot, entry: Entry, taken: Set[str]) -> Evidence:  # noqa: ARG001 - all are called alike
    """The boot id of the Node is another one. Where none was known at the call: the Node was seen away and is back, or
    it joined since. One that the operator did not see then, because it had lost HyperPod's label, was not away."""
    instance, node = snapshot.instance(entry), snapshot.node(entry)
    if instance is None:
        return Evidence(sign=Sign.GONE)
    known = bool(entry.remembered.bootId and node is not None and node.boot_id)
    another = known and node is not None and node.boot_id != entry.remembered.bootId
    sent = parse_time(entry.sentTime or "")
    joined = node is not None and sent is not None and node.created_at > sent
    out_of_sight = bool(entry.remembered.bootId) if node is None else node.ready is not True
    away = instance.status != RUNNING or out_of_sight
    if another or ((entry.remembered.begun or joined) and not known):
        return _back(instance, node)
    if away or entry.remembered.begun:
        return Evidence(sign=Sign.BEGUN, waits_for="the instance to start again")
    return Evidence(sign=Sign.NONE, waits_for="the instance to restart")


def _replaced(snapshot: Snapshot, entry: Entry, taken: Set[str]) -> Evidence:
    """The instance is gone, and another one that came after the call is usable; where none comes by itself, the
    instance is gone."""
    instance = snapshot.instance(entry)
    if instance is not None and instance.status == RUNNING:
        return Evidence(sign=Sign.NONE, waits_for=f"{entry.instanceId} to end")
    new = _replacement(snapshot, entry, taken)
    node = snapshot.nodes.get(new.instance_id) if new is not None else None
    if instance is None and new is not None and new.status == RUNNING and is_usable(node):
        return Evidence(sign=Sign.DONE, replaced_by=new.instance_id)
    if instance is None and is_filled_by_need(snapshot, entry):
        return _deleted(snapshot, entry, taken)
    if new is None:
        return Evidence(sign=Sign.BEGUN, waits_for="an instance in its place")
    return Evidence(
        sign=Sign.BEGUN, waits_for=f"{new.instance_id} to be Running and Ready", replaced_by=new.instance_id
    )


# [assumption: karpenter-replaces-by-need]
def is_filled_by_need(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether another instance comes in the node's place only if pods need one."""
    return snapshot.cluster is not None and entry.instanceGroupName in snapshot.cluster.filled_by_need


def _deleted(snapshot: Snapshot, entry: Entry, taken: Set[str]) -> Evidence:  # noqa: ARG001
    instance, node = snapshot.instance(entry), snapshot.node(entry)
    if instance is not None:
        sign = Sign.NONE if instance.status == RUNNING else Sign.BEGUN
        return Evidence(sign=sign, waits_for="the instance to end")
    if node is not None and node.ready is True:
        return Evidence(sign=Sign.BEGUN, waits_for="its Node to leave Kubernetes")
    return Evidence(sign=Sign.DONE)


# [assumption: moved-node-keeps-its-id, aws-judges-moves]
def _moved(snapshot: Snapshot, entry: Entry, taken: Set[str]) -> Evidence:  # noqa: ARG001
    move, target = snapshot.operation.spec.move, snapshot.target
    group = move.instanceGroupName if move else ""
    there = target.instances.get(entry.instanceId or "") if target else None
    if there is not None and there.group == group and target is not None:
        if snapshot.cluster is not None and target.eks_cluster_arn != snapshot.cluster.eks_cluster_arn:
            # Its Node is in another Kubernetes cluster, which this operator does not see.
            done = there.status == RUNNING
            text = f"SageMaker to call it Running in {target.observed.name}; it is {there.status}"
            return Evidence(sign=Sign.DONE) if done else Evidence(sign=Sign.BEGUN, waits_for=text)
        return _back(there, snapshot.node(entry))
    instance = snapshot.instance(entry)
    if instance is None:
        return Evidence(sign=Sign.BEGUN if entry.remembered.begun else Sign.GONE, waits_for=f"it to join group {group}")
    sign = Sign.NONE if instance.status == RUNNING else Sign.BEGUN
    return Evidence(sign=sign, waits_for=f"it to leave group {instance.group}")


# [assumption: check-shows-on-node, check-may-end-in-repair]
def _checked(snapshot: Snapshot, entry: Entry, taken: Set[str]) -> Evidence:  # noqa: ARG001
    """The check was seen to run, and is over. A failed one has HyperPod reboot or replace the node."""
    instance, node = snapshot.instance(entry), snapshot.node(entry)
    if instance is None:
        return Evidence(sign=Sign.GONE)
    label = node.labels.get(DEEP_HEALTH_CHECK_STATUS, "") if node is not None else ""
    if instance.status == CHECKING or label == "InProgress":
        return Evidence(sign=Sign.BEGUN, waits_for="the deep health check to end")
    if not entry.remembered.begun:
        return Evidence(sign=Sign.NONE, waits_for="the deep health check to start")
    if label == "Failed":
        return Evidence(sign=Sign.FAILED)
    return _back(instance, node)


_SIGNS: Mapping[NodeCall, Callable[[Snapshot, Entry, Set[str]], Evidence]] = {
    NodeCall.REBOOT: _rebooted,
    NodeCall.REPLACE: _replaced,
    NodeCall.DELETE: _deleted,
    NodeCall.MOVE: _moved,
    NodeCall.HEALTH_CHECK: _checked,
}


def _back(instance: ObservedNode, node: Node | None) -> Evidence:
    """Whether a node that was away takes pods again."""
    if instance.status != RUNNING:
        return Evidence(sign=Sign.BEGUN, waits_for=f"SageMaker to call it Running; it is {instance.status}")
    if not is_usable(node):
        return Evidence(sign=Sign.BEGUN, waits_for="its Node to be Ready and schedulable")
    return Evidence(sign=Sign.DONE)


# [assumption: logical-id-may-change]
def _replacement(snapshot: Snapshot, entry: Entry, taken: Set[str]) -> ObservedNode | None:
    """The one of the same logical id; else the first of the group that is newer than all that were there before."""
    if snapshot.cluster is None:
        return None
    if entry.replacedBy and (known := snapshot.cluster.instances.get(entry.replacedBy)) is not None:
        return known
    later: ObservedNode | None = None
    for one in snapshot.newcomers.get(entry.instanceGroupName or "", ()):
        if one.instance_id in taken:
            continue
        if one.logical_id and one.logical_id == entry.nodeLogicalId:
            return one
        newer = one.launched_at and stamp(one.launched_at) > (entry.remembered.newestLaunch or "")
        if later is None and newer and one.logical_id not in snapshot.logical_ids:
            later = one
    return later
