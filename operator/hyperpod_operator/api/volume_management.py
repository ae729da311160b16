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
    adoptionPolicy: Literal["IfUnowned", "Force"] | None = Field(
        default=None,
        description="About source.volumeId. IfUnowned: take the volume unless another claim, another owner's tags or "
        "the CSI driver have it. Force: take it from tags that nobody stands behind. A living claim in this cluster "
        "and a foreign attachment win in either case. Unset means IfUnowned.",
    )
    snapshotPolicy: SnapshotPolicy | None = Field(default=None, description="When snapshots are made.")
