"""What the last pass over each cluster learnt, for whoever decides about its Nodes.

RAM only: after a restart the first pass over a cluster fills it again, and until then nothing is done about that
cluster's Nodes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hyperpod_operator.core.cluster.observed import ObservedCluster, ObservedNode
from hyperpod_operator.core.health.facts import RUNNING, ClusterFacts, cluster_id, facts
from hyperpod_operator.core.ports import Key, StoredObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One cluster: its object, and what SageMaker and the spec say about its nodes.

    `running_since` is when each instance was first seen Running, by id; a restart of the operator begins anew.
    """

    stored: StoredObject
    facts: ClusterFacts
    running_since: Mapping[str, datetime] = field(default_factory=dict)
    listed: bool = False
    """Whether ListClusterNodes was ever read: without it nothing is known about single instances."""

    @property
    def key(self) -> Key:
        return self.stored.key


Learnt = Callable[[str, frozenset[str] | None], None]
"""The id of a cluster whose facts changed, and which instances that is about; None: all of them."""


class Fleet:
    """Clusters by object and by cluster id. `on_learnt` hears of facts that changed."""

    def __init__(self) -> None:
        self._members: dict[Key, Member] = {}
        self._keys: dict[str, Key] = {}
        self.on_learnt: Learnt = lambda *_: None

    def of(self, cluster: str) -> Member | None:
        """The cluster of this id, if a pass has looked at it."""
        key = self._keys.get(cluster)
        return None if key is None else self._members.get(key)

    def get(self, key: Key) -> Member | None:
        return self._members.get(key)

    def learn(
        self,
        *,
        stored: StoredObject,
        cluster: ObservedCluster,
        nodes: tuple[ObservedNode, ...] | None,
        enforce: bool,
        now: datetime,
    ) -> Member:
        """Take in what a pass saw. `nodes` is None where it did not list them: what was known of them stands."""
        old = self._members.get(stored.key)
        known_since = old.running_since if old is not None else {}
        found = facts(cluster=cluster, nodes=nodes or (), enforce=enforce, name=cluster.name)
        member = Member(
            stored=stored,
            facts=found,
            running_since={
                node.instance_id: known_since.get(node.instance_id, now)
                for node in nodes or ()
                if node.status == RUNNING
            },
            listed=nodes is not None,
        )
        if nodes is None and old is not None and old.facts.cluster_id == found.cluster_id:
            known = replace(found, instances=old.facts.instances)
            member = replace(member, facts=known, running_since=old.running_since, listed=old.listed)
        if old is not None and old.facts.cluster_id != found.cluster_id:
            self._keys.pop(old.facts.cluster_id, None)
        self._members[stored.key] = member
        self._keys[found.cluster_id] = stored.key
        changed = None if old is None else _changed(old.facts, member.facts)
        if changed is None or changed:
            self.on_learnt(member.facts.cluster_id, changed)
        return member

    def forget(self, key: Key) -> None:
        """The object is gone, or its cluster is."""
        member = self._members.pop(key, None)
        if member is not None:
            self._keys.pop(member.facts.cluster_id, None)

    def lists(self, *, arn: str, instance_id: str) -> bool:
        """Whether this instance is known of the cluster of this ARN."""
        member = self.of(cluster_id(arn))
        return member is not None and instance_id in member.facts.instances


def _changed(old: ClusterFacts, new: ClusterFacts) -> frozenset[str] | None:
    """The instances of which SageMaker says something else than before; None when more than that is different."""
    if replace(old, instances=new.instances) != new:
        return None
    ids = old.instances.keys() | new.instances.keys()
    return frozenset(one for one in ids if old.instances.get(one) != new.instances.get(one))
