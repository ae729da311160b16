"""Lists of the API server, of which one page at a time is held."""

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.client import JSON, ApiServer

ALL: Mapping[str, str] = MappingProxyType({})
"""The query of a list that leaves nothing out."""


async def items(
    api: ApiServer, path: str, *, chunk: int, query: Mapping[str, str] = ALL, accept: str = JSON
) -> AsyncIterator[Mapping[str, Any]]:
    """The objects of a list, read in pages of `chunk` ("Retrieving large results sets in chunks", kubernetes.io).

    `query` selects, `accept` asks for another form. Raises KubernetesError, with status 410 when the snapshot behind
    the next page is gone: what was handed on until then is not the whole. An answer without `items` is no empty list.
    """
    following: Mapping[str, str] = ALL
    while True:
        page = await api.get(path, query={**query, "limit": str(chunk), **following}, accept=accept)
        if "items" not in page:
            raise KubernetesError(
                status=200,
                message=f"GET {path} at {api.address}: the answer is no list. "
                "Check that nothing between the operator and the API server changes its answers.",
            )
        for item in page["items"] or ():
            yield item
        token = (page.get("metadata") or {}).get("continue") or ""
        if not token:
            return
        following = {"continue": token}
