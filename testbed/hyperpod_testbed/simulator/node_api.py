"""Nodes of one API server, as plain JSON.

The client library's models would cost more than the calls: thousands of nodes are written and watched here.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from kubernetes.aio import client, config

from hyperpod_testbed.simulator.node_objects import COMPUTE_TYPE
from hyperpod_testbed.simulator.state import JSON

PAGE = 500
CONCURRENCY = 32
"""Calls at a time: enough to keep an API server on two cores busy."""
ANSWER_SECONDS = 30.0
GOODBYE_SECONDS = 0.1
WATCH_SECONDS = 300
"""How long the server keeps a watch before it is begun anew."""
_PATH = "/api/v1/nodes"
_METADATA = "application/json;as=PartialObjectMetadata{kind};g=meta.k8s.io;v=v1"
NOT_FOUND, CONFLICT, GONE = 404, 409, 410


class NodeApiError(Exception):
    """The API server refused; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status


class NodeApi:
    """Create, read, patch, delete, list and watch. Lists and watches have metadata only."""

    def __init__(self, api_client: Any) -> None:
        self._client = api_client

    @classmethod
    async def connect(cls, kubeconfig: str) -> "NodeApi":
        """Read the kubeconfig; no call is made yet."""
        configuration = client.Configuration()
        configuration.connection_pool_maxsize = CONCURRENCY + 2
        load: Any = config.load_kube_config  # it has no annotations
        await load(config_file=kubeconfig, client_configuration=configuration, persist_config=False)
        return cls(client.ApiClient(configuration))

    async def close(self) -> None:
        """Close the connections; calls that were cut off get a moment to say goodbye, which nobody can await."""
        await self._client.close()
        await asyncio.sleep(GOODBYE_SECONDS)

    async def create(self, manifest: JSON) -> JSON:
        return await self._call("POST", _PATH, body=manifest)

    async def read(self, name: str) -> JSON:
        return await self._call("GET", f"{_PATH}/{name}")

    async def merge(self, name: str, patch: JSON) -> JSON:
        """Merge patch; a `metadata.resourceVersion` in it makes it conditional."""
        return await self._call("PATCH", f"{_PATH}/{name}", body=patch, content="application/merge-patch+json")

    async def set_status(self, name: str, status: JSON) -> JSON:
        """Strategic merge patch: conditions merge by type, so those of others stay."""
        content = "application/strategic-merge-patch+json"
        return await self._call("PATCH", f"{_PATH}/{name}/status", body={"status": status}, content=content)

    async def delete(self, name: str) -> None:
        await self._call("DELETE", f"{_PATH}/{name}")

    async def find_all(self) -> tuple[list[JSON], str]:
        """Metadata of all HyperPod nodes, and the version to watch from."""
        found: list[JSON] = []
        token = ""
        while True:
            query = {"labelSelector": f"{COMPUTE_TYPE}=hyperpod", "limit": str(PAGE)}
            if token:
                query["continue"] = token
            page = await self._call("GET", _PATH, query=query, accept=_METADATA.format(kind="List"))
            found += [item["metadata"] for item in page["items"] or ()]
            token = page["metadata"].get("continue") or ""
            if not token:
                return found, page["metadata"]["resourceVersion"]

    async def watch(self, version: str) -> AsyncIterator[tuple[str, JSON]]:
        """Type and metadata of each event after a version, until the server ends the watch."""
        query = {
            "labelSelector": f"{COMPUTE_TYPE}=hyperpod",
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        # No bytes come while nothing happens: only connecting has a limit of its own.
        limits = aiohttp.ClientTimeout(total=WATCH_SECONDS + ANSWER_SECONDS, sock_connect=ANSWER_SECONDS)
        answer = await self._send("GET", _PATH, query=query, accept=_METADATA.format(kind=""), limits=limits)
        try:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise NodeApiError(event["object"].get("code") or 500, str(event["object"].get("message")))
                yield event["type"], event["object"]["metadata"]
        finally:
            if answer.connection and answer.connection.transport:
                # The stream never ends by itself, and a goodbye would outlive the loop.
                answer.connection.transport.abort()
            answer.close()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: JSON | None = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> JSON:
        limits = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        answer = await self._send(method, path, query=query, body=body, content=content, accept=accept, limits=limits)
        found: JSON = json.loads(await answer.read())
        return found

    async def _send(
        self,
        method: str,
        path: str,
        *,
        limits: aiohttp.ClientTimeout,
        query: dict[str, str] | None = None,
        body: JSON | None = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> aiohttp.ClientResponse:
        # `param_serialize` adds a token if the kubeconfig has one; certificates are part of the pool.
        _, url, headers, sent, _ = await self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": accept, "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        wrapped = await self._client.call_api(method, url, headers, sent, _request_timeout=limits)
        answer: aiohttp.ClientResponse = wrapped.response
        if answer.status >= 300:
            raise NodeApiError(answer.status, (await answer.text())[:500])
        return answer
