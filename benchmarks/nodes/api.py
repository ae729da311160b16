"""The Nodes of one API server over plain HTTP: what the load writes and what the watcher sees.

Not the Kubernetes client: the load runs on the API server's core, so what it costs is taken from the server.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self

import aiohttp

from hyperpod_testbed.control_plane import ControlPlane

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
AT_ONCE = 32
LONGEST_LINE = 1 << 20


class Nodes:
    """Create, patch, delete, count and watch. `written` holds the resourceVersions that the load itself made."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._limit = asyncio.Semaphore(AT_ONCE)
        self.written: set[str] = set()
        self.patches = 0

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=str(self._plane.ca_path))
        pair = self._plane.admin_certificate
        context.load_cert_chain(pair.certificate, pair.key)
        self._session = aiohttp.ClientSession(
            self._plane.url,
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            read_bufsize=LONGEST_LINE,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def create(self, manifests: Iterable[dict[str, Any]]) -> None:
        async def one(manifest: dict[str, Any]) -> None:
            async with self._limit, self._session.post("/api/v1/nodes", json=manifest) as answer:
                self._note(await _good(answer))

        await asyncio.gather(*(one(manifest) for manifest in manifests))

    async def patch(self, name: str, body: Any, *, kind: str = MERGE, part: str = "") -> None:
        """One PATCH of a node, or of a part of it ("/status")."""
        url = f"/api/v1/nodes/{name}{part}"
        headers = {"Content-Type": kind}
        async with self._limit, self._session.patch(url, data=json.dumps(body), headers=headers) as answer:
            self.patches += 1
            self._note(await _good(answer))

    async def patch_all(self, names: Iterable[str], body: Any) -> None:
        await asyncio.gather(*(self.patch(name, body) for name in names))

    async def delete_all(self, names: Iterable[str]) -> None:
        async def one(name: str) -> None:
            async with self._limit, self._session.delete(f"/api/v1/nodes/{name}") as answer:
                await _good(answer)

        await asyncio.gather(*(one(name) for name in names))

    async def size(self, name: str) -> int:
        """Bytes of a node as the API server sends it."""
        async with self._session.get(f"/api/v1/nodes/{name}") as answer:
            return len(await answer.read())

    async def uid(self, name: str) -> str:
        """What the API server named a node by."""
        async with self._session.get(f"/api/v1/nodes/{name}") as answer:
            return str((await _good(answer))["metadata"]["uid"])

    async def version(self) -> str:
        """The resourceVersion of now, to watch from."""
        async with self._session.get("/api/v1/nodes?limit=1") as answer:
            return str((await _good(answer))["metadata"]["resourceVersion"])

    async def watch(self, version: str) -> AsyncIterator[dict[str, Any]]:
        """Events from a resourceVersion on, for as long as the server keeps the stream open."""
        url = f"/api/v1/nodes?watch=1&timeoutSeconds=3600&resourceVersion={version}"
        async with self._session.get(url) as answer:
            async for line in answer.content:
                yield json.loads(line)

    async def write_requests(self) -> int:
        """Requests that meant to write Nodes, by the server's own count: those that changed nothing are in it."""
        async with self._session.get("/metrics") as answer:
            text = await answer.text()
        total = 0.0
        for line in text.splitlines():
            if line.startswith("apiserver_request_total{") and 'resource="nodes"' in line:
                labels, _, value = line.rpartition(" ")
                if any(f'verb="{verb}"' in labels for verb in ("PATCH", "PUT", "POST", "APPLY", "DELETE")):
                    total += float(value)
        return round(total)

    def _note(self, node: dict[str, Any]) -> None:
        self.written.add(node["metadata"]["resourceVersion"])


async def _good(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    if answer.status >= 300:
        raise RuntimeError(f"{answer.method} {answer.url} answered {answer.status}: {(await answer.text())[:500]}")
    found: dict[str, Any] = await answer.json()
    return found
