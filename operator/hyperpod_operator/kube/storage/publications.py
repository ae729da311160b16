"""PersistentVolumes and PersistentVolumeClaims of claims: `core.volume.kubernetes.Publications` on the real thing.

Deletions carry the uid as a precondition: one that somebody made anew under the same name is never hit.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hyperpod_operator.api.names import CSI_DRIVER, LABEL_CLAIM_UID
from hyperpod_operator.core.health.node import HOSTNAME
from hyperpod_operator.core.ports import ObjectGone, StaleObject
from hyperpod_operator.core.volume.device import volume_of
from hyperpod_operator.core.volume.observed import ClaimReference, PersistentVolume, PersistentVolumeClaim
from hyperpod_operator.kube.client import ApiServer

Json = Mapping[str, Any]

_VOLUMES = "/api/v1/persistentvolumes"
_GIB = 2**30
_UNITS = {"": 1, **{unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), start=1)}} | {
    unit: 1000**power for power, unit in enumerate(("k", "M", "G", "T", "P"), start=1)
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?)([A-Za-z]*)")


class KubePublications:
    """Reads and writes single objects on the API server."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    async def persistent_volume(self, *, name: str) -> PersistentVolume | None:
        found = await self._read(_volume(name))
        if found is None:
            return None
        spec = found.get("spec") or {}
        return PersistentVolume(
            name=name,
            capacity=gibibytes(str((spec.get("capacity") or {}).get("storage", "0"))),
            reserved_for=_reserved_for(spec),
            hostname=_hostname(spec),
            volume_id=_volume_id(spec),
            deletes="csi" in spec and spec.get("persistentVolumeReclaimPolicy") == "Delete",
            **_common(found),
        )

    async def persistent_volume_claim(self, *, namespace: str, name: str) -> PersistentVolumeClaim | None:
        found = await self._read(_claim(namespace, name))
        if found is None:
            return None
        volume_name = str((found.get("spec") or {}).get("volumeName") or "")
        return PersistentVolumeClaim(name=name, volume_name=volume_name, **_common(found))

    async def create_persistent_volume(self, *, manifest: Json) -> None:
        await self._create(_VOLUMES, manifest)

    async def create_persistent_volume_claim(self, *, manifest: Json) -> None:
        namespace = quote(str(manifest["metadata"]["namespace"]), safe="")
        await self._create(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", manifest)

    async def delete_persistent_volume(self, *, name: str, uid: str) -> None:
        await self._delete(_volume(name), uid)

    async def delete_persistent_volume_claim(self, *, namespace: str, name: str, uid: str) -> None:
        await self._delete(_claim(namespace, name), uid)

    async def _read(self, path: str) -> Json | None:
        try:
            return await self._api.get(path)
        except ObjectGone:
            return None

    async def _create(self, path: str, manifest: Json) -> None:
        try:
            await self._api.create(path, manifest)
        except StaleObject:
            return  # it exists: an earlier try whose answer was lost, or somebody else's

    async def _delete(self, path: str, uid: str) -> None:
        try:
            await self._api.delete(path, uid=uid)
        except (ObjectGone, StaleObject):
            return  # gone, or another one by now


def gibibytes(quantity: str) -> int:
    """A Kubernetes quantity of bytes as whole GiB, rounded down; 0 for what cannot be read."""
    found = _QUANTITY.fullmatch(quantity)
    if found is None or found[2] not in _UNITS:
        return 0
    return int(float(found[1]) * _UNITS[found[2]] // _GIB)


def _common(found: Json) -> dict[str, Any]:
    metadata = found["metadata"]
    return {
        "uid": metadata["uid"],
        "claim_uid": (metadata.get("labels") or {}).get(LABEL_CLAIM_UID, ""),
        "phase": (found.get("status") or {}).get("phase", ""),
        "deleting": "deletionTimestamp" in metadata,
    }


def _reserved_for(spec: Json) -> ClaimReference | None:
    found = {member: str((spec.get("claimRef") or {}).get(member) or "") for member in ("namespace", "name", "uid")}
    return ClaimReference(**found) if found["namespace"] and found["name"] else None


def _volume_id(spec: Json) -> str:
    """The EBS volume behind a PersistentVolume as the operator makes them; empty for any other."""
    csi = spec.get("csi") or {}
    if csi.get("driver") == CSI_DRIVER:
        return str(csi.get("volumeHandle") or "")
    return volume_of(str((spec.get("local") or {}).get("path") or ""))


def _hostname(spec: Json) -> str:
    """The host that the first term of the nodeAffinity names: the operator writes one term."""
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or [{}]
    named = (item.get("values") for item in terms[0].get("matchExpressions") or () if item.get("key") == HOSTNAME)
    return str(next((values[0] for values in named if values), ""))


def _volume(name: str) -> str:
    return f"{_VOLUMES}/{quote(name, safe='')}"


def _claim(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/persistentvolumeclaims/{quote(name, safe='')}"
