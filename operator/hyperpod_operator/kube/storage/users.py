"""Who uses a volume: pods, and the EBS CSI driver. `core.volume.kubernetes.Users` on the real thing.

The API server has no index of PersistentVolumes by volume id, and none of pods by the claims that they use, so they
are listed whole, once for all EBSVolumeClaims that ask at the same time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from hyperpod_operator.api.names import CSI_DRIVER
from hyperpod_operator.core.moments import seconds_since
from hyperpod_operator.core.ports import Clock
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.lists import items
from hyperpod_operator.kube.shared_read import SharedRead

_VOLUMES = "/api/v1/persistentvolumes"
_ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
_BOUND = {"fieldSelector": "spec.nodeName!="}
"""Pods that may hold a volume: those on a node."""
_UNFINISHED = {"fieldSelector": "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"}
"""The same without finished pods, which may be most of a namespace."""
_FINISHED = frozenset({"Succeeded", "Failed"})
UNMOUNTING = 120.0
"""Seconds after its last container for which a finished pod still counts: kubelet reports the phase first and then
unmounts, which takes as long as what the node has not written out yet."""
CHUNK = 250
OLD = 30.0
"""Seconds for which lists serve claims on which nothing moves."""
RECENT = 2.0
"""The same of PersistentVolumes and VolumeAttachments for claims that are being worked on: hundreds that start together
share a list, and EC2 itself refuses what this would miss. Nobody refuses to detach a volume that a pod uses, so a list
of pods serves only those who asked before it began."""


class KubeUsers:
    """Belongs to one event loop."""

    def __init__(self, api: ApiServer, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._csi = SharedRead(self._read_csi, monotonic=clock.monotonic)
        self._pods: dict[tuple[str, bool], SharedRead[Mapping[str, tuple[str, ...]]]] = {}
        """By namespace, and whether finished pods are in it: pods by the PersistentVolumeClaims that they use."""

    async def pods(self, *, namespace: str, claim_name: str, fresh: bool) -> tuple[str, ...]:
        self._pods = {name: held for name, held in self._pods.items() if not held.is_older_than(OLD)}
        if (namespace, fresh) not in self._pods:
            read = partial(self._read_pods, namespace, _BOUND if fresh else _UNFINISHED)
            self._pods[namespace, fresh] = SharedRead(read, monotonic=self._clock.monotonic)
        found = await self._pods[namespace, fresh].get(age=0.0 if fresh else OLD)
        return found.get(claim_name, ())

    async def csi(self, *, volume_id: str, ours: str, fresh: bool) -> tuple[str, ...]:
        found = await self._csi.get(age=RECENT if fresh else OLD)
        mine = f"PersistentVolume {ours}"
        return tuple(user for user in found.get(volume_id, ()) if user != mine)

    async def _read_pods(self, namespace: str, query: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
        """namespace/name of the pods by claim."""
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
        found: dict[str, set[str]] = defaultdict(set)
        async for pod in items(self._api, path, chunk=CHUNK, query=query):
            if _may_hold_volumes(pod, now=self._clock.now()):
                for claim_name in _claim_names(pod):
                    found[claim_name].add(f"{namespace}/{pod['metadata']['name']}")
        return {claim_name: tuple(sorted(names)) for claim_name, names in found.items()}

    async def _read_csi(self) -> Mapping[str, Sequence[str]]:
        """Objects by volume id."""
        users: dict[str, list[str]] = defaultdict(list)
        handles: dict[str, str] = {}
        async for volume in items(self._api, _VOLUMES, chunk=CHUNK):
            name = volume["metadata"]["name"]
            if handle := _handle(volume["spec"]):
                handles[name] = handle
                users[handle].append(f"PersistentVolume {name}")
        async for attachment in items(self._api, _ATTACHMENTS, chunk=CHUNK):
            spec, source = attachment["spec"], attachment["spec"].get("source") or {}
            handle = handles.get(source.get("persistentVolumeName") or "") or _handle(source.get("inlineVolumeSpec"))
            if spec.get("attacher") == CSI_DRIVER and handle:
                users[handle].append(f"VolumeAttachment {attachment['metadata']['name']}")
        return users


def _handle(spec: Mapping[str, Any] | None) -> str:
    """The EBS volume of a PersistentVolume's spec; empty for another driver's. Those of the former in-tree plugin are
    the driver's, too; they name the volume as aws://ZONE/VOLUME, or alone.

    Source: kubernetes, csi-translation-lib, plugins/aws_ebs.go, TranslateInTreePVToCSI and
    KubernetesVolumeIDToEBSVolumeID.
    """
    csi, in_tree = ((spec or {}).get(name) or {} for name in ("csi", "awsElasticBlockStore"))
    named = csi.get("volumeHandle") if csi.get("driver") == CSI_DRIVER else in_tree.get("volumeID")
    return str(named or "").rpartition("/")[2]


def _claim_names(pod: Mapping[str, Any]) -> Iterator[str]:
    """The PersistentVolumeClaims of a pod, those that Kubernetes makes for it included ("Generic ephemeral volumes":
    named by the pod and the volume)."""
    for volume in pod["spec"].get("volumes") or ():
        if claim_name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            yield claim_name
        elif volume.get("ephemeral") is not None:
            yield f"{pod['metadata']['name']}-{volume['name']}"


def _may_hold_volumes(pod: Mapping[str, Any], *, now: datetime) -> bool:
    """Whether its volumes may be mounted. kubelet unmounts those of a pod that finished, and removes one that is being
    deleted when it is done ("Pod Lifecycle", kubernetes.io)."""
    status = pod.get("status") or {}
    if status.get("phase") not in _FINISHED or "deletionTimestamp" in pod["metadata"]:
        return True
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    ends = [((one.get("state") or {}).get("terminated") or {}).get("finishedAt") for one in containers]
    return any(seconds_since(end, now=now) < UNMOUNTING for end in ends)
