"""Labels by which claims find nodes and pods find volumes: `core.volume.kubernetes.NodeLabels` on the real thing."""

from collections.abc import Mapping
from urllib.parse import quote

from hyperpod_operator.core.ports import ObjectGone
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.node_stream import PATH


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

    async def selected(self, *, selector: Mapping[str, str]) -> frozenset[str]:
        wanted = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        found = await self._api.get(PATH, query={"labelSelector": wanted})
        return frozenset(item["metadata"]["name"] for item in found.get("items") or ())


def _path(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"
