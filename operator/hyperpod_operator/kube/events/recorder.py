"""Kubernetes Events in the background: best effort, never in a pass's way.

`publish` only counts (`series.py`); one task tells the API server. An API server that is away costs nothing but
memory up to a bound; what it refuses for good is dropped and counted, because an Event is not worth a retry
storm, and what it fails at is tried after all others. Kopf's own recorder is not used: it aggregates nothing and knows
only the old Event API.

Source: events.k8s.io/v1 Event (kubernetes.io API reference): limits of note (1 kB), reason and action (128).
"""

import asyncio
import logging
import math
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from hyperpod_operator.api.names import EVENT_CONTROLLER
from hyperpod_operator.core.ports import (
    Clock,
    Event,
    KubernetesError,
    ObjectGone,
    StaleObject,
    StoredObject,
)
from hyperpod_operator.core.text import plain, shortened
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.events.series import Series, SeriesBook

log = logging.getLogger(__name__)

GROUP_VERSION = "events.k8s.io/v1"
LONGEST_NOTE = 1024
"""Bytes of UTF-8."""
LONGEST_WORD = 128
LONGEST_NAME = 253
DRAIN = 2.0
"""Seconds that a stop waits for the API server to hear the last Events."""
GIVE_UP = 600.0
"""Seconds after which an Event is dropped at which the API server failed by a fault of its own (HTTP 500): it may be
that Event alone, as where an admission webhook for its namespace does not answer."""
FIRST_PAUSE = 1.0
BETWEEN = 0.02
"""Seconds between two writes, as kubelets keep it (50 a second): Events must not crowd out what they tell about."""
BETWEEN_WARNINGS = 60.0
"""Seconds between two records in the log about dropped Events."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries while the API server is away."""
_FAULT = 500


class EventRecorder:
    """`core.ports.Events`. `dropped` is called with the number of occurrences that nobody will ever see."""

    def __init__(
        self,
        api: ApiServer,
        *,
        clock: Clock,
        dropped: Callable[[int], None],
        instance: str | None = None,
    ) -> None:
        self._api = api
        self._clock = clock
        self._instance = (instance or os.environ.get("POD_NAME") or socket.gethostname())[:LONGEST_WORD]
        self._book = SeriesBook(self._lost)
        self._dropped = dropped
        self._said_lost = -math.inf
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def publish(self, *, about: StoredObject, event: Event) -> None:
        """Count one occurrence; the API server hears of it soon."""
        event = replace(
            event, message=plain(event.message), action=plain(event.action), reference=plain(event.reference)
        )
        self._book.record(about=about, event=event, now=self._clock.now(), monotonic=self._clock.monotonic())
        self._wake.set()

    def _lost(self, count: int) -> None:
        """Count what is dropped; the log says so once a minute at most."""
        self._dropped(count)
        now = self._clock.monotonic()
        if now - self._said_lost >= BETWEEN_WARNINGS:
            self._said_lost = now
            log.warning(
                "Kubernetes Events are dropped: the API server takes them too slowly or refuses them. The conditions "
                "of the resources are complete; hyperpod_operator_events_dropped_total counts the Events."
            )

    def start(self) -> None:
        """Start telling the API server."""
        self._task = asyncio.create_task(self._run(), name="events")

    async def stop(self, *, within: float = DRAIN) -> None:
        """Tell what is left, for at most `within` seconds; count the rest as dropped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        try:
            async with asyncio.timeout(within):
                while (series := self._book.next_due(monotonic=self._clock.monotonic(), closing=True)) is not None:
                    await self._tell_or_drop(series)
        except (TimeoutError, KubernetesError):
            lost = self._book.pending
            self._dropped(lost)
            log.warning(
                "%d Kubernetes Events were not written: the API server did not take them within %g s of the "
                "operator's stop. The conditions of the resources say the same.",
                lost,
                within,
            )

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            self._wake.clear()
            series = self._book.next_due(monotonic=self._clock.monotonic())
            if series is None:
                self._book.prune(monotonic=self._clock.monotonic())
                await self._something_due()
                continue
            try:
                await self._tell(series)
                await asyncio.sleep(BETWEEN)
                pause = FIRST_PAUSE
            except KubernetesError as error:
                self._put_off(series, error)
                log.info("Kubernetes Events wait %g s: %s", pause, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except Exception:
                # One Event that cannot be told must not silence all later ones.
                log.exception("A Kubernetes Event was dropped by a fault of the operator; please report it.")
                self._book.drop(series)

    def _put_off(self, series: Series, error: KubernetesError) -> None:
        """After all others, or not at all any more."""
        now = self._clock.monotonic()
        if error.status == _FAULT:
            series.failing_since = now if series.failing_since is None else series.failing_since
            if now - series.failing_since >= GIVE_UP:
                self._give_up(series, error)
                return
        self._book.postpone(series, monotonic=now)

    async def _tell_or_drop(self, series: Series) -> None:
        """As `_tell`; there is no time to try again what the API server failed at."""
        try:
            await self._tell(series)
        except KubernetesError as error:
            if error.status != _FAULT:
                raise
            self._give_up(series, error)

    async def _something_due(self) -> None:
        wait = self._book.wait(monotonic=self._clock.monotonic())
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _tell(self, series: Series) -> None:
        """Create or update one Event. Raises KubernetesError when it is worth another try."""
        count = series.count
        path = f"/apis/{GROUP_VERSION}/namespaces/{quote(_namespace(series), safe='')}/events"
        try:
            if series.sent:
                body = {"series": _series(series, count=count)}
                await self._api.merge_patch(f"{path}/{quote(_name(series), safe='')}", body)
            else:
                await self._api.create(path, self._body(series, count=count))
        except ObjectGone as error:
            if series.sent:
                self._book.restart(series)
            else:
                self._without_namespace(series, error)
            return
        except StaleObject:
            # Created by an earlier try whose answer was lost, or a count that lost a race: the next count tells.
            count = max(1, series.sent)
        except KubernetesError as error:
            if error.passes:
                raise
            if error.namespace_ends:
                self._without_namespace(series, error)
            else:
                self._give_up(series, error)
            return
        self._book.mark_sent(series, count=count, monotonic=self._clock.monotonic())

    def _give_up(self, series: Series, error: Exception) -> None:
        about = f"{_namespace(series)}/{series.regarding['name']}"
        log.warning("The Event %s about %s was dropped: %s", series.key.event.reason, about, error)
        self._book.drop(series)

    def _without_namespace(self, series: Series, error: Exception) -> None:
        """Its namespace is being deleted, or is gone, and its Events with it: nobody misses this one."""
        log.debug("The Event %s has no namespace any more: %s", series.key.event.reason, error)
        self._book.mark_sent(series, count=series.count, monotonic=self._clock.monotonic())
        self._book.drop(series)

    def _body(self, series: Series, *, count: int) -> dict[str, Any]:
        event = series.key.event
        body: dict[str, Any] = {
            "apiVersion": GROUP_VERSION,
            "kind": "Event",
            "metadata": {
                "name": _name(series),
                "namespace": _namespace(series),
            },
            "eventTime": _micro_time(series.first_at),
            "reportingController": EVENT_CONTROLLER,
            "reportingInstance": self._instance,
            "type": event.type,
            "reason": event.reason[:LONGEST_WORD],
            "action": (event.action or event.reason)[:LONGEST_WORD],
            "note": _note(event),
            "regarding": dict(series.regarding),
        }
        if count > 1:
            body["series"] = _series(series, count=count)
        return body


def _note(event: Event) -> str:
    """The message, without its middle where it is too long because it ends with what to do, and the reference."""
    ending = f" ({capped(event.reference, LONGEST_WORD)})" if event.reference else ""
    room = LONGEST_NOTE - len(ending.encode("utf-8", "replace"))
    most, message = room, shortened(event.message, room)
    while (over := len(message.encode("utf-8", "replace")) - room) > 0:
        most -= max(1, over // 4)  # no character has more bytes
        message = shortened(event.message, most)
    return message + ending


def capped(text: str, most: int) -> str:
    """`text` in at most `most` bytes of UTF-8, never cut inside a character."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return text
    return encoded[: most - 3].decode("utf-8", "ignore") + "…"


def _series(series: Series, *, count: int) -> dict[str, Any]:
    return {"count": count, "lastObservedTime": _micro_time(series.last_at)}


def _namespace(series: Series) -> str:
    """Events about objects that are in no namespace live in `default` (events.k8s.io validation)."""
    return series.regarding.get("namespace") or "default"


def _name(series: Series) -> str:
    """Unique for object, moment and content, as client-go names them: the object's name and a hexadecimal time.

    The same for every try of one Event, so that a try whose answer was lost cannot make a second one.
    """
    moment = int(series.first_at.timestamp() * 1_000_000)
    suffix = f".{moment:x}{hash(series.key.event) & 0xFFFF:04x}"
    return series.regarding["name"][: LONGEST_NAME - len(suffix)].rstrip(".-") + suffix


def _micro_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
