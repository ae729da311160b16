"""The Nodes that are held, and the two questions that are asked of them: of a cluster, and of an instance.

What counts as a change is decided here: any field that decisions see. A new resourceVersion alone is none, but it
is remembered, so that a write guarded by it does not fail for a heartbeat.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from operator import attrgetter

from hyperpod_operator.core.health.node import Node

_SEEN = attrgetter(*(field.name for field in fields(Node) if field.name != "resource_version"))


class NodeIndex:
    """Nodes by name, by cluster, and by instance of a cluster."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._clusters: dict[str, dict[str, Node]] = {}
        self._instances: dict[tuple[str, str], tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, name: str) -> Node | None:
        return self._nodes.get(name)

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        return tuple(self._clusters.get(cluster_id, {}).values())

    def by_instance(self, cluster_id: str, instance_id: str) -> Node | None:
        """The newest of those that name this instance: the others are left over from a former life of it."""
        names = self._instances.get((cluster_id, instance_id), ())
        return max((self._nodes[name] for name in names), key=lambda node: (node.created_at, node.name), default=None)

    def put(self, node: Node) -> bool:
        """Hold this state of a Node. Whether it differs from the former one."""
        held = self._nodes.get(node.name)
        if held is not None and _SEEN(held) == _SEEN(node):
            # The parts of the former one stay: they are shared with other nodes, those of the new one are copies.
            node = replace(held, resource_version=node.resource_version)
            self._nodes[node.name] = self._clusters[node.cluster_id][node.name] = node
            return False
        if held is not None:
            self.remove(node.name)
        self._nodes[node.name] = node
        self._clusters.setdefault(node.cluster_id, {})[node.name] = node
        instance = (node.cluster_id, node.instance_id)
        self._instances[instance] = (*self._instances.get(instance, ()), node.name)
        return True

    def remove(self, name: str) -> bool:
        """Whether it was held."""
        node = self._nodes.pop(name, None)
        if node is None:
            return False
        siblings = self._clusters[node.cluster_id]
        del siblings[name]
        if not siblings:
            del self._clusters[node.cluster_id]
        instance = (node.cluster_id, node.instance_id)
        others = tuple(other for other in self._instances.pop(instance) if other != name)
        if others:
            self._instances[instance] = others
        return True

    def reset(self, nodes: Iterable[Node]) -> list[str]:
        """Hold these and no others. The names of those that came, changed or went."""
        listed = {node.name: node for node in nodes}
        gone = [name for name in self._nodes if name not in listed]
        for name in gone:
            self.remove(name)
        return [*gone, *(name for name, node in listed.items() if self.put(node))]
