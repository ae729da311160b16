"""The connections to the API server, and the one place where transport failures get their names.

Calls are raw JSON over `kubernetes.aio`: our resources have no typed models, and decoding into generated
classes would cost more than the calls themselves. Nothing is retried here: the queue and the event recorder
know when to come again, and hidden retries would only lengthen a pass.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, Self
from urllib.parse import quote

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.exceptions import OpenApiException
from kubernetes.aio.config import ConfigException

from hyperpod_operator import __version__
from hyperpod_operator.api.names import API_VERSION
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.kube import answers
from hyperpod_operator.kube import configuration as configurations
from hyperpod_operator.kube.configuration import Credentials
from hyperpod_operator.kube.watch.response_stream import ResponseStream
from hyperpod_operator.kube.wire import Wire

REQUEST_TIMEOUT = 10.0
"""Seconds for one call, connection included; longer than any healthy answer, shorter than people's patience."""
CONNECT_TIMEOUT = 5.0
CALLS_AT_ONCE = 20
"""More calls wait for one of these to end. Watches do not count: each holds its connection for minutes, and a drain of
many nodes runs one for each node; counted together, they would leave no call a connection."""
GOODBYE = 0.25
"""Seconds that the connection of a call that was given up gets to end TLS ("Graceful Shutdown", docs.aiohttp.org)."""

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


_NO_ANSWER = (
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    OpenApiException,
    ConfigException,  # the token file could not be read again
)

_STATUSES: Mapping[type[Exception], int] = {ObjectGone: 404, StaleObject: 409}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it came: the HTTP status (0 without one), the server's message about it, and `Warning` headers."""

    status: int
    message: str = ""
    warnings: tuple[str, ...] = ()


class OnWrite(Protocol):
    """Told about every write that ended; `code` is OK or the HTTP status, 0 without an answer."""

    def __call__(self, *, method: str, path: str, code: str, seconds: float) -> None: ...


class ApiServer:
    """The API server, as calls with JSON in and JSON out.

    Every method that talks to it raises, from `core.ports`: ObjectGone (404 for an object), StaleObject (409)
    or KubernetesError (everything else; `status` 0 when no answer came).
    """

    def __init__(self, configuration: Any) -> None:
        configuration.connection_pool_maxsize = 0  # no limit of aiohttp's: what waits there counts as a timeout
        self._wire = Wire()
        configuration.trace_configs = [self._wire.trace]
        self._configuration = configuration
        self._client: Any = ApiClient(configuration=configuration)
        self._guard: Callable[[], None] = lambda: None
        self._on_write: OnWrite = lambda **_: None
        self._client.user_agent = f"hyperpod-operator/{__version__}"
        self._timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, connect=CONNECT_TIMEOUT)
        self._given_up = -math.inf
        self._places = asyncio.Semaphore(CALLS_AT_ONCE)

    @classmethod
    async def connect(cls, *, kubeconfig: str | None = None, context: str | None = None) -> Self:
        """Load the configuration (`configuration.load`); no call is made yet."""
        configuration = await configurations.load(kubeconfig=kubeconfig, context=context)
        try:
            return cls(configuration)
        except (OSError, ValueError) as error:
            raise KubernetesError(
                status=0,
                message=f"The certificates for {configuration.host} cannot be used: {error}. "
                "Check the certificate files that the kubeconfig or the service account names.",
            ) from error

    @property
    def address(self) -> str:
        """The server's URL."""
        return str(self._configuration.host)

    async def credentials(self) -> Credentials:
        """How to reach this server, read afresh, for Kopf's own connections."""
        try:
            return await configurations.credentials(self._configuration)
        except _NO_ANSWER as error:
            raise KubernetesError(
                status=0, message=f"The credentials for {self.address} cannot be read: {answers.short(error)}."
            ) from error

    def guard_writes(self, guard: Callable[[], None]) -> None:
        """Call `guard` right before each write leaves from now on (`Wire.asking`); it raises to stop it."""
        self._guard = guard

    def watch_writes(self, on_write: OnWrite) -> None:
        """Tell `on_write` about each write from now on, in the context of whoever wrote."""
        self._on_write = on_write

    async def close(self) -> None:
        """Close the connection pool; call once, at the end."""
        await self._client.close()
        # aiohttp no longer knows the connection of a call that was given up: an event loop that ended before it
        # would leave its socket open.
        await asyncio.sleep(max(0.0, self._given_up + GOODBYE - time.monotonic()))

    @contextmanager
    def _noting_when_given_up(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._given_up = time.monotonic()
            raise

    async def get(
        self, path: str, *, query: Mapping[str, str] | None = None, accept: str = JSON, waits: bool = True
    ) -> dict[str, Any]:
        """`accept` asks for another form of the answer, still JSON; without `waits` no other call delays it."""
        return await self._call("GET", path, query=query, accept=accept, waits=waits)

    async def create(self, path: str, body: Mapping[str, Any], *, leader_only: bool = True) -> dict[str, Any]:
        return await self._call("POST", path, body=body, content_type=JSON, leader_only=leader_only)

    async def replace(self, path: str, body: Mapping[str, Any], *, leader_only: bool = True) -> dict[str, Any]:
        """PUT; the body's `metadata.resourceVersion` makes it conditional."""
        return await self._call("PUT", path, body=body, content_type=JSON, leader_only=leader_only)

    async def merge_patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """RFC 7386; a `metadata.resourceVersion` in the body makes it conditional."""
        return await self._call("PATCH", path, body=body, content_type=MERGE_PATCH)

    async def strategic_patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Merges lists by their keys; kinds of Kubernetes only. A `metadata.uid` in the body holds it to one object."""
        return await self._call("PATCH", path, body=body, content_type=STRATEGIC_PATCH)

    async def json_patch(
        self, path: str, operations: Sequence[Mapping[str, Any]], *, accept: str = JSON
    ) -> dict[str, Any]:
        """RFC 6902. The body must be a list: the client rewrites the content type of anything else."""
        return await self._call("PATCH", path, body=list(operations), content_type=JSON_PATCH, accept=accept)

    async def delete(self, path: str, *, uid: str) -> dict[str, Any]:
        """DELETE of the object that has this uid; another one of its name is StaleObject."""
        return await self._call("DELETE", path, body={"preconditions": {"uid": uid}}, content_type=JSON)

    async def ask(self, method: str, path: str, body: Mapping[str, Any], *, query: Mapping[str, str]) -> Reply:
        """A dry run, which stores nothing, and whatever is answered to it. Raises nothing."""
        asked = {**query, "dryRun": "All"}
        try:
            answer, content = await self._exchange(method, path, query=asked, body=body, content_type=JSON)
        except KubernetesError as error:
            return Reply(status=0, message=str(error))
        words = answers.said(content) if answer.status >= 300 else ""
        return Reply(status=answer.status, message=words, warnings=tuple(answer.response.headers.getall("Warning", ())))

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str] | None = None, accept: str = JSON
    ) -> AsyncIterator[ResponseStream]:
        """GET an answer that is long or has no end, to be read while it arrives.

        Whatever breaks it off leaves the `async with` as KubernetesError. Only connecting is limited in time: how
        much silence is bearable the caller knows.
        """
        what = f"GET {path}"
        answer: Any = None
        try:
            _, url, headers, _, _ = await self._client.param_serialize(
                "GET",
                path,
                query_params=list((query or {}).items()),
                # Compressed, a list costs the server more time than it saves on the wire, and us a third more CPU.
                header_params={"Accept": accept, "Accept-Encoding": "identity"},
                auth_settings=["BearerToken"],
            )
            timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT)
            with self._noting_when_given_up():
                answer = (await self._client.call_api("GET", url, headers, _request_timeout=timeout)).response
            if answer.status != 200:
                content = await answer.read()
                raise answers.refusal(what, status=answer.status, content=content)
            yield ResponseStream(answer)
        except _NO_ANSWER as error:
            raise answers.unanswered(f"{what} at {self.address}: no answer, or not to its end", error) from error
        finally:
            if answer is not None:
                if answer.connection is not None and answer.connection.transport is not None:
                    # Not read to its end: TLS would wait for a goodbye from a server that may be dead.
                    answer.connection.transport.abort()
                answer.close()

    async def _call(
        self, method: str, path: str, *, leader_only: bool = True, waits: bool = True, **parts: Any
    ) -> dict[str, Any]:
        # The Lease is read and renewed whatever else waits.
        if method == "GET":
            async with self._places if waits else nullcontext():
                return await self._send(method, path, **parts)
        if not leader_only:
            return await self._write(method, path, **parts)
        async with self._places:
            with self._wire.asking(self._guard):
                return await self._write(method, path, **parts)

    async def _write(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        started, code = time.monotonic(), "0"
        try:
            answer = await self._send(method, path, **parts)
            code = "OK"
            return answer
        except (KubernetesError, ObjectGone, StaleObject) as error:
            code = str(error.status if isinstance(error, KubernetesError) else _STATUSES[type(error)])
            raise
        finally:
            self._on_write(method=method, path=path, code=code, seconds=time.monotonic() - started)

    async def _send(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        what = f"{method} {path}"
        answer, content = await self._exchange(method, path, **parts)
        decoded = answers.decoded(content)
        if 200 <= answer.status < 300:
            if decoded is None:
                raise KubernetesError(
                    status=answer.status,
                    message=f"{what} at {self.address}: the answer is not JSON. "
                    "Check that this address is an API server and not a proxy's page.",
                )
            return decoded
        raise answers.refusal(what, status=answer.status, content=content)

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "",
        accept: str = JSON,
    ) -> tuple[Any, bytes]:
        """The answer, whatever it is, and its content. Raises KubernetesError (status 0) when none comes."""
        headers = {"Accept": accept}
        if content_type:
            headers["Content-Type"] = content_type
        try:
            # `param_serialize` adds the bearer token; client certificates are part of the pool. It does not get the
            # body, which is JSON already: it would walk through all of it.
            _, url, headers, _, _ = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=headers,
                auth_settings=["BearerToken"],
            )
            with self._noting_when_given_up():
                answer = await self._client.call_api(method, url, headers, body, _request_timeout=self._timeout)
                return answer, await answer.read()
        except _NO_ANSWER as error:
            raise answers.unanswered(f"{method} {path} at {self.address}: no answer", error) from error


def collection_path(plural: str, *, namespace: str | None, group_version: str = API_VERSION) -> str:
    """The path of all objects of a kind, in one namespace or (None) everywhere."""
    where = f"/namespaces/{quote(namespace, safe='')}" if namespace is not None else ""
    return f"/apis/{group_version}{where}/{plural}"


def object_path(plural: str, *, namespace: str, name: str, group_version: str = API_VERSION) -> str:
    """The path of one object."""
    return f"{collection_path(plural, namespace=namespace, group_version=group_version)}/{quote(name, safe='')}"
