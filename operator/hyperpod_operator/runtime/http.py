"""Liveness, readiness and metrics over HTTP, answered by our own loop, leading or not.

/healthz fails only for what a restart would cure; /readyz says whether this process does its work now. Both say
why not, in words: the kubelet shows the answer in the pod's events. Kopf's liveness endpoint is not used: it
lives only while Kopf does and kept answering while watches were dead.
"""

from collections.abc import Callable, Mapping

from aiohttp import web

Check = Callable[[], str | None]
"""None when all is well, otherwise why it is not."""

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class HttpServer:
    """Serves /healthz, /readyz and /metrics. Port 0 takes a free one; `port` tells which after `start`."""

    def __init__(
        self,
        *,
        alive: Mapping[str, Check],
        ready: Mapping[str, Check],
        metrics: Callable[[], bytes],
        host: str = "0.0.0.0",  # noqa: S104 - probes and Prometheus come from outside of the pod
        port: int = 8080,
    ) -> None:
        self._alive = alive
        self._ready = ready
        self._metrics = metrics
        self._host = host
        self.port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._scrape)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        try:
            await site.start()
        except BaseException:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port and the connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _answer(self._alive)

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _answer(self._ready)

    async def _scrape(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": _METRICS_TYPE})


def _answer(checks: Mapping[str, Check]) -> web.Response:
    faults = {name: fault for name, check in checks.items() if (fault := check()) is not None}
    if not faults:
        return web.Response(text="ok\n")
    return web.Response(status=503, text="".join(f"{name}: {fault}\n" for name, fault in faults.items()))
