"""Which claims a change of a Node concerns. RAM only: after a restart every claim has its first pass anyway.

Each volume's label on a Node is one claim's own affair. A node with many volumes would otherwise wake all their claims
each time that one of them is labelled.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import Enum, auto
from operator import attrgetter

from hyperpod_operator.api.names import LABEL_VOLUME_PREFIX
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import Key

_BESIDE = attrgetter(*(field.name for field in fields(Node) if field.name not in {"labels", "resource_version"}))


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


class _Place(Enum):
    """By what a Node is found to concern a claim."""

    NODE = auto()
    LABEL = auto()
    CLUSTER = auto()


def _places(interest: Watched) -> tuple[tuple[_Place, str], ...]:
    named = ((_Place.NODE, interest.node_name), (_Place.LABEL, interest.label))
    return (*named, (_Place.CLUSTER, interest.cluster)) if interest.waiting else named


class WatchMapping:
    """By claim; looked up by Node, without a walk through all claims for each change of each Node."""

    def __init__(self) -> None:
        self._interests: dict[Key, Watched] = {}
        self._by_place: dict[tuple[_Place, str], dict[Key, None]] = {}
        self._nodes: dict[str, Node] = {}
        """Nodes as they were when they last woke somebody."""

    def note(self, key: Key, interest: Watched) -> None:
        if self._interests.get(key) == interest:
            return
        self.forget(key)
        self._interests[key] = interest
        for place in _places(interest):
            self._by_place.setdefault(place, {})[key] = None

    def forget(self, key: Key) -> None:
        interest = self._interests.pop(key, None)
        for place in _places(interest) if interest is not None else ():
            here = self._by_place[place]
            del here[key]
            if not here:
                del self._by_place[place]

    def news(self, name: str, node: Node | None) -> frozenset[str] | None:
        """The labels of claims that came or went, where nothing else about the Node changed; None for other news."""
        if not self._interests:
            self._nodes.clear()  # nobody is woken, whatever it is
            return None
        before = self._nodes.pop(name, None)
        if node is not None:
            self._nodes[name] = node
        if node is None or before is None or _BESIDE(before) != _BESIDE(node):
            return None
        labels = frozenset(key for key, _ in before.labels.items() ^ node.labels.items())
        return labels if all(key.startswith(LABEL_VOLUME_PREFIX) for key in labels) else None

    def of(
        self, *, node_name: str, cluster: str | None, group: str, labels: frozenset[str] | None = None
    ) -> tuple[tuple[str, Key], ...]:
        """Clusters and claims to wake, because this Node of the cluster of this id (None: it is gone) changed.

        An empty `group` is one that the Node does not tell: it may be any. With `labels` the claims of these alone.
        """
        if labels is not None:
            return self._told({key: None for label in sorted(labels) for key in self._at(_Place.LABEL, label)})
        waiting = self._at(_Place.CLUSTER, cluster) if cluster is not None else {}
        meant = {key: None for key in waiting if not group or self._interests[key].group in ("", group)}
        return self._told({**self._at(_Place.NODE, node_name), **meant})

    def _at(self, place: _Place, name: str) -> Mapping[Key, None]:
        return self._by_place.get((place, name), {})

    def _told(self, keys: Iterable[Key]) -> tuple[tuple[str, Key], ...]:
        return tuple((self._interests[key].cluster, key) for key in keys)
