"""The Nodes of HyperPod, held in memory and kept true by a list and a watch of our own.

Kopf never sees Nodes: it would hold each of them whole, need minutes for thousands, and never tell of one that was
deleted while its watch was down.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

from hyperpod_operator.api.names import COMPUTE_TYPE
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import Clock
from hyperpod_operator.core.watching import INACTIVITY, SILENT
from hyperpod_operator.kube.nodes.decoding import NodeObject
from hyperpod_operator.kube.nodes.factory import NodeFactory
from hyperpod_operator.kube.nodes.index import NodeIndex
from hyperpod_operator.kube.nodes.stream import NODE_SOURCE
from hyperpod_operator.kube.watch.decoding import DELETED, WatchEvent
from hyperpod_operator.kube.watch.object_stream import Streams
from hyperpod_operator.kube.watch.reflector import Reflector

log = logging.getLogger(__name__)


class NodeCache:
    """HyperPod's Nodes as they are now, but for the last moment.

    `on_change` gets the name of a Node that came, changed or went, once however much of it arrived together.
    Before `synced` the answers are incomplete.
    """

    def __init__(
        self,
        api: Streams,
        *,
        clock: Clock,
        random: Callable[[], float],
        on_change: Callable[[str], None],
        inactivity: float = INACTIVITY,
    ) -> None:
        self._on_change = on_change
        self._factory = NodeFactory()
        self._index = NodeIndex()
        self._left_out: set[str] = set()
        self._listing: list[Node] = []
        self._foreign: dict[str, str] = {}
        self._reflector = Reflector(
            api, source=NODE_SOURCE, store=self, clock=clock, random=random, inactivity=inactivity
        )

    @property
    def synced(self) -> bool:
        """Whether a list was ever complete."""
        return self._reflector.synced

    async def first_list(self) -> None:
        """Until a list was complete."""
        await self._reflector.first_list()

    def __len__(self) -> int:
        return len(self._index)

    @property
    def left_out(self) -> int:
        """How many Nodes have the label, and a name and providerID that are not those of one HyperPod instance."""
        return len(self._left_out)

    @property
    def holds_all(self) -> bool:
        """Whether every Node that has HyperPod's label is held."""
        return self.synced and not self._left_out

    def labels(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """The name of each Node, and those of its labels that decisions look at."""
        return ((node.name, node.labels) for node in self._index)

    def get(self, name: str) -> Node | None:
        return self._index.get(name)

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        """In no particular order."""
        return self._index.of_cluster(cluster_id)

    def all(self) -> tuple[Node, ...]:
        return tuple(self._index)

    def age(self) -> float:
        """Seconds since the API server was last heard of; infinite before the first time."""
        return self._reflector.age()

    def not_ready(self) -> str | None:
        """Why changes of Nodes do not reach us at the moment, or None."""
        if not self.synced:
            return "the first list of Nodes is not done yet"
        age = self.age()
        return f"nothing was heard of Nodes for {age:.0f} s; they are asked for again" if age > SILENT else None

    def hurry(self) -> None:
        """Something urgent happened to a Node: nothing is left to gather for a moment."""
        self._reflector.hurry()

    async def run(self) -> None:
        """Without end; cancel it to stop."""
        await self._reflector.run()

    def begin(self) -> None:
        """Of `Store`."""
        self._listing, self._foreign = [], {}

    def add(self, found: NodeObject) -> None:
        """Of `Store`."""
        node = self._factory.node(found)
        if node is None:
            self._foreign[found.metadata.name] = found.spec.provider_id
        else:
            self._listing.append(node)

    def complete(self) -> None:
        """Of `Store`."""
        changed = self._index.reset(self._listing)
        self._left_out &= self._foreign.keys()
        for name, provider_id in self._foreign.items():
            self._leave_out(name, provider_id)
        self._listing, self._foreign = [], {}
        log.info("%d Nodes are listed, %d are new, changed or gone.", len(self), len(changed))
        self._tell(changed)

    def apply(self, events: list[WatchEvent[NodeObject]]) -> None:
        """Of `Store`."""
        self._tell({event.object.metadata.name: None for event in events if self._changes(event)})

    def _changes(self, event: WatchEvent[NodeObject]) -> bool:
        """Hold what the event says; whether that is anything new."""
        name = event.object.metadata.name
        node = self._factory.node(event.object)
        if event.type == DELETED:
            self._left_out.discard(name)
            return self._index.remove(name)
        if node is None:
            self._leave_out(name, event.object.spec.provider_id)
            return self._index.remove(name)
        self._left_out.discard(name)
        return self._index.put(node)

    def _leave_out(self, name: str, provider_id: str) -> None:
        if name in self._left_out:
            return
        self._left_out.add(name)
        log.warning(
            "The Node %s is labelled %s=hyperpod, but its name and its providerID %r are not those of one HyperPod "
            "instance: it is left out. If it is none, remove the label.",
            *(name, COMPUTE_TYPE, provider_id),
        )

    def _tell(self, names: Iterable[str]) -> None:
        for name in names:
            try:
                self._on_change(name)
            except Exception:
                # One listener's fault must not keep the others' names from them.
                log.exception("The change of Node %s was not taken: please report it.", name)
