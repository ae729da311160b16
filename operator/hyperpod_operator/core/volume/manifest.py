"""The PersistentVolume and PersistentVolumeClaim of a claim, as the API server wants them.

A local PersistentVolume cannot change its nodeAffinity, so it selects a label that the operator moves from node to
node. The reclaim policy is always Retain: the claim decides about the volume, never the PersistentVolume.

A PersistentVolume belongs to no namespace, and whatever binds it reads the data. So none can be built that is not
reserved for one PersistentVolumeClaim, and mount options reach the node only from the list of `api.volume.bounds`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.api.names import CSI_DRIVER, LABEL_CLAIM_UID
from hyperpod_operator.api.volume.bounds import MOUNT_OPTION_PATTERN
from hyperpod_operator.api.volume.resource import Publish
from hyperpod_operator.core.health.node import HOSTNAME, ZONE
from hyperpod_operator.core.volume.claim import ATTACHED_LABEL, Claim
from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.observed import ClaimReference
from hyperpod_operator.core.volume.ports import Volume

DEFAULT_FS = "ext4"
_OPTION = re.compile(MOUNT_OPTION_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentVolumeManifest:
    """A PersistentVolume to be created. Raises ValueError for mount options that are not on the list."""

    name: str
    claim_uid: str
    reserved_for: ClaimReference
    spec: Mapping[str, Any]
    """Everything but claimRef and mountOptions."""
    mount_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if wrong := refused_options(self.mount_options):
            raise ValueError(f"these mount options are not on the list: {wrong}")

    @property
    def body(self) -> Mapping[str, Any]:
        """As the API server takes it."""
        reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        reference |= {"namespace": self.reserved_for.namespace, "name": self.reserved_for.name}
        options = {"mountOptions": list(self.mount_options)} if self.mount_options else {}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": self.name, "labels": {LABEL_CLAIM_UID: self.claim_uid}},
            "spec": {**self.spec, "claimRef": reference, **options},
        }


def refused_options(options: Sequence[str]) -> tuple[str, ...]:
    """Those that are not on the list of `MOUNT_FLAGS` and `MOUNT_VALUES`."""
    return tuple(option for option in options if _OPTION.fullmatch(option) is None)


def persistent_volume(
    claim: Claim, volume: Volume, publish: Publish, *, reserved_for: ClaimReference, hostname: str = ""
) -> PersistentVolumeManifest:
    """`hostname` is that of the only node that a local PersistentVolume can be on; empty where there may be others. Its
    capacity is that of the file system, which does not grow with the volume."""
    mode = publish.volumeMode or "Filesystem"
    had = claim.status.remembered.filesystemSize if mode == "Filesystem" else None
    spec: dict[str, Any] = {
        "capacity": {"storage": f"{min(had or volume.size, volume.size)}Gi"},
        "accessModes": list(publish.accessModes or ["ReadWriteOnce"]),
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": claim.storage_class,
        "volumeMode": mode,
    }
    fs_type = {"fsType": publish.fsType or DEFAULT_FS} if mode == "Filesystem" else {}
    if publish.type == "LocalPV":
        spec["local"] = {"path": device_path(volume.volume_id), **fs_type}
        spec["nodeAffinity"] = _affinity({claim.label: ATTACHED_LABEL} | ({HOSTNAME: hostname} if hostname else {}))
    else:
        spec["csi"] = {"driver": CSI_DRIVER, "volumeHandle": volume.volume_id, **fs_type}
        spec["nodeAffinity"] = _affinity({ZONE: volume.availability_zone})
    return PersistentVolumeManifest(
        name=claim.persistent_volume_name,
        claim_uid=claim.uid,
        reserved_for=reserved_for,
        spec=spec,
        mount_options=tuple(publish.mountOptions or ()),
    )


def persistent_volume_claim(claim: Claim, publish: Publish, *, size: int) -> Mapping[str, Any]:
    """`size` in GiB, at most the capacity of the PersistentVolume: it would not be bound to a smaller one."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim.persistent_volume_claim_name,
            "namespace": claim.key.namespace,
            "labels": {LABEL_CLAIM_UID: claim.uid},
        },
        "spec": {
            "accessModes": list(publish.accessModes or ["ReadWriteOnce"]),
            "resources": {"requests": {"storage": f"{size}Gi"}},
            "storageClassName": claim.storage_class,
            "volumeMode": publish.volumeMode or "Filesystem",
            "volumeName": claim.persistent_volume_name,
        },
    }


def _affinity(labels: Mapping[str, str]) -> Mapping[str, Any]:
    expressions = [{"key": key, "operator": "In", "values": [value]} for key, value in labels.items()]
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": expressions}]}}
