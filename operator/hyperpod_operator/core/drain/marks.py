"""What says on a Node that it is drained: one taint, one annotation that names for whom, and lifecycle conditions.

A second annotation asks EBSVolumeClaims to detach their volumes from the Node. It counts while it names the holder.

The annotation is written with the taint, in one write that fails if the Node changed since it was read. So it is also
what keeps two operations from holding one Node: the second one finds the first one's name. A taint of this key without
the annotation was added by another writer, and stays.

Sources: kubernetes.io, "Taints and Tolerations"; the condition types are those of the Node API of Kubernetes 1.37
(alpha), which older API servers store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from hyperpod_operator.api.names import DETACH_VOLUMES, DRAINING
from hyperpod_operator.core.audit import NOBODY, Requester
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node, Taint
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.object_name import is_object_name
from hyperpod_operator.core.text import plain, shortened

TAINT = Taint(key=DRAINING, value="", effect="NoSchedule")
CONDITION_REASON = "HyperPodOperator"
"""`reason` of the conditions on Nodes that the operator sets: it removes only these."""
MESSAGE_MOST = 512
BINDING = 10.0
"""Seconds from the taint on in which a pod may still come to the Node: the scheduler had assigned it before."""
NAME_MOST = 320
"""Characters of a holder's name: those of a kind, a namespace and a name."""


class Lifecycle(StrEnum):
    """Types of conditions on a Node."""

    MAINTENANCE_PLANNED = "MaintenancePlanned"
    MAINTENANCE_IN_PROGRESS = "MaintenanceInProgress"
    DRAIN_IN_PROGRESS = "DrainInProgress"
    DRAINED = "Drained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The object for which a Node is drained. `by` and `why` are for the audit trail, and no part of who it is."""

    kind: str
    namespace: str
    name: str
    uid: str
    by: Requester = field(default=NOBODY, compare=False)
    why: str = field(default="", compare=False)

    def __str__(self) -> str:
        """The annotation's value, and the key of whoever needs pods."""
        return f"{self.kind} {self.namespace}/{self.name} {self.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a Node is to show: the conditions that are True, all others of `Lifecycle` being absent, and why.

    `detach`: EBSVolumeClaims are to detach their volumes from the Node.
    """

    owner: Owner
    conditions: frozenset[Lifecycle] = frozenset()
    message: str = ""
    detach: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCondition:
    """A condition of one of the types of `Lifecycle`, as the Node has it."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBy:
    """The Node is drained for another object, or has the taint from another writer; `owner` is empty then."""

    owner: str


def held_by(node: Node) -> str:
    """For whom the Node is drained; empty if for nobody."""
    return node.annotations.get(DRAINING, "")


# [assumption: node-restriction-on]
def holder_of(node: Node) -> str:
    """The same where it counts against others: with the taint, with which it is written. A kubelet may set annotations
    of its own Node and no taints (kubernetes.io, "NodeRestriction"): by one alone it would keep its Node from every
    operation."""
    return held_by(node) if is_draining(node) else ""


def owner_named(text: str) -> Owner | None:
    """The object that the annotation names; None for text that the operator does not write."""
    kind, _, rest = text.partition(" ")
    path, _, uid = rest.partition(" ")
    namespace, _, name = path.partition("/")
    if not (is_object_name(namespace) and is_object_name(name) and is_object_name(uid)):
        return None
    return Owner(kind=kind, namespace=namespace, name=name, uid=uid)


def drained_for(node: Node) -> str:
    """The object for which the Node is drained, in words for a message; empty where it is not drained."""
    if not is_draining(node):
        return ""
    kind, _, rest = held_by(node).partition(" ")
    name = rest.partition(" ")[0]
    return shortened(plain(f"{kind} {name}"), NAME_MOST) if name else "another client"


def detaches(node: Node) -> bool:
    """Whether whoever drains the Node asks EBSVolumeClaims to detach their volumes from it."""
    asked = node.annotations.get(DETACH_VOLUMES, "")
    return bool(asked) and asked == held_by(node) and is_draining(node)


def is_draining(node: Node) -> bool:
    """Whether the Node has a taint of this key, whoever added it."""
    return any(taint.key == DRAINING for taint in node.taints)


def is_drained_for(node: Node, owner: Owner) -> bool:
    """Whether the Node is drained for this owner: the annotation names it, and the taint is there."""
    return held_by(node) == str(owner) and is_draining(node)


def held_since(node: Node) -> datetime | None:
    """When the taint was added; None without one, or where its time cannot be read."""
    added = (taint.time_added for taint in node.taints if (taint.key, taint.effect) == (TAINT.key, TAINT.effect))
    return parse_time(next(added, ""))


def is_ahead(node: Node, *, now: datetime) -> bool:
    """Whether the taint has a time that has not come: by a clock that was ahead (see `core.engine.clocks`)."""
    since = held_since(node)
    return since is not None and since > now


def hold(node: Node, owner: Owner, *, now: datetime, detach: bool = False) -> NodeChange | HeldBy:
    """The change that takes the Node for `owner`; an empty one if it is taken already, and asks for the same."""
    holder = holder_of(node)
    if holder and holder != str(owner):
        return HeldBy(owner=holder)
    asked = _asked(node, str(owner) if detach else None)
    taint = replace(TAINT, time_added=stamp(now))
    if is_drained_for(node, owner):
        if not is_ahead(node, now=now):
            return NodeChange(annotations=asked)
        others = tuple(one for one in node.taints if (one.key, one.effect) != (TAINT.key, TAINT.effect))
        return NodeChange(taints=(*others, taint), annotations=asked)
    if is_draining(node):
        return HeldBy(owner="")
    return NodeChange(taints=(*node.taints, taint), annotations={DRAINING: str(owner), **asked})


def _asked(node: Node, value: str | None) -> Mapping[str, str | None]:
    """The change of the annotation that asks claims to detach; none where it is so already."""
    return {DETACH_VOLUMES: value} if node.annotations.get(DETACH_VOLUMES) != value else {}


def release(node: Node, owner: Owner) -> NodeChange:
    """The change that undoes `hold`; an empty one where there is nothing of this owner."""
    if held_by(node) != str(owner):
        return NodeChange()
    kept = tuple(taint for taint in node.taints if (taint.key, taint.effect) != (TAINT.key, TAINT.effect))
    return NodeChange(taints=kept if kept != node.taints else None, annotations={DRAINING: None, **_asked(node, None)})


def condition_changes(
    stored: Sequence[StoredCondition], *, wanted: frozenset[Lifecycle], message: str
) -> Mapping[Lifecycle, str | None]:
    """Conditions to set, with their message, or (None) to remove: ours alone, and only what is not so already.

    A condition of these types that another client set is neither changed nor removed.
    """
    by_type = {one.type: one for one in stored}
    foreign = {one.type for one in stored if one.reason != CONDITION_REASON}
    text = message[:MESSAGE_MOST]
    changes: dict[Lifecycle, str | None] = {}
    for kind in Lifecycle:
        if kind in foreign:
            continue
        found = by_type.get(kind)
        if kind in wanted and (found is None or (found.status, found.message) != ("True", text)):
            changes[kind] = text
        elif kind not in wanted and found is not None:
            changes[kind] = None
    return changes
