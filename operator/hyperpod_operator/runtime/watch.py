"""Kopf, reduced to what it is best at: noticing that something changed.

One low-level handler puts the object's name into the queue and returns nothing, so Kopf writes nothing on any
object: no annotation, no finalizer, no status. Everything that Kopf could decide is decided elsewhere. It may end
at any time (it treats some answers of the API server as fatal); whoever runs it must end the process then.

Sources: Kopf's documentation ("Embedding", "Configuration", "Authentication"), read against release 1.45.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any

import kopf

from hyperpod_operator.api.names import GROUP, VERSION
from hyperpod_operator.core.ports import Clock, Key
from hyperpod_operator.core.watching import INACTIVITY
from hyperpod_operator.runtime.backlog import Backlog
from hyperpod_operator.runtime.change_filter import ChangeFilter
from hyperpod_operator.runtime.kopf_storage import NoDiffBase, NoProgress
from hyperpod_operator.runtime.login import Credentials, Login
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.watch_health import WatchHealth

_IDENTITY: Any = "hyperpod-operator"
"""Kopf's name for this process (its own NewType of str); it matters between peers, which Kopf has none of here."""

_KOPF = os.path.dirname(kopf.__file__) + os.sep

KOPF_FINALIZER = f"{GROUP}/kopf/none"
"""Kopf removes the finalizer of this name from every object that it serves, on each replica. The API server stores no
name with two slashes (it has to be a qualified one), so nobody can make Kopf write."""


class WatchEnded(Exception):  # noqa: N818 - a state of affairs, not a fault of ours
    """Nothing would reach us any more. The message says what Kopf or the API server said."""


class Watch:
    """Watches our kinds, everywhere or in `namespaces`, and adds the keys of each to its queue, by plural.

    `credentials` is asked at every login. Between `hold` and `deliver` keys are kept back.
    """

    def __init__(
        self,
        *,
        queues: Mapping[str, WorkQueue],
        credentials: Callable[[], Awaitable[Credentials]],
        clock: Clock,
        namespaces: tuple[str, ...] = (),
    ) -> None:
        self._backlogs = {plural: Backlog(queue) for plural, queue in queues.items()}
        self._namespaces = namespaces
        self._clock = clock
        self.health = WatchHealth(clock=clock, plurals=tuple(queues), streams=len(queues) * max(1, len(namespaces)))
        self._login = Login(credentials=credentials, clock=clock, health=self.health)
        self._stop = asyncio.Event()
        self.started = asyncio.Event()
        """Set once Kopf has started its tasks."""

    async def run(self, *, on_started: Callable[[], None] = lambda: None) -> None:
        """Until `stop`, or until Kopf ends by itself: an exception says why, and the process has to end then.

        Raises WatchEnded. `on_started` is called right after Kopf's start. Kopf takes SIGTERM and SIGINT over in the
        main thread; this is the moment to take them back.
        """
        self.health.started()
        try:
            tasks = await kopf.spawn_tasks(
                registry=self._registry(),
                settings=kopf_settings(),
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=self._stop,
                ready_flag=self.started,
                # Kopf asks for the name of the user to make one up, and the number that an image runs as has none.
                identity=_IDENTITY,
            )
            on_started()
            await kopf.run_tasks(tasks, ignored=_NotKopfs())
        except Exception as error:
            raise WatchEnded(f"The watch of {self._kinds} ended: {error}") from error
        finally:
            stopped = self._stop.is_set()
            self._stop.set()  # ends the task of Kopf that waits for it
            await self._login.close()
        if not stopped:
            raise WatchEnded(
                f"The watch of {self._kinds} ended without being asked to; "
                "the log lines of kopf before this one say why"
            )

    @property
    def _kinds(self) -> str:
        return " and ".join(self._backlogs)

    def hold(self) -> None:
        """Keep all keys back: another replica works on them."""
        for backlog in self._backlogs.values():
            backlog.hold()

    def deliver(self) -> None:
        """Hand on the keys of all objects that are there, and from now on each that changes."""
        for backlog in self._backlogs.values():
            backlog.deliver()

    def stop(self) -> None:
        """Ask Kopf to end; `run` returns soon after. Drain the workers first."""
        self._stop.set()

    def _registry(self) -> kopf.OperatorRegistry:
        """A private registry: Kopf's default one is global and brings handlers and logins of its own."""
        registry = kopf.OperatorRegistry()

        async def log_in(**_: Any) -> kopf.AiohttpSession | None:
            return await self._login.log_in()

        for plural, backlog in self._backlogs.items():
            kopf.on.event(GROUP, VERSION, plural, registry=registry)(_tells(backlog))
        kopf.on.login(registry=registry)(log_in)
        return registry


def _tells(backlog: Backlog) -> Callable[..., Awaitable[None]]:
    """The handler of one kind: what travels on is the key, and only if the event can matter."""
    changes = ChangeFilter()

    async def tell(*, event: kopf.RawEvent, namespace: str | None, name: str | None, **_: Any) -> None:
        # A result would be written into the object's status: None, always.
        if namespace is None or name is None:
            return
        key = Key(namespace, name)
        # The object as it came: Kopf's own view of it takes a walk from the root for each member.
        if not changes.is_new(key, event=event["type"], metadata=event["object"].get("metadata") or {}):
            return
        if event["type"] == "DELETED":
            backlog.gone(key)
        else:
            backlog.changed(key)

    return tell


def kopf_settings() -> kopf.OperatorSettings:
    """Everything that we want otherwise than Kopf does, and why."""
    settings = kopf.OperatorSettings()
    # Peering goes by wall clocks and pauses everybody at equal priority; leadership is a Lease of our own.
    settings.peering.standalone = True
    # Least rights: no list or watch of namespaces and CRDs. The preflight proves that our kinds are served.
    settings.scanning.disabled = True
    # Our recorder writes Events; Kopf's would write one per log line or call, never aggregated.
    settings.posting.enabled = False
    # Unused, but Kopf removes a finalizer of this name from any object it serves.
    settings.persistence.finalizer = KOPF_FINALIZER
    # Kopf records nothing on objects; so it need not prepare its records for every event either.
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    # The server ends each stream after this time; an integer, for it is sent verbatim as timeoutSeconds.
    settings.watching.server_timeout = 300
    # And the client does, should the server forget: only the pair of both catches every dead stream.
    settings.watching.client_timeout = 310
    # A connection that cannot be made must not hold a stream for the client's default of minutes.
    settings.watching.connect_timeout = 30
    # Bookmarks come every 60 s and the server remembers events for 75 s: a longer silence is a dead stream.
    settings.watching.inactivity_timeout = INACTIVITY
    # The first list comes in pages: flat memory here and in the API server.
    settings.watching.chunk_size = 500
    # Short calls must not wait for five minutes, Kopf's default.
    settings.networking.request_timeout = 30
    # A 403 or 5xx for longer than 15 s ends Kopf, and so the process: a restart says why, a hang does not.
    settings.networking.error_backoffs = (1, 2, 4, 8)
    # Kopf kills the process this long after it began to end unasked; before the pod's grace period of 30 s does.
    settings.process.ultimate_exiting_timeout = 25
    # `queueing.worker_limit` and `execution.executor` stay as they are: a limit can deadlock Kopf's start, and
    # there are no synchronous handlers.
    return settings


class _NotKopfs(Collection["asyncio.Task[Any]"]):
    """The tasks that Kopf must leave alone when it ends: all whose coroutine is not Kopf's own.

    Kopf takes every task that is younger than itself for its own: it waits 5 s for all of them and then cancels
    them, connections of the HTTP server and calls in flight included.
    """

    def __contains__(self, task: object) -> bool:
        code = getattr(task.get_coro(), "cr_code", None) if isinstance(task, asyncio.Task) else None
        return code is None or not code.co_filename.startswith(_KOPF)

    def __iter__(self) -> Iterator["asyncio.Task[Any]"]:
        return (task for task in asyncio.all_tasks() if task in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
