"""The pods that are held, by node. Those that never leave (DaemonSets', static, finished ones) are not held at all."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from hyperpod_operator.core.drain.gang import OwnerRef, gang_by_labels
from hyperpod_operator.core.drain.pod import NOTHING, Pod
from hyperpod_operator.kube.pods.decoding import PodObject, controller

_MIRROR = "kubernetes.io/config.mirror"
_FINISHED = frozenset({"Succeeded", "Failed"})
_READY = ("Ready", "True")

_MOST_SHARED = 8192
"""Distinct values that are kept for sharing."""

Shared = TypeVar("Shared")


@dataclass(frozen=True, slots=True)
class HeldPod:
    """A pod, and the controller by which its gang is found if its own metadata names none."""

    pod: Pod
    owner: OwnerRef | None


class PodFactory:
    """Makes pods that share what they have in common: labels, owners, names of namespaces and nodes."""

    def __init__(self) -> None:
        self._shared: dict[Any, Any] = {}

    def pod(self, found: PodObject) -> HeldPod:
        metadata = found.metadata
        owner = controller(metadata.owner_references)
        labels, annotations = metadata.labels or {}, metadata.annotations or {}
        gang = gang_by_labels(namespace=metadata.namespace, labels=labels, annotations=annotations)
        pod = Pod(
            namespace=self._one(metadata.namespace, metadata.namespace),
            name=metadata.name,
            uid=metadata.uid,
            node=self._one(found.spec.node_name, found.spec.node_name),
            labels=self._map(labels),
            gang=self._one(gang, gang),
            is_daemon=owner is not None and (owner.group, owner.kind) == ("apps", "DaemonSet"),
            is_static=_MIRROR in annotations,
            is_finished=found.status.phase in _FINISHED,
            is_pending=found.status.phase == "Pending",
            is_ready=any((one.type, one.status) == _READY for one in found.status.conditions or ()),
            created_at=_moment(metadata.creation_timestamp),
            deleting_since=_moment(metadata.deletion_timestamp),
        )
        return HeldPod(pod, self._one(owner, owner))

    def _map(self, found: Mapping[str, str]) -> Mapping[str, str]:
        items = tuple(found.items())
        if not items:
            return NOTHING
        known: Mapping[str, str] | None = self._shared.get(items)
        return known if known is not None else self._one(items, MappingProxyType(dict(found)))

    def _one(self, key: Hashable, value: Shared) -> Shared:
        if len(self._shared) >= _MOST_SHARED:
            self._shared.clear()
        kept: Shared = self._shared.setdefault(key, value)
        return kept


class PodIndex:
    """Pods by node and uid."""

    def __init__(self) -> None:
        self._by_node: dict[str, dict[str, HeldPod]] = {}
        self._nodes: dict[str, str] = {}
        """The node of each pod by uid: a watch event of another node's would leave it in two places."""

    def __len__(self) -> int:
        return len(self._nodes)

    def of(self, nodes: Iterable[str]) -> tuple[HeldPod, ...]:
        return tuple(held for node in nodes for held in self._by_node.get(node, {}).values())

    def put(self, held: HeldPod) -> str:
        """Hold it. The node whose pods changed by it; empty if it is held like this already."""
        uid, node = held.pod.uid, held.pod.node
        if self._nodes.get(uid) == node and self._by_node[node][uid] == held:
            return ""
        self.remove(uid)
        self._nodes[uid] = node
        self._by_node.setdefault(node, {})[uid] = held
        return node

    def remove(self, uid: str) -> str:
        """The node on which it was held; empty if on none."""
        node = self._nodes.pop(uid, "")
        if node:
            pods = self._by_node[node]
            del pods[uid]
            if not pods:
                del self._by_node[node]
        return node

    def uids(self, nodes: Iterable[str]) -> set[str]:
        return {held.pod.uid for held in self.of(nodes)}

    def drop(self, nodes: Iterable[str]) -> None:
        """Hold nothing of these nodes any more."""
        for node in nodes:
            for uid in self._by_node.pop(node, {}):
                del self._nodes[uid]

    @property
    def nodes(self) -> frozenset[str]:
        """Nodes of which a pod is held."""
        return frozenset(self._by_node)


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
