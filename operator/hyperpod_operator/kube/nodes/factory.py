"""From a Node as it was read to the `core.health.node.Node` that is held.

Thousands of them are held, and most differ in their names alone: label maps, taints and cluster ids that are equal
are one object. Which conditions are faults is decided here, too: HyperPod's list of fault types is open, so a
condition that is True is one, unless it is known to be none.

Source: "Node conditions", kubernetes.io; the health monitoring agent names a condition for the type of the fault.
"""

from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

from hyperpod_operator.core.drain.marks import Lifecycle
from hyperpod_operator.core.health.node import HOSTNAME, Fault, Node, Taint, identity, kept
from hyperpod_operator.kube.nodes.decoding import Condition, NodeObject, TaintEntry

_READY = "Ready"
_NO_FAULTS = frozenset({"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable", *Lifecycle})
"""Conditions of the kubelet, and those that show maintenance: what is drained is not sick."""
_GOOD_NEWS = "Ready"
"""The end of the kubelet's summary, and of conditions such as KernelReady of agents other than HyperPod's."""

_MOST_SHARED = 1024
"""Distinct values that are kept for sharing. Values of one node alone (times, details) must not pile up: they stay
until so many are there, long after their Nodes have gone."""
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_DATE = datetime.fromtimestamp(0, UTC)

Shared = TypeVar("Shared")

_is_kept = lru_cache(maxsize=_MOST_SHARED)(kept)


class NodeFactory:
    """Makes Nodes that share what they have in common."""

    def __init__(self) -> None:
        self._shared: dict[Any, Any] = {}

    def node(self, found: NodeObject) -> Node | None:
        """The Node, or None when its name and providerID are not those of one HyperPod instance."""
        parts = identity(name=found.metadata.name, provider_id=found.spec.provider_id)
        if parts is None:
            return None
        metadata, conditions = found.metadata, found.status.conditions or ()
        hostname = (metadata.labels or {}).get(HOSTNAME, "")
        return Node(
            name=metadata.name,
            uid=metadata.uid,
            resource_version=metadata.resource_version,
            cluster_id=self._one(parts[0], parts[0]),
            instance_id=parts[1],
            created_at=metadata.creation_timestamp or _NO_DATE,
            labels=self._map(metadata.labels),
            annotations=self._map(metadata.annotations),
            taints=self._taints(found.spec.taints),
            faults=_faults(conditions),
            ready=_ready(conditions),
            deleting=metadata.deletion_timestamp is not None,
            # Nearly always the name: then it is one text for both.
            hostname=metadata.name if hostname == metadata.name else hostname,
            boot_id=found.status.node_info.boot_id if found.status.node_info else "",
        )

    def _map(self, found: dict[str, str] | None) -> Mapping[str, str]:
        """What decisions look at, as one map for all nodes that have the same; read-only because it is shared."""
        items = tuple([item for item in found.items() if _is_kept(item[0])]) if found else ()
        if not items:
            return _NOTHING
        known: Mapping[str, str] | None = self._shared.get(items)
        return known if known is not None else self._one(items, MappingProxyType(dict(items)))

    def _taints(self, found: list[TaintEntry] | None) -> tuple[Taint, ...]:
        if not found:
            return ()
        taints = tuple(
            Taint(key=entry.key, value=entry.value, effect=entry.effect, time_added=entry.time_added or "")
            for entry in found
        )
        return self._one(taints, taints)

    def _one(self, key: Hashable, value: Shared) -> Shared:
        """What is kept under `key`; `value` from now on if that is nothing yet."""
        if len(self._shared) >= _MOST_SHARED:
            self._shared.clear()
        kept_value: Shared = self._shared.setdefault(key, value)
        return kept_value


def _ready(conditions: Iterable[Condition]) -> bool | None:
    for condition in conditions:
        if condition.type == _READY:
            return {"True": True, "False": False}.get(condition.status)
    return None


def _faults(conditions: Iterable[Condition]) -> tuple[Fault, ...]:
    return tuple(
        [
            Fault(type=condition.type, reason=condition.reason, since=_moment(condition.last_transition_time))
            for condition in conditions
            if condition.status == "True"
            and condition.type not in _NO_FAULTS
            and not condition.type.endswith(_GOOD_NEWS)
        ]
    )


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
