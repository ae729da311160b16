"""The Nodes of HyperPod, held in memory and kept true by a list and a watch of our own.

Kopf never sees Nodes: it would hold each of them whole, need minutes for thousands, and never tell of one that was
deleted while its watch was down. Here a new list is compared with what is held, so nothing goes unnoticed. Whatever
the API server does, the loop goes on; it says so once, and `age` tells how old our knowledge is.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from math import inf
from traceback import format_exc

from hyperpod_operator.api.names import COMPUTE_TYPE
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import Clock, KubernetesError
from hyperpod_operator.kube.node_decoding import DELETED, Garbled, NodeObject, WatchEvent
from hyperpod_operator.kube.node_factory import NodeFactory
from hyperpod_operator.kube.node_index import NodeIndex
from hyperpod_operator.kube.node_stream import Expired, NodeStream, Streams
from hyperpod_operator.kube.watch_backoff import WatchBackoff

log = logging.getLogger(__name__)

INACTIVITY = 70.0
"""Seconds; bookmarks come each minute."""
STEADY = 30.0
"""Seconds that a watch has to last before the trouble that went before it counts as over."""

_PROXY = "Check that nothing between the operator and the API server changes its answers."


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
        self._clock = clock
        self._on_change = on_change
        self._stream = NodeStream(api, heard=self._hear, inactivity=inactivity)
        self._factory = NodeFactory()
        self._index = NodeIndex()
        self._left_out: set[str] = set()
        self._position: int | None = None
        """The resourceVersion up to which everything is known; None when only a list can tell."""
        self._heard_at: float | None = None
        self._watching_since = inf
        self._backoff = WatchBackoff(random=random)
        self._listed = asyncio.Event()

    @property
    def synced(self) -> bool:
        """Whether a list was ever complete."""
        return self._listed.is_set()

    async def first_list(self) -> None:
        """Until a list was complete."""
        await self._listed.wait()

    def __len__(self) -> int:
        return len(self._index)

    @property
    def left_out(self) -> int:
        """How many Nodes have the label, and a name and providerID that are not those of one HyperPod instance."""
        return len(self._left_out)

    def get(self, name: str) -> Node | None:
        return self._index.get(name)

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        """In no particular order."""
        return self._index.of_cluster(cluster_id)

    def age(self) -> float:
        """Seconds since the API server was last heard of; infinite before the first time."""
        return inf if self._heard_at is None else self._clock.monotonic() - self._heard_at

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            pause = await self._follow()
            self._watching_since = inf
            if pause:
                await asyncio.sleep(pause)

    async def _follow(self) -> float:
        """List if need be, then watch until that ends. How long to wait before the next time."""
        backoff = self._backoff
        try:
            if self._position is None:
                self._position = await self._list()
            self._watching_since = self._clock.monotonic()
            await self._stream.watch(self._position, self._take)
        except Expired as expired:
            self._position = None
            backoff.report(logging.INFO, "expired", f"Listing all Nodes again: {expired}")
            return backoff.pause(first=0.0)
        except KubernetesError as error:
            # A stream that was cut goes on where it stopped; what was refused starts over.
            self._position = self._position if error.status == 0 else None
            backoff.report(logging.WARNING, f"status {error.status}", f"The watch of Nodes failed: {error}")
        except Garbled as error:
            self._position = None
            backoff.report(logging.WARNING, "garbled", f"The watch of Nodes failed: {error}. {_PROXY}")
        except Exception as error:
            self._position = None
            kind = type(error).__name__
            backoff.report(logging.ERROR, kind, f"The watch of Nodes failed, please report this fault: {format_exc()}")
        else:
            if self._steady():
                return 0.0
            backoff.report(
                logging.INFO, "ended", "The API server ended the watch of Nodes early; the operator starts it again."
            )
        return backoff.pause()

    async def _list(self) -> int:
        nodes: list[Node] = []
        foreign: dict[str, str] = {}

        def take(found: NodeObject) -> None:
            node = self._factory.node(found)
            if node is None:
                foreign[found.metadata.name] = found.spec.provider_id
            else:
                nodes.append(node)

        position = await self._stream.snapshot(take)
        changed = self._index.reset(nodes)
        self._left_out &= foreign.keys()
        for name, provider_id in foreign.items():
            self._leave_out(name, provider_id)
        self._listed.set()
        log.info("%d Nodes are listed, %d are new, changed or gone.", len(self), len(changed))
        self._tell(changed)
        return position

    def _take(self, events: list[WatchEvent], position: int) -> None:
        changed = {event.object.metadata.name: None for event in events if self._changes(event)}
        self._position = position
        self._tell(changed)

    def _changes(self, event: WatchEvent) -> bool:
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

    def _hear(self) -> None:
        self._heard_at = self._clock.monotonic()
        self._steady()

    def _steady(self) -> bool:
        """Whether the watch has lasted; then what went before is over."""
        steady = self._clock.monotonic() - self._watching_since >= STEADY
        if steady:
            self._backoff.over()
        return steady
