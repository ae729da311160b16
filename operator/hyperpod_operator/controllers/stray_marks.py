"""Nodes that are kept drained for an object that does not exist any more.

Whoever drains a Node removes the taint and the annotation in the end. It cannot where its finalizer was taken off, or
the object was abandoned or lost with the data of the API server. Then no operation could hold the Node again, no
scale-in could choose it, and no pod would come to it.
"""

import logging
from collections.abc import Mapping

from hyperpod_operator.core.drain.marks import Owner, held_by, owner_named
from hyperpod_operator.core.drain.ports import NodeMarks
from hyperpod_operator.core.ports import Key, KubernetesError, Nodes, Objects, StaleObject

logger = logging.getLogger(__name__)


class StrayMarks:
    """Removes what an object that is provably gone has left on Nodes. `objects` are those that are served, by kind.

    The second look at which it is gone decides: AWS may still end or restart the node, and the watch may be behind.
    """

    def __init__(self, *, nodes: Nodes, marks: NodeMarks, objects: Mapping[str, Objects]) -> None:
        self._nodes = nodes
        self._marks = marks
        self._objects = objects
        self._gone: frozenset[Owner] = frozenset()

    async def sweep(self) -> None:
        """One look at all Nodes. What cannot be read or written is left for the next one."""
        held: dict[Owner, list[str]] = {}
        for node in self._nodes.all():
            if (owner := owner_named(held_by(node))) is not None and owner.kind in self._objects:
                held.setdefault(owner, []).append(node.name)
        gone = frozenset([owner for owner in held if await self._is_gone(owner)])
        for owner in self._gone & gone:
            for name in sorted(held[owner]):
                await self._unmark(name, owner)
        self._gone = gone

    async def _is_gone(self, owner: Owner) -> bool:
        """An object of the same name with another uid is another one. What cannot be read is there."""
        try:
            stored = await self._objects[owner.kind].read(Key(owner.namespace, owner.name))
        except KubernetesError:
            return False
        return stored is None or stored.uid != owner.uid

    async def _unmark(self, name: str, owner: Owner) -> None:
        try:
            await self._marks.unmark(node=name, owner=owner)
        except (KubernetesError, StaleObject) as error:
            logger.warning("The draining taint of Node %s could not be removed; it is tried again: %s", name, error)
            return
        logger.warning("The draining taint was removed from Node %s: %s, for which it was added, is gone.", name, owner)
