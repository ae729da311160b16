"""CEL rules of EBSVolumeClaim: what is fixed, what excludes what. Each message says what to do.

Who attaches, what is attached and how pods see it are decided once: a volume whose attacher changes under a
running pod has two masters for a moment, and that moment is when data is lost.
"""

from hyperpod_operator.api.common.bounds import CEL_LABEL_KEY, CEL_LABEL_KEY_LENGTHS, LABEL_KEY_WORDS
from hyperpod_operator.api.common.rules import fixed_once_set, rule
from hyperpod_operator.api.names import GROUP

ANOTHER = "create another EBSVolumeClaim"

CLUSTER_REF_RULES = (
    rule(
        "[has(self.name), has(self.clusterArn), has(self.clusterName)].filter(x, x).size() == 1",
        message="clusterRef names the cluster in exactly one way: set one of name, clusterArn and clusterName",
    ),
)

SOURCE_RULES = (
    rule(
        "has(self.volumeId) != has(self.create)",
        message="a claim has exactly one source: set either volumeId (adopt a volume) or create (make one; it may be "
        "empty)",
    ),
)

CREATE_RULES = (
    rule(
        "!has(self.availabilityZone) || !has(self.availabilityZoneId)",
        message="the zone is named in one way: set availabilityZone or availabilityZoneId, not both",
        path=".availabilityZoneId",
    ),
    rule(
        "!has(self.kmsKeyId) || (has(self.encrypted) && self.encrypted)",
        message="kmsKeyId needs encryption: set encrypted to true or remove kmsKeyId",
        path=".kmsKeyId",
    ),
    rule(
        "!has(self.volumeInitializationRate) || has(self.snapshotId)",
        message="volumeInitializationRate speeds up the load of a snapshot: set snapshotId or remove it",
        path=".volumeInitializationRate",
    ),
)

VOLUME_RULES = (
    rule(
        "!has(oldSelf.size) || !has(self.size) || self.size >= oldSelf.size",
        message="size cannot shrink, EBS volumes only grow: set at least the former size, or copy the data to a "
        "smaller volume of another claim",
        reason="FieldValueForbidden",
        path=".size",
    ),
    rule(
        "!has(self.volumeType) || !(self.volumeType in ['io1', 'io2']) || has(self.iops)",
        message="io1 and io2 are bought by IOPS: set iops",
        path=".iops",
    ),
    rule(
        "!has(self.iops) || !has(self.volumeType) || self.volumeType in ['gp3', 'io1', 'io2']",
        message="iops can be chosen for gp3, io1 and io2 only: remove iops or change volumeType",
        path=".iops",
    ),
    rule(
        "!has(self.throughput) || !has(self.volumeType) || self.volumeType == 'gp3'",
        message="throughput can be chosen for gp3 only: remove throughput or change volumeType",
        path=".throughput",
    ),
)

TAG_RULES = (
    rule(
        "!self.key.lowerAscii().startsWith('aws:')",
        message="tag keys that start with aws: are reserved by AWS: choose another key",
        path=".key",
    ),
    rule(
        f"!self.key.lowerAscii().startsWith('{GROUP}/') && !self.key.lowerAscii().startsWith('ebs.csi.aws.com/') && "
        "!self.key.lowerAscii().startsWith('kubernetes.io/')",
        message=f"tags under {GROUP}/, ebs.csi.aws.com/ and kubernetes.io/ say who manages the volume: choose another "
        "key",
        path=".key",
    ),
)

TARGET_RULES = (
    rule(
        "[has(self.nodeName), has(self.instanceId), has(self.nodeLogicalId), has(self.instanceGroupName)]"
        ".filter(x, x).size() == 1",
        message="a target is named in exactly one way: set one of nodeName, instanceId, nodeLogicalId and "
        "instanceGroupName",
    ),
    rule(
        "!has(self.nodeSelector) || has(self.instanceGroupName)",
        message="nodeSelector narrows a group: set instanceGroupName or remove nodeSelector",
        path=".nodeSelector",
    ),
    rule(
        f"!has(self.nodeSelector) || self.nodeSelector.all(k, {CEL_LABEL_KEY_LENGTHS} && k.matches('{CEL_LABEL_KEY}'))",
        message=f"a key of nodeSelector is a label's key, {LABEL_KEY_WORDS}: correct it",
        path=".nodeSelector",
    ),
)

_DIRECT = "(!has({0}.mode) || {0}.mode == 'Direct')"

ATTACHMENT_RULES = (
    rule(
        "(has(self.mode) ? self.mode : 'Direct') == (has(oldSelf.mode) ? oldSelf.mode : 'Direct')",
        message=f"attachment.mode cannot change, a volume has one attacher for life: {ANOTHER} with source.volumeId "
        "after this one released the volume",
        reason="FieldValueForbidden",
        path=".mode",
    ),
    rule(
        f"!{_DIRECT.format('self')} || has(self.target)",
        message="mode Direct (also when mode is unset) needs a node: set target, or set mode: CSI or None",
        reason="FieldValueRequired",
        path=".target",
    ),
    rule(
        f"{_DIRECT.format('self')} || (!has(self.target) && !has(self.followNode) && !has(self.detachPolicy) && "
        "!has(self.detachTimeout) && !has(self.suspend))",
        message="target, followNode, detachPolicy, detachTimeout and suspend are for mode Direct, where the operator "
        "attaches: remove them",
    ),
)

PUBLISH_RULES = (
    rule(
        "self.type != 'None' || (!has(self.volumeMode) && !has(self.fsType) && !has(self.storageClassName) && "
        "!has(self.accessModes) && !has(self.persistentVolumeClaim) && !has(self.mountOptions))",
        message="type None publishes nothing: remove the other members of publish, or set type: LocalPV or CSI",
    ),
    rule(
        "self.type == 'None' || has(self.persistentVolumeClaim)",
        message="a PersistentVolume is reserved for one PersistentVolumeClaim of this namespace: set "
        "persistentVolumeClaim.name",
        reason="FieldValueRequired",
        path=".persistentVolumeClaim",
    ),
    rule(
        "!has(self.volumeMode) || self.volumeMode != 'Block' || (!has(self.fsType) && !has(self.mountOptions))",
        message="a raw block device has no file system: remove fsType and mountOptions, or set volumeMode: Filesystem",
    ),
)

_MODE = "(has(self.attachment.mode) ? self.attachment.mode : 'Direct')"
_NEW = "has(self.source.create)"

CLAIM_RULES = (
    rule(
        f"!{_NEW} || has(self.source.create.snapshotId) || (has(self.volume) && has(self.volume.size))",
        message="a new volume needs a size: set volume.size, or source.create.snapshotId to take the snapshot's",
        reason="FieldValueRequired",
        path=".volume",
    ),
    rule(
        f"!{_NEW} || {_MODE} == 'Direct' || has(self.source.create.availabilityZone) || "
        "has(self.source.create.availabilityZoneId)",
        message="without a target node the zone is unknown: set availabilityZone or availabilityZoneId",
        reason="FieldValueRequired",
        path=".source.create",
    ),
    rule(
        "!has(self.publish) || self.publish.type == 'None' || "
        f"({_MODE} == 'Direct' && self.publish.type == 'LocalPV') || ({_MODE} == 'CSI' && self.publish.type == 'CSI')",
        message="publish.type does not fit attachment.mode: use LocalPV with Direct, CSI with CSI, None with any mode",
        path=".publish.type",
    ),
    fixed_once_set(
        "publish",
        message="publish cannot change or go once it is set, a PersistentVolume is fixed in the same way: "
        f"{ANOTHER} with source.volumeId after this one released the volume",
    ),
)
