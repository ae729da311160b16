"""Labels by which claims find nodes and pods find volumes: `core.volume.kubernetes.NodeLabels` on the real thing."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from hyperpod_operator.core.ports import ObjectGone
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.lists import ALL, items
from hyperpod_operator.kube.nodes.stream import OTHERS, PATH

CHUNK = 500
PARTIAL_OBJECTS = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Metadata alone: a Node weighs about 11 KB ("Receiving resources as PartialObjectMetadata", kubernetes.io)."""


class HeldNodes(Protocol):
    """The part of `kube.nodes.informer.NodeCache` that is needed here."""

    @property
    def holds_all(self) -> bool: ...

    def labels(self) -> Iterator[tuple[str, Mapping[str, str]]]: ...


class KubeNodeLabels:
    """One key of one Node at a time, by merge-patch: a label is nobody else's, so no version need be tested."""

    def __init__(self, api: ApiServer, *, held: HeldNodes) -> None:
        self._api = api
        self._held = held

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
        wanted, held = tuple(prefixes), self._held.holds_all
        found = _chosen(self._held.labels(), wanted) if held else {}
        # A hundred thousand Nodes are seconds of an API server's work, and HyperPod's are held already.
        async for name, labels in self._every(selector=OTHERS if held else ""):
            if keys := _under(wanted, labels):
                found[name] = keys
        return found

    async def _every(self, *, selector: str = "") -> AsyncIterator[tuple[str, Mapping[str, str]]]:
        """Names and labels of all Nodes, page by page; the API server leaves out the rest of them."""
        query = {"labelSelector": selector} if selector else ALL
        async for item in items(self._api, PATH, chunk=CHUNK, query=query, accept=PARTIAL_OBJECTS):
            yield item["metadata"]["name"], item["metadata"].get("labels") or {}

    async def selected(self, *, selector: Mapping[str, str]) -> frozenset[str]:
        wanted = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        return frozenset([name async for name, _ in self._every(selector=wanted)])


def _chosen(nodes: Iterable[tuple[str, Mapping[str, str]]], prefixes: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """The keys under these prefixes, by the Node's name. Nodes with equal labels share them: one look at each."""
    known: dict[int, frozenset[str]] = {}
    found: dict[str, frozenset[str]] = {}
    for name, labels in nodes:
        if (keys := known.get(id(labels))) is None:
            keys = known[id(labels)] = _under(prefixes, labels)
        if keys:
            found[name] = keys
    return found


def _under(prefixes: tuple[str, ...], labels: Iterable[str]) -> frozenset[str]:
    return frozenset(key for key in labels if key.startswith(prefixes))


def _path(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"
