"""`spec.management` of an EBSVolumeClaim: how the operator treats the volume. Nothing here goes to AWS."""

from typing import Literal

from pydantic import Field

from hyperpod_operator.api.model import Model


class SnapshotPolicy(Model):
    """When the operator makes snapshots. They are never deleted by it."""

    beforeDelete: bool | None = Field(
        default=None,
        description="true: reclaimPolicy Delete makes a snapshot first, as Snapshot does. Unset means false.",
    )
    beforeReplacement: bool | None = Field(
        default=None,
        description="true: when the node that holds the volume is announced to be replaced (its label "
        "sagemaker.amazonaws.com/node-health-status is UnschedulablePendingReplacement, set by HyperPod or by you), a "
        "snapshot is made, one for each node. The replacement does not wait for it. Mode Direct. Unset means false.",
    )


class VolumeManagement(Model):
    """How the operator treats the volume."""

    paused: bool | None = Field(
        default=None,
        description="true: the operator observes and reports but changes nothing, not even to delete. Unset means "
        "false.",
    )
    reclaimPolicy: Literal["Retain", "Delete", "Snapshot"] | None = Field(
        default=None,
        description="What happens to the volume when this object is deleted. Retain: it stays, without our tags. "
        "Delete: it is deleted. Snapshot: a snapshot is made, and the volume is deleted when it is complete. Unset "
        "means Retain.",
    )
    deletionProtection: bool | None = Field(
        default=None,
        description="Only a volume that the operator created is deleted, unless this is false: then an adopted one is, "
        "too. Unset means true.",
    )
    adoptionPolicy: Literal["Never", "IfUnowned", "Force"] | None = Field(
        default=None,
        description="Whether a volume that was there before is taken: the one that source.volumeId names, or one that "
        "an earlier claim of this namespace and name left. Never: it is reported and left alone. IfUnowned: it is "
        "taken unless the tags of another claim, the CSI driver or an attachment to something else say that it is in "
        "use. Force: also from another claim of this EKS cluster that does not exist any more. An existing claim, "
        "another EKS cluster and a foreign attachment win in any case. Announced before anything is changed. Unset "
        "means Never.",
    )
    snapshotPolicy: SnapshotPolicy | None = Field(default=None, description="When snapshots are made.")
