"""Pods of the nodes that are drained or end, held in memory while a caller needs them. `core.drain.ports.PodReader`.

Few nodes are watched one by one, by the field selector `spec.nodeName`, which the API server indexes; many nodes are
watched as one. When nothing needs pods, no watch runs and nothing is held. A need that is not renewed ends by itself: a
pass that failed, or an object that is gone, leaves nothing behind.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.drain.rules import DrainRules
from hyperpod_operator.core.ports import Clock, KubernetesError
from hyperpod_operator.core.watching import INACTIVITY
from hyperpod_operator.kube.pods.decoding import PodObject
from hyperpod_operator.kube.pods.index import HeldPod, PodFactory
from hyperpod_operator.kube.pods.owners import Gets, Unresolved, Workloads
from hyperpod_operator.kube.pods.scope import EVERY_NODE, Scope, source
from hyperpod_operator.kube.watch.decoding import Garbled
from hyperpod_operator.kube.watch.object_stream import Expired, ObjectStream, Streams

log = logging.getLogger(__name__)

FEW = 20
"""Nodes that are watched one by one; more of them are one watch of all pods."""
FIRST_LIST = 5.0
"""Seconds that a read waits for the first list of its nodes; afterwards it says that they are being listed."""
LEASE = 900.0
"""Seconds after which a need that was not renewed ends."""
STALE = 2 * INACTIVITY
"""Seconds without a sign of the API server after which what is held proves nothing."""
_DENIED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class _Need:
    nodes: frozenset[str]
    on_change: Callable[[], None]
    renewed_at: float


class Reads(Streams, Gets, Protocol):
    """The part of `kube.client.ApiServer` that is needed here."""


class PodCache:
    """Belongs to one event loop."""

    def __init__(self, api: Reads, *, clock: Clock, random: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._random = random
        self._needs: dict[str, _Need] = {}
        self._scopes: dict[str, Scope] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._expiry: asyncio.TimerHandle | None = None
        self._workloads = Workloads(api, clock=clock)

    def __len__(self) -> int:
        """How many pods are held."""
        return sum(len(scope.index) for scope in self._scopes.values())

    @property
    def watches(self) -> int:
        """How many watches run."""
        return len(self._scopes)

    async def read(
        self,
        *,
        owner: Owner,
        nodes: frozenset[str],
        on_change: Callable[[], None],
        rules: DrainRules | None = None,
    ) -> PodsRead:
        if not nodes:
            self.release(owner=owner)
            return PodsRead()
        self._needs[str(owner)] = _Need(nodes, on_change, self._clock.monotonic())
        self._follow()
        scopes = self._scopes_of(nodes)
        await _tried(scopes)
        for scope in scopes:
            problem = _problem(scope)
            if problem is not None:
                return problem
        held = tuple(one for scope in scopes for one in scope.index.of(nodes))
        if rules is None:
            return PodsRead(pods=tuple(one.pod for one in held))
        try:
            return await self._workloads.read(held, rules=rules)
        except Unresolved as unresolved:
            return PodsRead(problem=str(unresolved))

    async def fresh(self, *, nodes: frozenset[str]) -> PodsRead:
        factory, found = PodFactory(), list[HeldPod]()

        def take(one: PodObject) -> None:
            held = factory.pod(one)
            if held.pod.node in nodes and not held.pod.stays:
                found.append(held)

        try:
            for name in sorted(nodes) if len(nodes) <= FEW else (EVERY_NODE,):
                stream = ObjectStream(self._api, source=source(name), heard=lambda: None, inactivity=INACTIVITY)
                await stream.snapshot(take)
        except KubernetesError as error:
            return _unread(error)
        except (Expired, Garbled) as error:
            return PodsRead(problem=f"The pods of the nodes could not be listed ({error})")
        return PodsRead(pods=tuple(held.pod for held in found))

    def release(self, *, owner: Owner) -> None:
        if self._needs.pop(str(owner), None) is not None:
            self._follow()

    async def stop(self) -> None:
        """End every watch."""
        self._needs.clear()
        self._follow()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _follow(self) -> None:
        """Start the watches that are needed and end the others."""
        self._expire()
        wanted = frozenset().union(*(need.nodes for need in self._needs.values()))
        # One watch for all is kept until clearly fewer nodes are needed, so that it is not exchanged to and fro.
        few = len(wanted) <= (FEW // 2 if EVERY_NODE in self._scopes else FEW)
        names = wanted if few else frozenset({EVERY_NODE})
        for name in self._scopes.keys() - names:
            task = self._scopes.pop(name).end()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        for name in names - self._scopes.keys():
            self._scopes[name] = Scope(
                self._api, name=name, clock=self._clock, random=self._random, on_change=self._changed
            )
        if not names:
            self._workloads.clear()

    def _expire(self) -> None:
        """End needs that were not renewed, and come again while there are any."""
        oldest = self._clock.monotonic() - LEASE
        for who in [who for who, need in self._needs.items() if need.renewed_at <= oldest]:
            log.info("The pods that %s needed are no longer read: the need was not renewed.", who)
            del self._needs[who]
        if self._expiry is not None:
            self._expiry.cancel()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(LEASE / 3, self._follow) if self._needs else None

    def _scopes_of(self, nodes: Iterable[str]) -> tuple[Scope, ...]:
        every = self._scopes.get(EVERY_NODE)
        return (every,) if every is not None else tuple(self._scopes[name] for name in sorted(nodes))

    def _changed(self, nodes: frozenset[str] | None) -> None:
        """Pods of these nodes changed; None: of any."""
        for who, need in list(self._needs.items()):
            if nodes is None or need.nodes & nodes:
                try:
                    need.on_change()
                except Exception:
                    # One listener's fault must not keep the news from the others.
                    log.exception("The change of pods was not taken by %s: please report it.", who)


async def _tried(scopes: Iterable[Scope]) -> None:
    """Until each of them was listed or failed, for a while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_LIST):
            await asyncio.gather(*(scope.reflector.first_try() for scope in scopes))


def _problem(scope: Scope) -> PodsRead | None:
    """Why what this scope holds proves nothing; None if it does."""
    reflector = scope.reflector
    if reflector.failure is not None and (not reflector.synced or reflector.failure.status in _DENIED):
        return _unread(reflector.failure)
    if not reflector.synced:
        return PodsRead(problem="The pods of the nodes are being listed")
    if reflector.age() > STALE:
        return PodsRead(problem="The API server has not been heard of for a while, so the list of pods may be old")
    return None


def _unread(error: KubernetesError) -> PodsRead:
    denied = error.status in _DENIED
    why = "The operator may not read pods" if denied else "The pods of the nodes could not be read"
    return PodsRead(problem=f"{why} ({str(error).rstrip('.')})", denied=denied)
