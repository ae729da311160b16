"""The record of EBSVolumeClaim."""

from hyperpod_operator.api.kinds.kind import (
    ACTOR_COLUMN,
    AGE_COLUMN,
    Column,
    ConditionRow,
    Kind,
    Right,
    Scope,
    message_column,
    ready_column,
)
from hyperpod_operator.api.kinds.shared import summary
from hyperpod_operator.api.metrics.volumes import GAUGES
from hyperpod_operator.api.names import (
    VOLUME_CLAIM_KIND,
    VOLUME_CLAIM_PLURAL,
    VOLUME_CLAIM_SHORT,
    VOLUME_CLAIM_SINGULAR,
    ConditionType,
)
from hyperpod_operator.api.volume.resource import EBSVolumeClaim, EBSVolumeClaimSpec
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus

VOLUME_CLAIM = Kind(
    name=VOLUME_CLAIM_KIND,
    plural=VOLUME_CLAIM_PLURAL,
    singular=VOLUME_CLAIM_SINGULAR,
    short=VOLUME_CLAIM_SHORT,
    word="volume",
    resource=EBSVolumeClaim,
    spec=EBSVolumeClaimSpec,
    status=EBSVolumeClaimStatus,
    description="One EBS volume for the nodes of a SageMaker HyperPod cluster: its life, where it is attached, "
    "and how pods see it. Members that mirror the EC2 API have its names with the first letter lowered; members of "
    "the operator itself are under attachment, publish and management.",
    columns=(
        ready_column("Whether the volume is what and where the spec asks for."),
        Column(name="Phase", path=".status.phase", description="What is going on, in a word."),
        Column(name="Size", path=".status.observed.size", description="Size in GiB.", type="integer"),
        ACTOR_COLUMN,
        message_column(),
        AGE_COLUMN,
        # The message of a claim that is ready names volume and node; all of these do not fit a screen.
        Column(name="Volume", path=".status.volumeId", description="Id of the EBS volume.", priority=1),
        Column(name="Node", path=".status.attachment.nodeName", description="Node that the volume is for.", priority=1),
        Column(
            name="Device",
            path=".status.attachment.devicePath",
            description="Path of the device on the node.",
            priority=1,
        ),
        Column(
            name="Zone", path=".status.availabilityZone", description="Availability zone of the volume.", priority=1
        ),
    ),
    # For `kubectl get evc -A --field-selector status.attachment.nodeName=NODE`.
    selectable=(".status.volumeId", ".status.attachment.nodeName", ".status.phase"),
    conditions=(
        *summary(ready="The volume matches the spec."),
        ConditionRow(
            type=ConditionType.VOLUME_READY,
            true="The volume exists and can be used.",
            false="AWS is creating it, it is in error, or it is gone.",
            announced=False,
        ),
        ConditionRow(
            type=ConditionType.TARGET_RESOLVED,
            true="The operator has chosen a node for the volume. Mode Direct only.",
            false="No node is suitable; the reason says why.",
            announced=False,
        ),
        ConditionRow(
            type=ConditionType.ATTACHED,
            true="AWS reports the volume as attached to that node. Mode Direct only.",
            false="Not yet, no longer, or attached to something else.",
            announced=False,
        ),
        ConditionRow(
            type=ConditionType.PUBLISHED,
            true="PersistentVolume, PersistentVolumeClaim (where asked for) and node label are in place.",
            false="Not yet, or `spec.publish` asks for nothing.",
            announced=False,
        ),
        ConditionRow(
            type=ConditionType.MODIFICATION_COMPLETE,
            true="Size, type, IOPS and throughput are what the spec asks for.",
            false="A modification is pending, in progress or failed. The claim is Ready while AWS is optimizing the "
            "volume.",
            announced=False,
        ),
        ConditionRow(
            type=ConditionType.FILESYSTEM_RESIZE_PENDING,
            true="The volume grew, and you need to grow its file system.",
            false="The file system last filled the volume.",
            announced=False,
            bad_when_true=True,
        ),
        ConditionRow(
            type=ConditionType.IN_USE,
            true="Pods use the volume; `status.inUseBy` names them.",
            false="No pod uses it.",
            announced=False,
        ),
        ConditionRow(
            type=ConditionType.CONFLICT,
            true="Something else uses the volume, its zone does not match, or a name is taken.",
            false="There is no known conflict.",
            announced=False,
            bad_when_true=True,
        ),
        ConditionRow(
            type=ConditionType.PERMISSIONS_OK,
            true="AWS has denied no call for lack of permission.",
            false="The message names the call.",
            announced=False,
        ),
        ConditionRow(
            type=ConditionType.DATA_AT_RISK,
            true="AWS deletes the volume together with its node (DeleteOnTermination).",
            false="The volume outlives its node.",
            announced=False,
            bad_when_true=True,
        ),
    ),
    rights=(
        Right(group="", resource="nodes", verbs=("get", "list", "watch", "patch"), scope=Scope.CLUSTER),
        Right(group="", resource="persistentvolumeclaims", verbs=("get", "create", "delete")),
        Right(
            group="",
            resource="pods",
            verbs=("list",),
            why="who uses a volume that is to be detached; RBAC cannot limit a list by field",
        ),
        Right(group="", resource="persistentvolumes", verbs=("get", "list", "create", "delete"), scope=Scope.CLUSTER),
        Right(
            group="storage.k8s.io",
            resource="volumeattachments",
            verbs=("list",),
            scope=Scope.CLUSTER,
            why="whether the EBS CSI driver has a volume",
        ),
        Right(
            group="coordination.k8s.io",
            resource="leases",
            verbs=("get", "create", "patch", "delete"),
            scope=Scope.OWN_NAMESPACE,
            why="one for each volume, named by AWS",
        ),
    ),
    gauges=GAUGES,
    switch="volumes",
)
