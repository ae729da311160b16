"""Probes over HTTP say why."""

import socket
import threading

import pytest
from tests.unit.runtime.http.conftest import Serve, get

from hyperpod_operator.runtime.http.probes import Probes
from hyperpod_operator.runtime.http.server import HttpServer


class State:
    alive: str | None = None
    ready: str | None = None
    loop: str | None = None


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
async def server(state: State, serve: Serve) -> HttpServer:
    probes = Probes(
        loop=lambda: state.loop,
        alive={"workers": lambda: state.alive, "watch": lambda: None},
        ready={"lists": lambda: state.ready},
    )
    return serve(probes.answer)


async def said(server: HttpServer, path: str) -> tuple[int, str]:
    status, _, body = await get(server, path)
    return status, body


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_all_is_well(server: HttpServer, path: str) -> None:
    assert await said(server, path) == (200, "ok\n")


async def test_what_a_restart_would_cure_fails_health_alone(server: HttpServer, state: State) -> None:
    state.alive = "1 of 4 workers have ended"
    assert await said(server, "/healthz") == (503, "workers: 1 of 4 workers have ended\n")
    assert (await said(server, "/readyz"))[0] == 200


async def test_what_only_waiting_cures_fails_readiness_alone(server: HttpServer, state: State) -> None:
    state.ready = "the first list is not done yet"
    assert await said(server, "/readyz") == (503, "lists: the first list is not done yet\n")
    assert (await said(server, "/healthz"))[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_loop_that_is_stuck_fails_both(server: HttpServer, state: State, path: str) -> None:
    state.loop = "the event loop was blocked for 12 s"
    assert await said(server, path) == (503, "loop: the event loop was blocked for 12 s\n")


async def test_another_page_is_not_found(server: HttpServer) -> None:
    assert (await said(server, "/metrics"))[0] == 404


@pytest.mark.parametrize(("path", "status"), [("/healthz", b"200"), ("/readyz", b"503")])
async def test_a_main_loop_that_never_answered_is_not_ready_yet(server: HttpServer, path: str, status: bytes) -> None:
    assert blocked(server, path).split()[1] == status


async def test_a_main_loop_that_is_busy_for_a_moment_changes_nothing(server: HttpServer) -> None:
    assert (await said(server, "/readyz"))[0] == 200
    assert blocked(server, "/readyz").split()[1] == b"200"


def blocked(server: HttpServer, path: str) -> bytes:
    """What a probe is answered while the main loop, this one, is blocked by waiting for it."""
    answers = []

    def ask() -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            answers.append(client.recv(1000))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return answers[0]
