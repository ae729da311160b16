"""What the last pass over each cluster learned, for the passes over its Nodes and for the next pass over it.

The controllers of clusters write it, the controller of Nodes reads it, and it calls nobody. RAM only: after a restart
the first pass over a cluster fills it again, and until then nothing is done about that cluster's Nodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hyperpod_operator.controllers.approval import manager_of
from hyperpod_operator.core.audit import Requester
from hyperpod_operator.core.health.facts import RUNNING, ClusterFacts, facts
from hyperpod_operator.core.observed import ObservedCluster, ObservedNode
from hyperpod_operator.core.ports import Key, StoredObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One cluster: its object without spec and status, and what SageMaker and the spec say about its nodes.

    `by` is who wrote the spec. `running_since` is when each instance was first seen Running, by id; a restart of the
    operator begins again.
    """

    stored: StoredObject
    facts: ClusterFacts
    by: Requester = field(default_factory=Requester)
    running_since: Mapping[str, datetime] = field(default_factory=dict)
    listed: bool = False
    """Whether ListClusterNodes was ever read: without it nothing is known about single instances."""

    @property
    def key(self) -> Key:
        return self.stored.key


@dataclass(frozen=True, slots=True)
class Change:
    """Facts that changed: of these instances of the cluster of this id; None: of all of them."""

    cluster_id: str
    instances: frozenset[str] | None


class ClusterCache:
    """Clusters by object and by cluster id."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        self._keys: dict[str, Key] = {}

    def of(self, cluster: str) -> Entry | None:
        """The cluster of this id, if a pass has looked at it."""
        key = self._keys.get(cluster)
        return None if key is None else self._entries.get(key)

    def get(self, key: Key) -> Entry | None:
        return self._entries.get(key)

    def merged(
        self,
        *,
        stored: StoredObject,
        cluster: ObservedCluster,
        nodes: tuple[ObservedNode, ...] | None,
        enforce: bool,
        now: datetime,
    ) -> Entry:
        """What a pass saw, added to what is known; nothing is stored yet.

        `nodes` is None where the pass did not list them: what is known of them stands.
        """
        old, by = self._entries.get(stored.key), _requester(stored)
        known_since = old.running_since if old is not None else {}
        found = facts(cluster=cluster, nodes=nodes or (), enforce=enforce, name=cluster.name)
        if nodes is None and old is not None and old.facts.cluster_id == found.cluster_id:
            known = replace(found, instances=old.facts.instances)
            return Entry(
                stored=_reference(stored), facts=known, by=by, running_since=old.running_since, listed=old.listed
            )
        running = {
            node.instance_id: known_since.get(node.instance_id, now) for node in nodes or () if node.status == RUNNING
        }
        return Entry(stored=_reference(stored), facts=found, by=by, running_since=running, listed=nodes is not None)

    def update(self, entry: Entry) -> Change | None:
        """Store what a pass saw. Says what changed: the cluster's id, and the instances or None for all of them."""
        old = self._entries.get(entry.key)
        if old is not None and old.facts.cluster_id != entry.facts.cluster_id:
            self._disown(old)
        self._entries[entry.key] = entry
        self._keys[entry.facts.cluster_id] = entry.key
        changed = None if old is None else _changed(old.facts, entry.facts)
        return Change(entry.facts.cluster_id, changed) if changed is None or changed else None

    def forget(self, key: Key) -> None:
        """The object is gone, or its cluster is."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._disown(entry)

    def _disown(self, entry: Entry) -> None:
        """The cluster is no longer that object's; another one may have taken it over."""
        if self._keys.get(entry.facts.cluster_id) == entry.key:
            del self._keys[entry.facts.cluster_id]


def _reference(stored: StoredObject) -> StoredObject:
    """The object as what an Event is about. All of it would be most of what is kept of a cluster."""
    kept = {name: stored.body[name] for name in ("apiVersion", "kind") if name in stored.body}
    return replace(stored, annotations={}, body=kept)


def _requester(stored: StoredObject) -> Requester:
    return Requester(generation=stored.generation, requested_by=manager_of(stored, ("spec",)))


def _changed(old: ClusterFacts, new: ClusterFacts) -> frozenset[str] | None:
    """The instances of which SageMaker says something else than before; None when more than that is different."""
    if replace(old, instances=new.instances) != new:
        return None
    ids = old.instances.keys() | new.instances.keys()
    return frozenset(one for one in ids if old.instances.get(one) != new.instances.get(one))
