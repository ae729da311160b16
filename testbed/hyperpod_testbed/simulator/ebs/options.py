"""How long EBS takes, and the switches where nobody can tell how HyperPod and EBS behave together.

They are part of `Timings` and `Options`; they live here because the volumes are a world of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class EbsTimings:
    """How long each transition of a volume takes, in simulated seconds."""

    volume_create: float = 2.0
    """CreateVolume until the volume is available, or until a creation that was bound to fail has failed."""
    volume_attach: float = 5.0
    """AttachClusterNodeVolume until the attachment is attached."""
    volume_detach: float = 5.0
    """DetachClusterNodeVolume until the volume is available."""
    volume_release: float = 10.0
    """An instance is gone until the volumes it held are free, or gone with it."""
    volume_delete: float = 5.0
    """DeleteVolume until the volume is gone."""
    volume_modify: float = 10.0
    """ModifyVolume until `optimizing`, when the new size can be used."""
    volume_optimize: float = 3600.0
    """`optimizing` until `completed`; AWS says up to hours."""
    snapshot: float = 60.0
    """CreateSnapshot until `completed`."""
    volume_token_life: float = 12 * 3600.0
    """How long CreateVolume remembers a ClientToken, also one whose volume failed."""
    modification_window: float = 24 * 3600.0
    """The window in which modifications of a volume are counted."""


@dataclass(frozen=True)
class EbsOptions:
    """The open questions about volumes on HyperPod, each with its answer here, then the limits of the account."""

    attach_again: Literal["VolumeInUse", "IncorrectState", "accept"] = "VolumeInUse"
    """AttachClusterNodeVolume of a volume that is attached to this very node: an error of EC2, or success."""
    ec2_errors: Literal["wrapped", "plain"] = "wrapped"
    """How SageMaker words VolumeInUse, InvalidVolume.ZoneMismatch and IncorrectState of an attach: with EC2's code in
    the text, as seen for other codes, or in a sentence that names none."""
    delete_on_termination: bool = False
    """DeleteOnTermination of an attachment that SageMaker made."""
    multi_attach_nodes: bool = False
    """An io1 or io2 volume with MultiAttachEnabled can be attached to a second node."""
    attach_gate: Literal["status", "groups", "deleting"] = "status"
    """When attach and detach are refused: unless ClusterStatus is InService; also while a group is Creating or Updating
    (Continuous clusters stay InService meanwhile); or only while the cluster is Creating, Deleting or Failed."""
    attach_gate_error: Literal["ValidationException", "ConflictException"] = "ValidationException"
    """Code of attach and detach on a cluster whose status does not allow them."""
    detach_while_attaching: Literal["accept", "IncorrectState"] = "accept"
    """DetachClusterNodeVolume while the attachment is still `attaching`."""
    node_end: Literal["release", "keep", "delete"] = "release"
    """What becomes of an attachment when its instance is gone: the volume is free again; the attachment stays, and
    names an instance that is no more; the volume is deleted whatever DeleteOnTermination says."""
    node_waits_for_detach: bool = False
    """HyperPod keeps a node ShuttingDown until its volumes are detached."""
    device_names: Literal["xvd", "sd", "beyond_model"] = "xvd"
    """Device names that HyperPod hands out: /dev/xvda…z, /dev/sdb…z, or /dev/xvdba and on, which the model excludes."""
    device_names_cap: bool = True
    """A node has no more attachments than there are such device names (AttachmentLimitExceeded)."""
    failed_volume: Literal["error", "vanish"] = "error"
    """A creation that fails asynchronously leaves a volume in state `error`, or none."""
    never_modified: Literal["error", "empty"] = "error"
    """DescribeVolumesModifications of a volume without any: InvalidVolumeModification.NotFound, or an empty list."""
    modification_limit: Literal["four_a_day", "six_hours"] = "four_a_day"
    """Four modifications in 24 hours as documented, or one in six hours as before, which Regions may still enforce."""

    volume_lag: float = 0.0
    """Simulated seconds during which DescribeVolumes shows the former state."""
    attachment_lag: float = 0.0
    """Simulated seconds during which DescribeVolumes shows former attachments, of volumes as they are. How soon it
    shows what AttachClusterNodeVolume did was never measured."""
    new_volume_lag: float = 0.0
    """Simulated seconds during which every call that names a new volume or snapshot answers that there is none."""
    volume_quota: int | None = None
    """Volumes in a region; above it CreateVolume answers VolumeLimitExceeded, also to a known ClientToken."""
    attachment_limits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """MaximumEbsAttachments by instance type (`ml.` included) where it is not EC2's own."""
    encryption_by_default: bool = False
    """Volumes are encrypted when the request does not say."""
