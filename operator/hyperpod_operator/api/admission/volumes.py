"""PersistentVolumes and PersistentVolumeClaims: the operator's service account writes those of its EBSVolumeClaims.

A PersistentVolume with a hostPath is the root of a node; one with the reclaim policy Delete has the EBS CSI driver
delete whatever volume it names; one without a claimRef is bound by any namespace. A PersistentVolumeClaim that is
deleted takes a database down. The operator needs the verbs, and none of that.
"""

from typing import get_args

from hyperpod_operator.api.admission.manifests import cel, one_line, variable
from hyperpod_operator.api.admission.service_account import (
    UNTIED,
    WRITTEN,
    Manifest,
    ServiceAccount,
    holding,
    validation,
)
from hyperpod_operator.api.names import (
    ATTACHED_LABEL,
    CSI_DRIVER,
    LABEL_CLAIM_UID,
    LABEL_VOLUME_PREFIX,
    PERSISTENT_VOLUME_PREFIX,
)
from hyperpod_operator.api.volume.bounds import MOUNT_OPTION_PATTERN, FsType

VOLUMES = "hyperpod-operator-persistentvolumes"
CLAIMS = "hyperpod-operator-persistentvolumeclaims"

DEVICE = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol"
"""Where a node finds the disk; the digits of the volume's id follow."""

_UID = variable("claimUid", f"variables.written.metadata.?labels[?{cel(LABEL_CLAIM_UID)}].orValue('')")
_OF_A_CLAIM = "variables.claimUid != '' && variables.written.metadata.name == variables.volumeName"
_VOLUME_NAME = variable("volumeName", f"{cel(PERSISTENT_VOLUME_PREFIX)} + variables.claimUid")
_SECRETS = (
    "controllerPublishSecretRef",
    "nodeStageSecretRef",
    "nodePublishSecretRef",
    "controllerExpandSecretRef",
    "nodeExpandSecretRef",
)
_CSI = f"""
    variables.written.spec.?csi.?driver.orValue('') == {cel(CSI_DRIVER)}
    && variables.written.spec.csi.volumeHandle.matches('^vol-[0-9a-f]+$')
"""
_LOCAL = f"variables.written.spec.?local.?path.orValue('').matches({cel(f'^{DEVICE}[0-9a-f]+$')})"
_NO_SECRETS = " && ".join(f"!has(variables.written.spec.csi.{name})" for name in _SECRETS)
_HARMLESS = f"""
    object.spec.?mountOptions.orValue([]).all(option, option.matches({cel(MOUNT_OPTION_PATTERN)}))
    && [object.spec.?csi.?fsType.orValue(''), object.spec.?local.?fsType.orValue('')]
        .all(type, type in {cel(["", *get_args(FsType)])})
"""
_NO_CLASS_OF_ATTRIBUTES = "!dyn(object).spec.?volumeAttributesClassName.hasValue()"
"""Untyped, because it came after Kubernetes 1.30."""
_NOT_OF_KUBERNETES = "object.metadata.?annotations.orValue({}).all(key, !key.contains('kubernetes.io/'))"
_CREATES_AND_DELETES = "request.operation in ['CREATE', 'DELETE'] && request.?subResource.orValue('') == ''"


def persistent_volumes(account: ServiceAccount) -> list[Manifest]:
    return holding(
        account,
        name=VOLUMES,
        group="",
        resource="persistentvolumes",
        variables=[WRITTEN, _UID, _VOLUME_NAME],
        validations=[
            validation(
                _CREATES_AND_DELETES,
                "the operator creates and deletes PersistentVolumes, and changes none that exists",
            ),
            validation(
                _OF_A_CLAIM,
                "the operator may create and delete the PersistentVolumes of EBSVolumeClaims alone: label "
                f"{LABEL_CLAIM_UID}, named {PERSISTENT_VOLUME_PREFIX} and its value",
            ),
            validation(
                f"({_CSI}) || {_LOCAL}",
                f"the operator may create and delete PersistentVolumes of EBS volumes alone: driver {CSI_DRIVER} "
                f"with a volume id, or the local path {DEVICE}*",
            ),
            validation(
                "request.operation == 'DELETE' || (object.spec.?claimRef.?namespace.orValue('') != '' "
                "&& object.spec.?claimRef.?name.orValue('') != '')",
                "the operator creates PersistentVolumes that name their claim alone (claimRef: namespace and name)",
            ),
            validation(
                "request.operation == 'DELETE' || !has(object.spec.local) || object.spec.?nodeAffinity.?required"
                ".?nodeSelectorTerms.orValue([]).all(t, t.?matchExpressions.orValue([]).exists(e, "
                f"e.key == {cel(LABEL_VOLUME_PREFIX)} + variables.claimUid.replace('-', '') && e.operator == 'In' "
                f"&& e.?values.orValue([]) == {cel([ATTACHED_LABEL])}))",
                "the operator creates local PersistentVolumes for the Node with the label of their own claim alone: "
                f"{LABEL_VOLUME_PREFIX}* with its uid, {ATTACHED_LABEL}",
            ),
            validation(
                "request.operation == 'DELETE' || object.spec.?persistentVolumeReclaimPolicy.orValue('') == 'Retain'",
                "the operator creates PersistentVolumes with the reclaim policy Retain alone",
            ),
            validation(
                f"request.operation == 'DELETE' || (({_NOT_OF_KUBERNETES}) && {_NO_CLASS_OF_ATTRIBUTES} "
                f"&& (!has(object.spec.csi) || (!has(object.spec.csi.volumeAttributes) && {_NO_SECRETS})))",
                "the operator creates PersistentVolumes without secrets, volume attributes, a class of them and "
                "annotations of Kubernetes",
            ),
            validation(
                f"request.operation == 'DELETE' || ({one_line(_HARMLESS)})",
                "the operator creates PersistentVolumes with the file systems and the mount options of EBSVolumeClaims "
                "alone, which are harmless to a node (docs/volumes.md)",
            ),
            validation(UNTIED, "the operator creates PersistentVolumes without owner references and finalizers"),
        ],
    )


def persistent_volume_claims(account: ServiceAccount) -> list[Manifest]:
    return holding(
        account,
        name=CLAIMS,
        group="",
        resource="persistentvolumeclaims",
        variables=[WRITTEN, _UID, _VOLUME_NAME],
        validations=[
            validation(
                _CREATES_AND_DELETES,
                "the operator creates and deletes PersistentVolumeClaims, and changes none that exists",
            ),
            validation(
                "variables.claimUid != '' && variables.written.spec.?volumeName.orValue('') == variables.volumeName",
                "the operator may create and delete the PersistentVolumeClaims of EBSVolumeClaims alone: label "
                f"{LABEL_CLAIM_UID}, with the volumeName {PERSISTENT_VOLUME_PREFIX} and its value",
            ),
            validation(
                "request.operation == 'DELETE' || (has(object.spec.storageClassName) "
                "&& !has(object.spec.dataSource) && !has(object.spec.dataSourceRef) "
                f"&& {_NO_CLASS_OF_ATTRIBUTES} && {_NOT_OF_KUBERNETES})",
                "the operator creates PersistentVolumeClaims with a storage class, without a data source, a class of "
                "attributes and annotations of Kubernetes",
            ),
            validation(UNTIED, "the operator creates PersistentVolumeClaims without owner references and finalizers"),
        ],
    )
