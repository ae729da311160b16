"""Which operation holds which node: two of them never hold the same one.

The annotation on the Node is the lock that survives everything (`core.drain.marks`): it is written with the Node's
version. This table covers the time before it is there, and nodes that have no Node. It belongs to the process that
leads; a new one fills it from the statuses of all operations before its first decision.
"""

import asyncio
from collections.abc import Iterable, Mapping

from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus
from hyperpod_operator.controllers.parse import parse_status
from hyperpod_operator.core.nodeoperation.states import IN_FLIGHT
from hyperpod_operator.core.ports import Key, Objects


class Holdings:
    """Belongs to one event loop."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._held: dict[str, Key] = {}
        self._of: dict[Key, frozenset[str]] = {}
        self._filled = False
        self._filling = asyncio.Lock()

    async def ready(self) -> None:
        """Read once what operations held before this process. Raises KubernetesError."""
        async with self._filling:
            if self._filled:
                return
            for stored in await self._objects.list():
                status = parse_status(stored, HyperPodNodeOperationStatus)
                held = (entry.instanceId for entry in status.nodes or () if entry.state in IN_FLIGHT)
                self.hold(stored.key, [one for one in held if one])
            self._filled = True

    def others(self, key: Key) -> Mapping[str, str]:
        """Instances that other operations hold, and which."""
        return {one: f"HyperPodNodeOperation {holder}" for one, holder in self._held.items() if holder != key}

    def hold(self, key: Key, instances: Iterable[str]) -> None:
        """This operation holds these instances now, and no others. One that another holds stays with that one."""
        self.forget(key)
        free = frozenset(one for one in instances if one not in self._held)
        self._held |= dict.fromkeys(free, key)
        self._of[key] = free

    def forget(self, key: Key) -> None:
        for one in self._of.pop(key, frozenset()):
            self._held.pop(one, None)
