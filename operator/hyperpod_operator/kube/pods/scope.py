"""One watch of pods: those of one node, or all of them."""

import asyncio
from collections.abc import Callable

from hyperpod_operator.core.ports import Clock
from hyperpod_operator.kube.pods.decoding import PODS, PodObject
from hyperpod_operator.kube.pods.index import PodFactory, PodIndex
from hyperpod_operator.kube.watch.decoding import DELETED, WatchEvent
from hyperpod_operator.kube.watch.object_stream import Source, Streams
from hyperpod_operator.kube.watch.reflector import Reflector

PATH = "/api/v1/pods"
EVERY_NODE = ""
"""The name of the scope of all pods that are bound to a node."""
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"


def source(node: str) -> Source[PodObject]:
    """Unfinished pods of this node, or of every node. A pod that finishes is deleted, as far as such a watch shows.

    Fields of a pod that a selector may name: kubernetes.io, "Field Selectors".
    """
    bound = f"spec.nodeName={node}" if node else "spec.nodeName!="
    return Source(path=PATH, query={"fieldSelector": f"{bound},{_UNFINISHED}"}, decoding=PODS)


class Scope:
    """Runs from the moment at which it is made; `end` stops it. `on_change` gets the nodes whose pods changed, None for
    all of them."""

    def __init__(
        self,
        api: Streams,
        *,
        name: str,
        clock: Clock,
        random: Callable[[], float],
        on_change: Callable[[frozenset[str] | None], None],
    ) -> None:
        self._on_change = on_change
        self._factory = PodFactory()
        self._seen: set[str] = set()
        self.index = PodIndex()
        self.reflector = Reflector(api, source=source(name), store=self, clock=clock, random=random)
        self._task = asyncio.create_task(self.reflector.run(), name=f"pods of {name or 'all nodes'}")

    def end(self) -> "asyncio.Task[None]":
        """Stop; the task ends soon."""
        self._on_change = lambda _: None
        self._task.cancel()
        return self._task

    def begin(self) -> None:
        """Of `Store`."""
        self._seen = set()

    def add(self, found: PodObject) -> None:
        """Of `Store`."""
        if self._take(found):
            self._seen.add(found.metadata.uid)

    def complete(self) -> None:
        """Of `Store`."""
        for uid in self.index.uids(self.index.nodes) - self._seen:
            self.index.remove(uid)
        self._seen = set()
        self._on_change(None)

    def apply(self, events: list[WatchEvent[PodObject]]) -> None:
        """Of `Store`."""
        changed = {self._changes(event) for event in events} - {""}
        if changed:
            self._on_change(frozenset(changed))

    def _changes(self, event: WatchEvent[PodObject]) -> str:
        """The node whose pods changed by it; empty if none did."""
        uid = event.object.metadata.uid
        if event.type == DELETED:
            return self.index.remove(uid)
        held = self._factory.pod(event.object)
        return self.index.remove(uid) if held.pod.stays or not held.pod.node else self.index.put(held)

    def _take(self, found: PodObject) -> bool:
        held = self._factory.pod(found)
        if held.pod.stays or not held.pod.node:
            return False
        self.index.put(held)
        return True
