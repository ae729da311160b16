"""A list and then a watch, over and over: what is held of a kind stays true whatever the API server does.

A new list is compared with what is held, so nothing goes unnoticed. The loop never ends by itself; it logs a failure
once, and `age` says how old the knowledge is.
"""

import asyncio
import logging
from collections.abc import Callable
from math import inf
from traceback import format_exc
from typing import Generic, Protocol

from hyperpod_operator.core.ports import Clock, KubernetesError
from hyperpod_operator.core.watching import INACTIVITY
from hyperpod_operator.kube.watch.backoff import WatchBackoff
from hyperpod_operator.kube.watch.decoding import Garbled, ObjectT, WatchEvent
from hyperpod_operator.kube.watch.object_stream import Expired, ObjectStream, Source, Streams

log = logging.getLogger(__name__)

START = 0
"""The position from which a watch begins with what is there."""
STEADY = 30.0
"""Seconds that a watch has to last before the trouble that went before it counts as over."""

_NOT_NOW = frozenset({0, 429, 502, 503, 504})
"""Cut, too many requests, or a server, or a proxy in front of it, that cannot answer at the moment: none of them says
anything about the position."""
_PROXY = "Check that nothing between the operator and the API server changes its answers."


class Store(Protocol[ObjectT]):
    """What holds the objects."""

    def begin(self) -> None:
        """A list begins; an earlier one that was not completed does not count."""
        ...

    def add(self, found: ObjectT) -> None:
        """One object of the list."""
        ...

    def complete(self) -> None:
        """The list is complete: what is held and was not in it is gone."""
        ...

    def apply(self, events: list[WatchEvent[ObjectT]]) -> None:
        """What happened since, in order."""
        ...


class Reflector(Generic[ObjectT]):
    """Keeps one store true. Belongs to one event loop; `run` is its task."""

    def __init__(
        self,
        api: Streams,
        *,
        source: Source[ObjectT],
        store: Store[ObjectT],
        clock: Clock,
        random: Callable[[], float],
        inactivity: float = INACTIVITY,
    ) -> None:
        self._noun = source.noun
        self._lists = source.listed
        self._store = store
        self._clock = clock
        self._stream = ObjectStream(api, source=source, heard=self._hear, inactivity=inactivity)
        self._position: int | None = None
        """The resourceVersion up to which everything is known; None when only a list can tell."""
        self._heard_at: float | None = None
        self._watching_since = inf
        self._backoff = WatchBackoff(noun=source.noun, random=random)
        self._listed = asyncio.Event()
        self._tried = asyncio.Event()
        self._failure: KubernetesError | None = None

    @property
    def synced(self) -> bool:
        """Whether a list was ever complete."""
        return self._listed.is_set()

    @property
    def failure(self) -> KubernetesError | None:
        """Why the last try failed; None as soon as the API server responds."""
        return self._failure

    async def first_list(self) -> None:
        """Until a list was complete."""
        await self._listed.wait()

    async def first_try(self) -> None:
        """Until a list was complete or failed."""
        await self._tried.wait()

    def age(self) -> float:
        """Seconds since the API server was last heard of; infinite before the first time."""
        return inf if self._heard_at is None else self._clock.monotonic() - self._heard_at

    async def run(self) -> None:
        """Without end; cancel it to stop."""
        while True:
            pause = await self._follow()
            self._tried.set()
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
            backoff.report(logging.INFO, "expired", f"Listing all {self._noun} again: {expired}")
            return backoff.pause(first=0.0)
        except KubernetesError as error:
            # A stream that was cut goes on where it stopped, also where the API server has no time: a list would cost
            # it more. What was refused starts over.
            self._position = self._position if error.status in _NOT_NOW else None
            self._failure = error
            backoff.report(logging.WARNING, f"status {error.status}", f"The watch of {self._noun} failed: {error}")
        except Garbled as error:
            self._position = None
            backoff.report(logging.WARNING, "garbled", f"The watch of {self._noun} failed: {error}. {_PROXY}")
        except Exception as error:
            self._position = None
            kind = type(error).__name__
            text = f"The watch of {self._noun} failed, please report this fault: {format_exc()}"
            backoff.report(logging.ERROR, kind, text)
        else:
            if self._steady():
                return 0.0
            backoff.report(
                logging.INFO,
                "ended",
                f"The API server ended the watch of {self._noun} early; the operator starts it again.",
            )
        return backoff.pause()

    def hurry(self) -> None:
        """What arrives on the watch now is wanted now."""
        self._stream.hurry()

    async def _list(self) -> int:
        self._store.begin()
        position = await self._stream.snapshot(self._store.add) if self._lists else START
        self._listed.set()
        self._tried.set()
        self._store.complete()
        return position

    def _take(self, events: list[WatchEvent[ObjectT]], position: int) -> None:
        self._store.apply(events)
        self._position = position

    def _hear(self) -> None:
        self._heard_at = self._clock.monotonic()
        self._failure = None
        self._steady()

    def _steady(self) -> bool:
        """Whether the watch has lasted; then what went before is over."""
        steady = self._clock.monotonic() - self._watching_since >= STEADY
        if steady:
            self._backoff.over()
        return steady
