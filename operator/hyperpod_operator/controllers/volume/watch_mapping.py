"""Which claims a change of a Node concerns. RAM only: after a restart every claim has its first pass anyway.

Each volume's label on a Node is one claim's own affair. A node with many volumes would otherwise wake all their claims
each time that one of them is labelled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hyperpod_operator.api.names import LABEL_VOLUME_PREFIX
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """`waiting`: any Node of the cluster may be the one, of `group` if that is named; else only `node_name` matters.

    `label` is the one by which Nodes say that they hold this claim's volume.
    """

    cluster: str
    node_name: str
    waiting: bool
    group: str = ""
    label: str = ""


class WatchMapping:
    """By claim; looked up by Node."""

    def __init__(self) -> None:
        self._interests: dict[Key, Watched] = {}
        self._nodes: dict[str, Node] = {}
        """Nodes as they were when they last woke somebody."""

    def note(self, key: Key, interest: Watched) -> None:
        self._interests[key] = interest

    def forget(self, key: Key) -> None:
        self._interests.pop(key, None)

    def news(self, name: str, node: Node | None) -> frozenset[str] | None:
        """The labels of claims that came or went, where nothing else about the Node changed; None for other news."""
        before = self._nodes.pop(name, None)
        if node is not None:
            self._nodes[name] = node
        if node is None or before is None or _bare(before) != _bare(node):
            return None
        return frozenset(key for key, _ in _ours(before.labels).items() ^ _ours(node.labels).items())

    def of(
        self, *, node_name: str, cluster: str | None, group: str, labels: frozenset[str] | None = None
    ) -> tuple[tuple[str, Key], ...]:
        """Clusters and claims to wake, because this Node of the cluster of this id (None: it is gone) changed.

        An empty `group` is one that the Node does not tell: it may be any. With `labels` the claims of these alone.
        """
        if labels is not None:
            return tuple((one.cluster, key) for key, one in self._interests.items() if one.label in labels)
        return tuple(
            (one.cluster, key)
            for key, one in self._interests.items()
            if one.node_name == node_name
            or (
                one.waiting
                and cluster is not None
                and one.cluster == cluster
                and (one.group in ("", group) or not group)
            )
        )


def _ours(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key.startswith(LABEL_VOLUME_PREFIX)}


def _bare(node: Node) -> Node:
    """Without the labels of volumes, and as of no version."""
    kept = {key: value for key, value in node.labels.items() if not key.startswith(LABEL_VOLUME_PREFIX)}
    return replace(node, resource_version="", labels=kept)
