"""`spec.management` of an EBSVolumeClaim: how the operator treats the volume. Nothing here goes to AWS."""

from typing import Literal

from pydantic import Field

from hyperpod_operator.api.common.model import Model


class SnapshotPolicy(Model):
    """When the operator creates snapshots. It never deletes them."""

    beforeDelete: bool | None = Field(
        default=None,
        description="true: reclaimPolicy Delete creates a snapshot first, as Snapshot does. Unset means false.",
    )
    beforeReplacement: bool | None = Field(
        default=None,
        description="true: when the replacement of the volume's node is announced (its label "
        "sagemaker.amazonaws.com/node-health-status is UnschedulablePendingReplacement, set by HyperPod or by you), "
        "the operator creates one snapshot for each node. The replacement does not wait for it. Mode Direct. Unset "
        "means false.",
    )


class VolumeManagement(Model):
    """How the operator treats the volume."""

    paused: bool | None = Field(
        default=None,
        description="true: the operator observes and reports, and changes nothing; it does not delete either. Unset "
        "means false.",
    )
    reclaimPolicy: Literal["Retain", "Delete", "Snapshot"] | None = Field(
        default=None,
        description="What happens to the volume when you delete this object. Retain: it stays, without the operator's "
        "tags. Delete: the operator deletes it. Snapshot: the operator creates a snapshot, and deletes the volume when "
        "it is complete. Unset means Retain.",
    )
    deletionProtection: bool | None = Field(
        default=None,
        description="The operator deletes only a volume that it created; false: it also deletes an adopted one. Unset "
        "means true.",
    )
    adoptionPolicy: Literal["Never", "IfUnowned", "Force"] | None = Field(
        default=None,
        description="Whether the operator adopts an existing volume: the one that source.volumeId names, or one that "
        "an earlier claim of this namespace and name left. Never: it reports the volume and leaves it alone. "
        "IfUnowned: it adopts the volume unless tags of another claim, the CSI driver, or an attachment to something "
        "else show that it is in use. Force: it also adopts a volume of another claim of this EKS cluster that no "
        "longer exists. It never adopts a volume of an existing claim, of another EKS cluster, or one that is attached "
        "elsewhere. It announces the adoption before it changes anything. Unset means Never.",
    )
    preflight: Literal["Enforce", "Warn", "Off"] | None = Field(
        default=None,
        description="What happens when a check before CreateVolume fails. Enforce: the call waits until the check "
        "passes. Warn: the call is made and the failure is reported. Off: nothing is checked. A check that may not "
        "read what it needs never holds a call back. Unset means the installation's default, which is Enforce.",
    )
    snapshotPolicy: SnapshotPolicy | None = Field(default=None, description="When the operator creates snapshots.")
