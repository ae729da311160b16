"""Labels by which claims find nodes and pods find volumes: `core.volume.kubernetes.NodeLabels` on the real thing."""

from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import quote

from hyperpod_operator.core.ports import ObjectGone
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.stream import PATH

CHUNK = 500
PARTIAL_OBJECTS = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Metadata alone: a Node weighs about 11 KB ("Receiving resources as PartialObjectMetadata", kubernetes.io)."""


class KubeNodeLabels:
    """One key of one Node at a time, by merge-patch: a label is nobody else's, so no version need be tested."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    async def label(self, *, node_name: str, key: str, value: str) -> None:
        await self._api.merge_patch(_path(node_name), {"metadata": {"labels": {key: value}}})

    async def unlabel(self, *, node_name: str, key: str) -> None:
        try:
            await self._api.merge_patch(_path(node_name), {"metadata": {"labels": {key: None}}})
        except ObjectGone:
            return

    async def holders(self, *, key: str) -> frozenset[str]:
        return frozenset([name async for name, _ in self._every(selector=key)])

    async def labelled(self, *, prefixes: Sequence[str]) -> Mapping[str, frozenset[str]]:
        wanted = tuple(prefixes)
        return {
            name: keys
            async for name, labels in self._every()
            if (keys := frozenset(key for key in labels if key.startswith(wanted)))
        }

    async def _every(self, *, selector: str = "") -> AsyncIterator[tuple[str, Mapping[str, str]]]:
        """Names and labels of all Nodes, page by page; the API server leaves out the rest of them."""
        query = {"limit": str(CHUNK)} | ({"labelSelector": selector} if selector else {})
        token = ""
        while True:
            page = await self._api.get(
                PATH, query=query | ({"continue": token} if token else {}), accept=PARTIAL_OBJECTS
            )
            for item in page.get("items") or ():
                yield item["metadata"]["name"], item["metadata"].get("labels") or {}
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return

    async def selected(self, *, selector: Mapping[str, str]) -> frozenset[str]:
        wanted = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        found = await self._api.get(PATH, query={"labelSelector": wanted})
        return frozenset(item["metadata"]["name"] for item in found.get("items") or ())


def _path(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"
