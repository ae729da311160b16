"""Who uses a volume: pods, and the EBS CSI driver. `core.volume.kubernetes.Users` on the real thing.

The API server has no index of PersistentVolumes by volume id, and none of pods by the claims that they use, so they
are listed whole, once for all EBSVolumeClaims that ask at the same time.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from hyperpod_operator.api.names import CSI_DRIVER
from hyperpod_operator.core.ports import Clock
from hyperpod_operator.kube.client import ApiServer

_VOLUMES = "/api/v1/persistentvolumes"
_ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
_ON_A_NODE = {"fieldSelector": "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"}
"""Pods that may hold a volume. The API server leaves out the others: finished ones may be most of a namespace."""
CHUNK = 250
OLD = 30.0
"""Seconds for which lists serve claims on which nothing moves."""
RECENT = 2.0
"""The same of PersistentVolumes and VolumeAttachments for claims that are being worked on: hundreds that start together
share a list, and EC2 itself refuses what this would miss. Nobody refuses to detach a volume that a pod uses, so a list
of pods serves only those who asked before it began."""

Json = Mapping[str, Any]
NO_QUERY: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, kw_only=True)
class _Pods:
    """Pods of one namespace by the PersistentVolumeClaims that they use, as they were at `read_at`."""

    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    read_at: float = float("-inf")
    by_claim: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class KubeUsers:
    """Belongs to one event loop."""

    def __init__(self, api: ApiServer, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._csi: dict[str, list[str]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._pods = dict[str, _Pods]()

    async def pods(self, *, namespace: str, claim_name: str, fresh: bool) -> tuple[str, ...]:
        asked_at = self._clock.monotonic()
        self._drop_old(asked_at)
        held = self._pods.setdefault(namespace, _Pods())
        async with held.reading:
            if held.read_at < asked_at - (0.0 if fresh else OLD):
                started = self._clock.monotonic()
                path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
                held.by_claim = await _by_claim(namespace, self._each(path, query=_ON_A_NODE))
                held.read_at = started
            return held.by_claim.get(claim_name, ())

    def _drop_old(self, now: float) -> None:
        for namespace in [name for name, held in self._pods.items() if _is_old(held, now)]:
            del self._pods[namespace]

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
        async for volume in self._each(_VOLUMES):
            csi = volume["spec"].get("csi") or {}
            if csi.get("driver") == CSI_DRIVER:
                name = volume["metadata"]["name"]
                handles[name] = str(csi.get("volumeHandle", ""))
                users[handles[name]].append(f"PersistentVolume {name}")
        async for attachment in self._each(_ATTACHMENTS):
            spec = attachment["spec"]
            handle = handles.get((spec.get("source") or {}).get("persistentVolumeName", ""))
            if spec.get("attacher") == CSI_DRIVER and handle:
                users[handle].append(f"VolumeAttachment {attachment['metadata']['name']}")
        return users

    async def _each(self, path: str, *, query: Mapping[str, str] = NO_QUERY) -> AsyncIterator[Json]:
        """The objects of a list, of which one page at a time is held: whole pods weigh more than this process."""
        token = ""
        while True:
            asked = {**query, "limit": str(CHUNK), **({"continue": token} if token else {})}
            page = await self._api.get(path, query=asked)
            for item in page.get("items") or ():
                yield item
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return


def _is_old(held: _Pods, now: float) -> bool:
    return held.read_at < now - OLD and not held.reading.locked()


async def _by_claim(namespace: str, pods: AsyncIterator[Json]) -> Mapping[str, tuple[str, ...]]:
    """namespace/name of these pods by the claims that they use."""
    found: dict[str, set[str]] = defaultdict(set)
    async for pod in pods:
        for volume in pod["spec"].get("volumes") or ():
            if claim_name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                found[claim_name].add(f"{namespace}/{pod['metadata']['name']}")
    return {claim_name: tuple(sorted(names)) for claim_name, names in found.items()}
