"""A server on a thread and an event loop of its own: what keeps the operator busy does not keep its probes waiting."""

import asyncio
import logging
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hyperpod_operator.runtime.http.address import BindAddress
from hyperpod_operator.runtime.http.connection import Connection, Limits
from hyperpod_operator.runtime.http.message import Handler

logger = logging.getLogger(__name__)

RELOAD = 10.0
"""Seconds between two looks at the certificate's files (cert-manager renews them in place)."""
BURST = 0.1
"""Seconds' worth of connections that are accepted at once after a pause."""
GRACE = 0.2
"""Seconds that every connection has to send its request, however many others wait to come in."""
NO_DESCRIPTOR = 0.1
"""Seconds to wait when the system has no descriptor left for a connection."""
SEND_BUFFER = 128 * 1024
"""Bytes of an answer that the kernel holds for a client, which counts as memory of the pod; Linux doubles it, and would
grow it to megabytes by itself."""
STOP = 5.0
"""Seconds that a stop waits for the thread."""


class CertificateError(Exception):
    """The certificate or its key cannot be read, or they do not fit each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files of the certificate (with its chain) and of its key."""

    certificate: Path
    key: Path

    def changed_at(self) -> tuple[float, float]:
        """Raises OSError."""
        return self.certificate.stat().st_mtime, self.key.stat().st_mtime

    def load(self, context: ssl.SSLContext) -> None:
        """New connections get it. Raises CertificateError."""
        try:
            context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # ssl.SSLError is one
            raise CertificateError(str(error)) from error


class HttpServer:
    """Answers with `handler`, which runs on the server's own loop."""

    def __init__(
        self,
        *,
        name: str,
        address: BindAddress,
        handler: Handler,
        limits: Limits | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self._name = name
        self._address = address
        self._limits = limits or Limits()
        self._certificate = certificate
        self._door = _Door(handler=handler, limits=limits or Limits())
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self.port = address.port
        """Where it listens; after `start` the port that was taken."""

    @property
    def connections(self) -> int:
        """That are open now."""
        return len(self._door)

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken, CertificateError when the certificate is of no use."""
        context = None
        if self._certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._certificate.load(context)
        listening = self._address.listen()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # what it accepts inherits it
        self.port = listening.getsockname()[1]
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(listening, context, started), name=f"http-{self._name}", daemon=True
        )
        self._thread.start()
        started.wait()

    async def stop(self) -> None:
        """Close the port and the connections."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        await asyncio.to_thread(thread.join, STOP)

    def _run(self, listening: socket.socket, context: ssl.SSLContext | None, started: threading.Event) -> None:
        # Not the main loop's kind on purpose: this one must not share anything with it.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner, listening:
            runner.run(self._serve(listening, context, started))

    async def _serve(self, listening: socket.socket, context: ssl.SSLContext | None, started: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        door = self._door
        accepting = asyncio.create_task(self._accept(listening, context, door))
        started.set()
        await self._stopping.wait()
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        await door.close()

    async def _accept(self, listening: socket.socket, context: ssl.SSLContext | None, door: "_Door") -> None:
        loop, interval = asyncio.get_running_loop(), 1 / self._limits.accepts_per_second
        next_at = looked_at = time.monotonic()
        changed_at = self._certificate.changed_at() if self._certificate else None
        while True:
            await door.room()
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError as error:
                logger.warning("The port %d takes no connection at the moment: %s.", self.port, error)
                await asyncio.sleep(NO_DESCRIPTOR)
                continue
            now = time.monotonic()
            if context is not None and self._certificate is not None and now - looked_at > RELOAD:
                looked_at, changed_at = now, self._reload(self._certificate, context, changed_at)
            door.enter(accepted, context)
            next_at = max(next_at, now - BURST) + interval
            # Also without a pause the others have their turn: who was let in is read before the next one comes in.
            await asyncio.sleep(max(0.0, next_at - now))

    def _reload(
        self, certificate: Certificate, context: ssl.SSLContext, before: tuple[float, float] | None
    ) -> tuple[float, float] | None:
        try:
            changed_at = certificate.changed_at()
            if changed_at != before:
                certificate.load(context)
                logger.info("The certificate %s was renewed and is in use now.", certificate.certificate)
            return changed_at
        except (OSError, CertificateError) as error:
            logger.warning(
                "The certificate %s cannot be read again: %s. The one before stays in use; check the mounted Secret.",
                certificate.certificate,
                error,
            )
            return before


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guest:
    connecting: asyncio.Task[None]
    """Ends once the connection is made, TLS included."""
    entered_at: float


class _Door:
    """The open connections: never more than the limit, and none that nobody looks after."""

    def __init__(self, *, handler: Handler, limits: Limits) -> None:
        self._handler = handler
        self._limits = limits
        self._guests: dict[Connection, _Guest] = {}
        """In the order in which they came."""
        self._somebody_left = asyncio.Event()

    def __len__(self) -> int:
        return len(self._guests)

    async def room(self) -> None:
        """Wait until one more may come in. Who has kept the server waiting longest leaves, but not before its grace."""
        while len(self._guests) >= self._limits.connections:
            oldest = next((one for one in self._guests if not one.asked), next(iter(self._guests)))
            left = self._guests[oldest].entered_at + GRACE - time.monotonic()
            if left <= 0:
                self._show_out(oldest)
                continue
            self._somebody_left.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._somebody_left.wait(), left)

    def enter(self, accepted: socket.socket, context: ssl.SSLContext | None) -> None:
        guest = Connection(handler=self._handler, limits=self._limits, ended=lambda: self._left(guest))
        connecting = asyncio.create_task(self._connect(guest, accepted, context))
        connecting.add_done_callback(lambda task: self._connected(guest, accepted, task))
        self._guests[guest] = _Guest(connecting=connecting, entered_at=time.monotonic())

    async def close(self) -> None:
        tasks = [guest.connecting for guest in self._guests.values()]
        for guest in list(self._guests):
            self._show_out(guest)
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close their sockets in the loop's next turn

    def _left(self, guest: Connection) -> None:
        if self._guests.pop(guest, None) is not None:
            self._somebody_left.set()

    def _show_out(self, guest: Connection) -> None:
        connecting = self._guests.pop(guest).connecting
        guest.abort()
        connecting.cancel()  # where TLS is still being agreed on

    async def _connect(self, guest: Connection, accepted: socket.socket, context: ssl.SSLContext | None) -> None:
        accepted.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: guest,
            accepted,
            ssl=context,
            ssl_handshake_timeout=self._limits.header if context is not None else None,
        )

    def _connected(self, guest: Connection, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        """It ran to its end, was cancelled (perhaps before it began), or failed: the client does not speak TLS."""
        if task.cancelled() or task.exception() is not None:
            accepted.close()
            self._left(guest)
