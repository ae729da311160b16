"""Who uses a volume: pods, and the EBS CSI driver. `core.volume.kubernetes.Users` on the real thing.

The API server has no index of PersistentVolumes by volume id, so they are listed whole, once for all claims that
ask within a few seconds.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from hyperpod_operator.api.names import CSI_DRIVER
from hyperpod_operator.core.ports import Clock
from hyperpod_operator.kube.client import ApiServer

_VOLUMES = "/api/v1/persistentvolumes"
_ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
_FINISHED = frozenset({"Succeeded", "Failed"})
CHUNK = 500
OLD = 30.0
"""Seconds for which the lists of PersistentVolumes and VolumeAttachments serve claims on which nothing moves."""
RECENT = 2.0
"""The same for claims that are being worked on: hundreds that start together share a list, and EC2 itself refuses what
this would miss."""

Json = Mapping[str, Any]


class KubeUsers:
    """Belongs to one event loop."""

    def __init__(self, api: ApiServer, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._csi: dict[str, list[str]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def pods(self, *, namespace: str, claim_name: str) -> tuple[str, ...]:
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
        found = await self._list(path)
        return tuple(sorted(f"{namespace}/{pod['metadata']['name']}" for pod in found if _uses(pod, claim_name)))

    async def csi(self, *, volume_id: str, ours: str, fresh: bool) -> tuple[str, ...]:
        asked_at = self._clock.monotonic()
        async with self._reading:
            if self._read_at < asked_at - (RECENT if fresh else OLD):
                started = self._clock.monotonic()
                self._csi = await self._read_csi()
                self._read_at = started
        mine = f"PersistentVolume {ours}"
        return tuple(user for user in self._csi.get(volume_id, ()) if user != mine)

    async def _read_csi(self) -> dict[str, list[str]]:
        """Objects by volume id."""
        users: dict[str, list[str]] = defaultdict(list)
        handles: dict[str, str] = {}
        for volume in await self._list(_VOLUMES):
            csi = volume["spec"].get("csi") or {}
            if csi.get("driver") == CSI_DRIVER:
                name = volume["metadata"]["name"]
                handles[name] = str(csi.get("volumeHandle", ""))
                users[handles[name]].append(f"PersistentVolume {name}")
        for attachment in await self._list(_ATTACHMENTS):
            spec = attachment["spec"]
            handle = handles.get((spec.get("source") or {}).get("persistentVolumeName", ""))
            if spec.get("attacher") == CSI_DRIVER and handle:
                users[handle].append(f"VolumeAttachment {attachment['metadata']['name']}")
        return users

    async def _list(self, path: str) -> Iterable[Json]:
        found: list[Json] = []
        token = ""
        while True:
            query = {"limit": str(CHUNK)} | ({"continue": token} if token else {})
            page = await self._api.get(path, query=query)
            found += page.get("items") or ()
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return found


def _uses(pod: Json, claim_name: str) -> bool:
    spec = pod["spec"]
    if not spec.get("nodeName") or (pod.get("status") or {}).get("phase") in _FINISHED:
        return False
    claims = ((volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in spec.get("volumes") or ())
    return claim_name in claims
