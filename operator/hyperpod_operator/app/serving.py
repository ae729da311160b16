"""The two HTTP servers of every replica, put together: probes, and metrics."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from hyperpod_operator.app.start import StartError
from hyperpod_operator.kube.access import MetricsReaders
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.runtime.http.address import BindAddress
from hyperpod_operator.runtime.http.connection import Limits
from hyperpod_operator.runtime.http.message import Handler
from hyperpod_operator.runtime.http.metrics_page import MetricsPage
from hyperpod_operator.runtime.http.probes import Check, Probes
from hyperpod_operator.runtime.http.server import Certificate, CertificateError, HttpServer
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.settings import Settings

logger = logging.getLogger(__name__)

SCRAPES = Limits(connections=32, accepts_per_second=100.0)
"""Several Prometheus servers scrape at once, and a page may be megabytes; nobody needs more."""


class Serving:
    """`loop` is the check of the event loop, which any thread may make; the others are made on it."""

    def __init__(
        self,
        settings: Settings,
        *,
        loop: Check,
        alive: Mapping[str, Check],
        ready: Mapping[str, Check],
        metrics: PrometheusMetrics,
        api: ApiServer,
    ) -> None:
        self._settings = settings
        self._loop, self._alive, self._ready = loop, alive, ready
        self._metrics = metrics
        self._api = api

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises StartError when a port or the certificate cannot be used."""
        servers: list[HttpServer] = []
        try:
            if self._settings.health_probe_address is not None:
                servers.append(self._probes(self._settings.health_probe_address))
            if self._settings.metrics_address is not None:
                servers.append(self._scrapes(self._settings.metrics_address))
            yield
        finally:
            for server in servers:
                await server.stop()

    def _probes(self, address: BindAddress) -> HttpServer:
        probes = Probes(loop=self._loop, alive=self._alive, ready=self._ready)
        server = _started("probes", address, probes.answer, flag="--health-probe-bind-address")
        logger.info("Serving /healthz and /readyz on port %d.", server.port)
        return server

    def _scrapes(self, address: BindAddress) -> HttpServer:
        path = self._settings.metrics_cert_path
        page = MetricsPage(
            snapshot=self._metrics.snapshot,
            render=self._metrics.render,
            review=MetricsReaders(self._api).review if self._settings.metrics_auth else None,
        )
        server = _started(
            "metrics",
            address,
            page.answer,
            flag="--metrics-bind-address",
            limits=SCRAPES,
            certificate=None if path is None else Certificate(certificate=path / "tls.crt", key=path / "tls.key"),
        )
        logger.info(
            "Serving /metrics on port %d, %s, %s.",
            server.port,
            "over plain HTTP" if path is None else "over TLS",
            "to clients that the API server authorizes" if self._settings.metrics_auth else "to every client",
        )
        return server


def _started(
    name: str,
    address: BindAddress,
    handler: Handler,
    *,
    flag: str,
    limits: Limits | None = None,
    certificate: Certificate | None = None,
) -> HttpServer:
    server = HttpServer(name=name, address=address, handler=handler, limits=limits, certificate=certificate)
    try:
        server.start()
    except CertificateError as error:
        raise StartError(
            f"The certificate for /metrics cannot be used: {error}. Check tls.crt and tls.key in the directory of "
            "--metrics-cert-path."
        ) from error
    except OSError as error:
        raise StartError(
            f"The address {address} cannot be used: {error.strerror}. Choose another one with {flag} (port 0 takes a "
            "free one)."
        ) from error
    return server
