"""LIST in chunks and WATCH on the wire: when a stream is over, dead or not to be trusted is decided here.

A watch goes on from the resourceVersion that was seen last: the API server then sends everything since, deletions
included, or says 410. What it sends twice, or too late, is known by its resourceVersion, which only grows along a
stream. All lines that arrived together are handed on together: one wake-up, however many objects changed.

Sources: "Efficient detection of changes", "Retrieving large results sets in chunks" and "Watch bookmarks",
kubernetes.io; resourceVersions can be compared as whole numbers within one kind (KEP-5504).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.watch import pages
from hyperpod_operator.kube.watch.decoding import (
    BOOKMARK,
    WHOLE,
    Decoding,
    Garbled,
    ObjectT,
    Rejected,
    WatchEvent,
)
from hyperpod_operator.kube.watch.gathering import Gathering

WATCH_SECONDS = 300
"""After so long the API server ends a watch; the next one goes on where it stopped."""
GRACE = 10.0
"""Seconds that it may be late with that before we end it."""
LONGEST_LINE = 8 * 1024 * 1024
"""Bytes; etcd takes objects of 1.5 MB at most, so what is longer comes from something else than an API server."""

_GONE = 410


class Answer(pages.Answer, Protocol):
    """The part of `kube.watch.response_stream.ResponseStream` that is needed here."""

    async def gather(self, wait: Callable[[], Awaitable[None]]) -> None: ...


class Expired(Exception):  # noqa: N818 - a state of affairs
    """The API server cannot go on from where we are (HTTP 410): a new list is needed."""


class Streams(Protocol):
    """The part of `kube.client.ApiServer` that is needed here."""

    def stream(
        self, path: str, *, query: Mapping[str, str], accept: str = WHOLE
    ) -> AbstractAsyncContextManager[Answer]: ...


@dataclass(frozen=True, kw_only=True)
class Source(Generic[ObjectT]):
    """Which objects are read: their path, the selectors of the query, and how they are decoded.

    Where nothing is `listed` the watch begins with what is there, in no order and perhaps not with all of it: for whom
    it is enough to hear that something happened. `watched_as` is how the watch has its objects sent.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    decoding: Decoding[ObjectT]
    listed: bool = True
    watched_as: str = WHOLE

    @property
    def noun(self) -> str:
        """What they are called in messages."""
        return self.decoding.noun


class ObjectStream(Generic[ObjectT]):
    """`heard` is called at each sign of the API server; a watch that goes `inactivity` seconds without one is dead."""

    def __init__(self, api: Streams, *, source: Source[ObjectT], heard: Callable[[], None], inactivity: float) -> None:
        self._api = api
        self._source = source
        self._heard = heard
        self._inactivity = inactivity
        self._gathering = Gathering()

    def hurry(self) -> None:
        """What arrives on the watch now is wanted now: nothing is left to gather for a moment."""
        self._gathering.hurry()

    async def snapshot(self, take: Callable[[ObjectT], None]) -> int:
        """Hand on all objects, one after the other; returns the position from which to watch.

        Raises Expired, KubernetesError or Garbled; what was handed on until then is not the whole.
        """
        reading = ahead = self._reading("")
        try:
            while True:
                if following := await reading.following():
                    ahead = self._reading(following)
                page = self._source.decoding.page(await reading.content())
                self._heard()
                for found in page.items:
                    take(found)
                if not page.metadata.next:
                    return _position(page.metadata.resource_version)
                if ahead is reading or ahead.token != page.metadata.next:
                    await ahead.end()
                    ahead = self._reading(page.metadata.next)
                reading = ahead
        except KubernetesError as error:
            raise _expired(error) from error
        finally:
            await reading.end()
            await ahead.end()

    def _reading(self, token: str) -> pages.Reading:
        source = self._source
        return pages.Reading(self._api, path=source.path, query=source.query, noun=source.noun, token=token)

    async def watch(self, position: int, take: Callable[[list[WatchEvent[ObjectT]], int], None]) -> None:
        """Hand on what happens after `position`, batch by batch with the new position, until the stream ends.

        Raises KubernetesError with status 0 when it was cut or silent, which a new watch from the last position
        makes good; Expired, Garbled or another KubernetesError when only a new list does.
        """
        query = {
            **self._source.query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
            "resourceVersion": str(position),
        }
        now = asyncio.get_running_loop().time
        end = now() + WATCH_SECONDS + GRACE
        rest, gathering, mute = b"", self._gathering, False
        try:
            async with (
                asyncio.timeout(self._inactivity) as limit,
                self._api.stream(self._source.path, query=query, accept=self._source.watched_as) as answer,
            ):
                mute = True
                self._heard()
                while content := await answer.read():
                    limit.reschedule(min(now() + self._inactivity, end))
                    self._heard()
                    mute = False
                    *lines, rest = (rest + content).split(b"\n")
                    if len(rest) > LONGEST_LINE:
                        raise Garbled(f"a line of the watch is longer than {LONGEST_LINE} bytes")
                    if lines:
                        events, position = self._news(lines, position)
                        take(events, position)
                    if pause := gathering.pause(lines=len(lines), size=len(content)):
                        await answer.gather(partial(gathering.wait, pause))
                    gathering.read_on()
        except TimeoutError:
            if now() >= end:
                return  # we ended it, as the API server should have
            if mute:
                # Where etcd was restored from a backup, the API server has not come so far, and keeps quiet until then.
                raise Expired(
                    f"nothing came after {position} for {self._inactivity:g} s, not even a bookmark"
                ) from None
            raise KubernetesError(
                status=0,
                message=f"The watch of {self._source.noun} was silent for {self._inactivity:g} s, without even a "
                "bookmark. Check that the API server runs and that no proxy buffers its responses.",
            ) from None
        except KubernetesError as error:
            raise _expired(error) from error
        if rest:
            raise Garbled("the watch ended in the middle of a line")

    def _news(self, lines: Iterable[bytes], position: int) -> tuple[list[WatchEvent[ObjectT]], int]:
        """The events that were not seen yet, and the position after them."""
        news: list[WatchEvent[ObjectT]] = []
        for line in lines:
            found = self._source.decoding.event(line)
            if isinstance(found, Rejected):
                raise KubernetesError(
                    status=found.code or 500,
                    message=f"The API server ended the watch of {self._source.noun}: "
                    f"{found.message or 'no explanation'}. The operator lists them again; if this repeats, check the "
                    "log of the API server.",
                )
            at = _position(found.object.metadata.resource_version)
            if found.type == BOOKMARK and at < position:
                # Its history is another one, as after etcd was restored: it would keep quiet until it has caught up.
                raise Expired(f"the API server is at {at}, before {position} that it had reported")
            if found.type != BOOKMARK and at > position:
                news.append(found)
            position = max(position, at)
        return news, position


def _position(resource_version: str) -> int:
    try:
        return int(resource_version)
    except ValueError:
        raise Garbled(f"the resourceVersion {resource_version!r} is not a whole number") from None


def _expired(error: KubernetesError) -> KubernetesError | Expired:
    return Expired(str(error)) if error.status == _GONE else error
