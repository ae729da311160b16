"""Who uses a volume: pods, and the EBS CSI driver. `core.volume.kubernetes.Users` on the real thing.

The API server has no index of PersistentVolumes by volume id, and none of pods by the claims that they use, so they
are listed whole, once for all EBSVolumeClaims that ask at the same time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar
from urllib.parse import quote

from hyperpod_operator.api.names import CSI_DRIVER
from hyperpod_operator.core.ports import Clock
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.lists import items

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

ValueT = TypeVar("ValueT")
"""What a list tells."""


class _Shared(Generic[ValueT]):
    """A list that serves all who ask while it is young enough for them."""

    def __init__(self, read: Callable[[], Awaitable[ValueT]], *, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._reading = asyncio.Lock()
        self._began = float("-inf")
        self._value: ValueT | None = None

    async def get(self, *, age: float) -> ValueT:
        """What a list tells that began at most `age` seconds before this question; with 0, after it."""
        asked_at = self._clock.monotonic()
        async with self._reading:
            if self._value is None or self._began < asked_at - age:
                began = self._clock.monotonic()
                self._value = await self._read()
                self._began = began
            return self._value

    @property
    def is_old(self) -> bool:
        """Whether it serves nobody any more."""
        return self._began < self._clock.monotonic() - OLD and not self._reading.locked()


class KubeUsers:
    """Belongs to one event loop."""

    def __init__(self, api: ApiServer, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._csi = _Shared(self._read_csi, clock=clock)
        self._pods: dict[str, _Shared[Mapping[str, tuple[str, ...]]]] = {}
        """Of each namespace, by the PersistentVolumeClaims that they use."""

    async def pods(self, *, namespace: str, claim_name: str, fresh: bool) -> tuple[str, ...]:
        self._pods = {name: held for name, held in self._pods.items() if not held.is_old}
        if namespace not in self._pods:
            self._pods[namespace] = _Shared(partial(self._read_pods, namespace), clock=self._clock)
        found = await self._pods[namespace].get(age=0.0 if fresh else OLD)
        return found.get(claim_name, ())

    async def csi(self, *, volume_id: str, ours: str, fresh: bool) -> tuple[str, ...]:
        found = await self._csi.get(age=RECENT if fresh else OLD)
        mine = f"PersistentVolume {ours}"
        return tuple(user for user in found.get(volume_id, ()) if user != mine)

    async def _read_pods(self, namespace: str) -> Mapping[str, tuple[str, ...]]:
        """namespace/name of the pods by claim."""
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
        found: dict[str, set[str]] = defaultdict(set)
        async for pod in items(self._api, path, chunk=CHUNK, query=_ON_A_NODE):
            for volume in pod["spec"].get("volumes") or ():
                if claim_name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                    found[claim_name].add(f"{namespace}/{pod['metadata']['name']}")
        return {claim_name: tuple(sorted(names)) for claim_name, names in found.items()}

    async def _read_csi(self) -> Mapping[str, Sequence[str]]:
        """Objects by volume id."""
        users: dict[str, list[str]] = defaultdict(list)
        handles: dict[str, str] = {}
        async for volume in items(self._api, _VOLUMES, chunk=CHUNK):
            csi = volume["spec"].get("csi") or {}
            if csi.get("driver") == CSI_DRIVER:
                name = volume["metadata"]["name"]
                handles[name] = str(csi.get("volumeHandle", ""))
                users[handles[name]].append(f"PersistentVolume {name}")
        async for attachment in items(self._api, _ATTACHMENTS, chunk=CHUNK):
            spec = attachment["spec"]
            handle = handles.get((spec.get("source") or {}).get("persistentVolumeName", ""))
            if spec.get("attacher") == CSI_DRIVER and handle:
                users[handle].append(f"VolumeAttachment {attachment['metadata']['name']}")
        return users
