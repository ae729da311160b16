"""An API server made of aiohttp that answers what a test tells it, and a client of ours for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from aiohttp import web

from hyperpod_operator.core.ports import Key, StoredObject
from hyperpod_operator.kube.client import ApiServer


@dataclass
class Request:
    """What the client sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    """Case does not matter."""
    body: Any


@dataclass
class FakeServer:
    """Answers with `answers` in turn, then with `default`. Not a model of Kubernetes: those tests use the real one."""

    url: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    default: tuple[int, Any] = (200, {})
    delay: float = 0.0
    requests: list[Request] = field(default_factory=list)
    most_at_once: int = 0
    _under_way: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            return await self._answer(request)
        finally:
            self._under_way -= 1

    async def until_arrived(self, count: int) -> None:
        """Return when so many requests have come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)

    async def endless(self, request: web.Request) -> web.StreamResponse:
        """A watch that says nothing, until the client ends it."""
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.Event().wait()
        return response

    async def _answer(self, request: web.Request) -> web.Response:
        text = await request.text()
        self.requests.append(
            Request(
                request.method, request.path, dict(request.query), request.headers.copy(), json.loads(text or "null")
            )
        )
        async with self._arrived:
            self._arrived.notify_all()
        await asyncio.sleep(self.delay)
        status, body = self.answers.pop(0) if self.answers else self.default
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    fake = FakeServer()
    app = web.Application()
    app.router.add_route("GET", "/endless/{path:.*}", fake.endless)
    app.router.add_route("*", "/{path:.*}", fake.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
def kubeconfig(server: FakeServer, tmp_path: Any) -> str:
    """A kubeconfig with a token for the fake server."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "fake", "user": "me"}}],
                "clusters": [{"name": "fake", "cluster": {"server": server.url}}],
                "users": [{"name": "me", "user": {"token": "secret-token"}}],
            }
        )
    )
    return str(path)


@pytest.fixture
async def api(kubeconfig: str) -> AsyncIterator[ApiServer]:
    api = await ApiServer.connect(kubeconfig=kubeconfig)
    yield api
    await api.close()


class ManualClock:
    """Time that the test turns."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(1_700_000_000 + self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_stored() -> Callable[..., StoredObject]:
    def make(name: str = "blue", **parts: Any) -> StoredObject:
        known: dict[str, Any] = {
            "key": Key("team", name),
            "uid": f"uid-{name}",
            "resource_version": "7",
            "generation": 1,
            "deleting": False,
            "finalizers": (),
            "annotations": {},
            "body": {"apiVersion": "hyperpod-operator.dev/v1alpha1", "kind": "HyperPodCluster"},
        }
        return StoredObject(**(known | parts))

    return make
