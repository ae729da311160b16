"""The PersistentVolume and PersistentVolumeClaim of a claim, as the API server wants them.

A local PersistentVolume cannot change its nodeAffinity, so it selects a label that the operator moves from node to
node. The reclaim policy is always Retain: the claim decides about the volume, never the PersistentVolume.
"""

from collections.abc import Mapping
from typing import Any

from hyperpod_operator.api.names import CSI_DRIVER, LABEL_CLAIM_UID
from hyperpod_operator.api.volume import Publish
from hyperpod_operator.core.volume.claim import ATTACHED_LABEL, Claim
from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.ports import Volume

ZONE_LABEL = "topology.kubernetes.io/zone"
DEFAULT_FS = "ext4"


def persistent_volume(claim: Claim, volume: Volume, publish: Publish) -> Mapping[str, Any]:
    mode = publish.volumeMode or "Filesystem"
    spec: dict[str, Any] = {
        "capacity": {"storage": f"{volume.size}Gi"},
        "accessModes": list(publish.accessModes or ["ReadWriteOnce"]),
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": publish.storageClassName or "",
        "volumeMode": mode,
    }
    fs_type = {"fsType": publish.fsType or DEFAULT_FS} if mode == "Filesystem" else {}
    if publish.type == "LocalPV":
        spec["local"] = {"path": device_path(volume.volume_id), **fs_type}
        spec["nodeAffinity"] = _affinity(claim.label, ATTACHED_LABEL)
    else:
        spec["csi"] = {"driver": CSI_DRIVER, "volumeHandle": volume.volume_id, **fs_type}
        spec["nodeAffinity"] = _affinity(ZONE_LABEL, volume.availability_zone)
    if claim.persistent_volume_claim_name:
        spec["claimRef"] = {"namespace": claim.key.namespace, "name": claim.persistent_volume_claim_name}
    if publish.mountOptions:
        spec["mountOptions"] = list(publish.mountOptions)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim.persistent_volume_name, "labels": {LABEL_CLAIM_UID: claim.uid}},
        "spec": spec,
    }


def persistent_volume_claim(claim: Claim, volume: Volume, publish: Publish) -> Mapping[str, Any]:
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
            "resources": {"requests": {"storage": f"{volume.size}Gi"}},
            "storageClassName": publish.storageClassName or "",
            "volumeMode": publish.volumeMode or "Filesystem",
            "volumeName": claim.persistent_volume_name,
        },
    }


def _affinity(key: str, value: str) -> Mapping[str, Any]:
    expression = {"key": key, "operator": "In", "values": [value]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
