"""The pages of a list, each asked for while the one before it still arrives.

What an API server takes to prepare a page then passes while the former one is received and decoded. It says how to go
on in front of the objects; where it does not, the next page waits for the whole of this one.

Sources: "Retrieving large results sets in chunks", kubernetes.io; the order of the members is that of `metav1.ListMeta`
and of the types of lists, which the API server's encoder keeps.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hyperpod_operator.core.ports import KubernetesError

SIZE = 250
"""Objects; as many Nodes are about 3 MB."""
SECONDS = 30.0
"""How long one page may take."""
HEAD = 16_384
"""Bytes in which a page says how to go on."""

_CONTINUE = re.compile(rb'\{"kind":"\w+","apiVersion":"[\w./]+","metadata":\{[^{}]*"continue":"([\w=-]+)"')


class Answer(Protocol):
    """The part of `kube.watch.response_stream.ResponseStream` that is needed here."""

    async def read(self) -> bytes: ...


class Lists(Protocol):
    """The part of `kube.client.ApiServer` that is needed here."""

    def stream(self, path: str, *, query: Mapping[str, str]) -> AbstractAsyncContextManager[Answer]: ...


class Reading:
    """One page on its way, from the moment that this is made; `end` it whatever happens."""

    def __init__(self, api: Lists, *, path: str, query: Mapping[str, str], noun: str, token: str = "") -> None:
        self.token = token
        self._api, self._path, self._noun = api, path, noun
        self._query = {**query, "limit": str(SIZE), **({"continue": token} if token else {})}
        self._following = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._read())

    async def following(self) -> str:
        """The token of the next page, as soon as this one says it. Empty if there is none, or it is not said in front:
        then only the whole page tells."""
        token: str = await self._following
        return token

    async def content(self) -> bytearray:
        """All of it. Raises KubernetesError."""
        return await self._task

    async def end(self) -> None:
        """Give up what is not read."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> bytearray:
        content = bytearray()
        try:
            async with asyncio.timeout(SECONDS), self._api.stream(self._path, query=self._query) as answer:
                while part := await answer.read():
                    content += part
                    self._look(content)
        except TimeoutError:
            raise KubernetesError(
                status=0,
                message=f"{SIZE} {self._noun} could not be read within {SECONDS:g} s. "
                "Check the load of the API server and the network between.",
            ) from None
        finally:
            self._say("")
        return content

    def _look(self, content: bytearray) -> None:
        if self._following.done():
            return
        if found := _CONTINUE.match(content, 0, HEAD):
            self._say(found[1].decode())
        elif len(content) >= HEAD:
            self._say("")

    def _say(self, token: str) -> None:
        if not self._following.done():
            self._following.set_result(token)
