"""Probes over HTTP say why."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from hyperpod_operator.runtime.http import HttpServer


class State:
    alive: str | None = None
    ready: str | None = None


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
async def server(state: State) -> AsyncIterator[HttpServer]:
    server = HttpServer(
        alive={"workers": lambda: state.alive, "loop": lambda: None},
        ready={"watch": lambda: state.ready},
        metrics=lambda: b"hyperpod_operator_leader 1.0\n",
        host="127.0.0.1",
        port=0,
    )
    await server.start()
    yield server
    await server.stop()


async def get(server: HttpServer, path: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}{path}") as answer:
        return answer.status, await answer.text(), answer.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_all_is_well(server: HttpServer, path: str) -> None:
    assert (await get(server, path))[:2] == (200, "ok\n")


async def test_what_a_restart_would_cure_fails_health_alone(server: HttpServer, state: State) -> None:
    state.alive = "1 of 4 workers have ended"
    assert (await get(server, "/healthz"))[:2] == (503, "workers: 1 of 4 workers have ended\n")
    assert (await get(server, "/readyz"))[0] == 200


async def test_what_only_waiting_cures_fails_readiness_alone(server: HttpServer, state: State) -> None:
    state.ready = "the first list is not done yet"
    assert (await get(server, "/readyz"))[:2] == (503, "watch: the first list is not done yet\n")
    assert (await get(server, "/healthz"))[0] == 200


async def test_metrics_are_prometheus_text(server: HttpServer) -> None:
    status, text, kind = await get(server, "/metrics")
    assert (status, text) == (200, "hyperpod_operator_leader 1.0\n")
    assert kind.startswith("text/plain; version=0.0.4")


async def test_a_port_that_is_taken_is_said_so(server: HttpServer) -> None:
    second = HttpServer(alive={}, ready={}, metrics=lambda: b"", host="127.0.0.1", port=server.port)
    with pytest.raises(OSError, match=str(server.port)):
        await second.start()
