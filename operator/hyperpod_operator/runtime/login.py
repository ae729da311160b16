"""How Kopf logs in: with a session of ours, renewed before a token can expire.

Kopf's own logins read a token once and give up at the first 401 with the same token. Ours reads it at every login
and lets each login expire after ten minutes, so rotated service account tokens are picked up while the old ones
still work. A token that the API server keeps refusing is tried again every five seconds, for two minutes; then
Kopf is told that there is none, which ends it, and with it the process, in words.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol, cast

import aiohttp
import kopf

from hyperpod_operator import __version__
from hyperpod_operator.core.ports import Clock, KubernetesError
from hyperpod_operator.runtime.watch_health import WatchHealth

log = logging.getLogger(__name__)

RENEWAL = timedelta(minutes=10)
PAUSE = 5.0
"""Seconds before credentials that were just refused are tried again."""
GIVE_UP = 120.0
"""Seconds of refusals after which the process should start anew."""
GRACE = 35.0
"""Seconds that a session outlives its login: longer than any short request of Kopf (30 s)."""

GOODBYE = 0.25
"""Seconds for TLS to say goodbye on streams that Kopf cut off; aiohttp does not wait ("Graceful Shutdown")."""


class Credentials(Protocol):
    """How to reach the API server; see `kube.configuration.Credentials`."""

    @property
    def server(self) -> str: ...
    @property
    def ca_file(self) -> str | None: ...
    @property
    def authorization(self) -> str: ...
    @property
    def certificate_file(self) -> str | None: ...
    @property
    def key_file(self) -> str | None: ...
    @property
    def verify(self) -> bool: ...
    @property
    def proxy(self) -> str | None: ...


class _Lent:
    """A session as Kopf gets it: closing it only returns it.

    Kopf closes a session at the first 401, or when the login expires, although other requests of its own are just
    being sent on it; aiohttp fails those with an error that Kopf does not expect and ends by. Streams are not
    concerned: Kopf closes their responses first.
    """

    def __init__(self, session: aiohttp.ClientSession, *, clock: Clock) -> None:
        self.session = session
        self._clock = clock
        self._returned_at: float | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    async def close(self) -> None:
        """What Kopf calls."""
        self._returned_at = self._clock.monotonic()

    @property
    def unused(self) -> bool:
        """Whether no request of Kopf can be under way on it any more."""
        return self._returned_at is not None and self._clock.monotonic() - self._returned_at > GRACE


class Login:
    """Kopf's login handler, and the sessions that it opened."""

    def __init__(self, *, credentials: Callable[[], Awaitable[Credentials]], clock: Clock, health: WatchHealth) -> None:
        self._credentials = credentials
        self._clock = clock
        self._health = health
        self._lent: list[_Lent] = []
        self._refused_since: float | None = None

    async def log_in(self) -> kopf.AiohttpSession | None:
        """A fresh session, or None when it is time to give up. Waits where trying at once would be a storm."""
        if self._health.accepted or not self._health.refused:
            self._refused_since = None
        if self._health.refused and await self._give_up():
            return None
        while True:
            try:
                found = await self._credentials()
                await self._close([lent for lent in self._lent if lent.unused])
                return self._open(found)
            except (KubernetesError, OSError, ValueError) as error:
                log.warning(
                    "The operator cannot read the credentials for the API server and retries in %g s: %s", PAUSE, error
                )
                await asyncio.sleep(PAUSE)

    async def _give_up(self) -> bool:
        now = self._clock.monotonic()
        since = self._refused_since = now if self._refused_since is None else self._refused_since
        if now - since >= GIVE_UP:
            log.error(
                "The API server has rejected the operator's credentials for %.0f s (HTTP 401); the operator "
                "restarts. Check the token of its service account, or the user of the kubeconfig.",
                now - since,
            )
            return True
        log.warning(
            "The API server rejected the operator's credentials (HTTP 401); the operator reads them again in %g s.",
            PAUSE,
        )
        await asyncio.sleep(PAUSE)
        return False

    def _open(self, found: Credentials) -> kopf.AiohttpSession:
        headers = {"User-Agent": f"hyperpod-operator/{__version__} (kopf)"}
        if found.authorization:
            headers["Authorization"] = found.authorization
        session = aiohttp.ClientSession(
            # Watches hold a connection each; a limit would make them wait for one another.
            connector=aiohttp.TCPConnector(limit=0, ssl=_tls(found)),
            headers=headers,
            proxy=found.proxy,
            trust_env=False,  # the proxy was chosen from the environment, and with more of NO_PROXY
            trace_configs=[self._health.tracing()],
        )
        lent = _Lent(session, clock=self._clock)
        self._lent.append(lent)
        return kopf.AiohttpSession(
            server=found.server,
            aiohttp_session=cast(aiohttp.ClientSession, lent),
            expiration=self._clock.now() + RENEWAL,
        )

    async def close(self) -> None:
        """Close what Kopf left open."""
        if self._lent:
            await self._close(self._lent)
            await asyncio.sleep(GOODBYE)

    async def _close(self, lents: list[_Lent]) -> None:
        for lent in list(lents):
            self._lent.remove(lent)
            await lent.session.close()


def _tls(found: Credentials) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=found.ca_file)
    # Amazon EKS's CA certificates do not pass it: see kube/configuration.py, which does the same for our own calls.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if found.certificate_file is not None:
        context.load_cert_chain(found.certificate_file, found.key_file)
    if not found.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
