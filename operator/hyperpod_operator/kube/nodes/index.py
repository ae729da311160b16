"""The Nodes that are held, by name and by cluster. A Node's name says its instance (`core.health.node.identity`).

What counts as a change is decided here: any field that decisions see. A new resourceVersion alone is none, but it
is remembered, so that a conditional write does not fail for a heartbeat.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from operator import attrgetter

from hyperpod_operator.core.health.node import Node

_SEEN = attrgetter(*(field.name for field in fields(Node) if field.name != "resource_version"))


class NodeIndex:
    """Nodes by name and by cluster."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._clusters: dict[str, dict[str, Node]] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def get(self, name: str) -> Node | None:
        return self._nodes.get(name)

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        return tuple(self._clusters.get(cluster_id, {}).values())

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
        return True

    def reset(self, nodes: Iterable[Node]) -> list[str]:
        """Hold these and no others. The names of those that came, changed or went."""
        listed = {node.name: node for node in nodes}
        gone = [name for name in self._nodes if name not in listed]
        for name in gone:
            self.remove(name)
        return [*gone, *(name for name, node in listed.items() if self.put(node))]
