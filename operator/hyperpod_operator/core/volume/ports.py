"""What decisions about volumes need of AWS, as Protocols, and what AWS answers, frozen.

Members have AWS's names in Python's spelling. A word that AWS may add to (a state, a type) is text, never an
enum: what a newer AWS says is data. Two services stand behind one Protocol, because an attachment is made by
SageMaker and seen by EC2.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.location import Location

NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One entry of DescribeVolumes' Attachments, or the answer of AttachClusterNodeVolume and its opposite.

    On a HyperPod node `instance_id` and `device` are empty and `associated_resource` names the node; on a plain
    instance it is the other way round. `state` is attaching, attached, detaching, detached or busy.
    """

    state: str
    instance_id: str = ""
    associated_resource: str = ""
    instance_owning_service: str = ""
    device: str = ""
    attach_time: datetime | None = None
    delete_on_termination: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One entry of DescribeVolumes. `state` is creating, available, in-use, deleting, deleted or error."""

    volume_id: str
    state: str
    size: int
    """GiB."""
    volume_type: str
    iops: int | None = None
    throughput: int | None = None
    """MiB/s; EC2 tells it for gp3 only."""
    encrypted: bool = False
    kms_key_id: str = ""
    multi_attach_enabled: bool = False
    availability_zone: str = ""
    """Name, for example us-west-2b."""
    availability_zone_id: str = ""
    """Id, for example usw2-az2: never compared with a name."""
    snapshot_id: str = ""
    create_time: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Modification:
    """The latest entry of DescribeVolumesModifications. `modification_state` is modifying, optimizing, completed
    or failed; `progress` is percent."""

    volume_id: str
    modification_state: str
    progress: int | None = None
    status_message: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    target_size: int | None = None
    target_volume_type: str = ""
    target_iops: int | None = None
    target_throughput: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One entry of DescribeSnapshots. `state` is pending, completed, error, recoverable or recovering."""

    snapshot_id: str
    volume_id: str
    state: str
    progress: str = ""
    status_message: str = ""
    start_time: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVolume:
    """The members of CreateVolume, unset ones left out of the request.

    Exactly one of `availability_zone` and `availability_zone_id`. `client_token` makes the call idempotent: the
    same token is sent with the same members or not at all. `tags` go into the call itself (TagSpecifications,
    ResourceType volume), so that no volume of ours is ever without its owner.
    """

    client_token: str
    tags: Mapping[str, str]
    volume_type: str
    size: int | None = None
    iops: int | None = None
    throughput: int | None = None
    snapshot_id: str = ""
    encrypted: bool | None = None
    kms_key_id: str = ""
    availability_zone: str = ""
    availability_zone_id: str = ""
    volume_initialization_rate: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The members of ModifyVolume; None leaves a member as it is."""

    size: int | None = None
    volume_type: str | None = None
    iops: int | None = None
    throughput: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentLimit:
    """EbsInfo of DescribeInstanceTypes: `shared` means that network interfaces count against the same limit."""

    maximum: int
    shared: bool


def _ignored(request_id: str) -> None:
    """For callers that do not need it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What goes along with a call that changes something. `confirm` runs when its turn has come; if it raises, nothing
    is sent. `noted` is called with AWS's request id once AWS accepted it."""

    confirm: Confirm | None = None
    noted: Callable[[str], None] = _ignored


UNASKED = Sending()
"""Sent as it is, and nobody needs its id."""


class VolumeCloud(Protocol):
    """EC2's volumes and HyperPod's attachments in one region.

    Every method raises `core.errors.CloudError` and nothing else. What was not found is None or left out, never
    an error, unless a method says otherwise. An error of EC2's carries `ec2_code`, wrapped by SageMaker or not.
    """

    async def find_volume(self, *, volume_id: str, fresh: bool = False) -> Volume | None:
        """DescribeVolumes by id; None for InvalidVolume.NotFound. Some seconds old, unless `fresh` asks EC2 now."""
        ...

    async def find_volumes_by_tag(self, *, claim_uid: str) -> tuple[Volume, ...]:
        """All pages of DescribeVolumes with the tag `hyperpod-operator.dev/claim-uid`, in whatever state."""
        ...

    async def find_volumes_of_owner(self, *, owner: str) -> tuple[Volume, ...]:
        """All pages of DescribeVolumes with the tag `hyperpod-operator.dev/owner` or `…/released` of this value
        (`namespace/name` of a claim), never from memory: it decides whether a volume is made."""
        ...

    async def managed_volumes(self) -> tuple[Volume, ...]:
        """Every volume with the tag key claim-uid or `ebs.csi.aws.com/cluster`: what slots of nodes are counted by.

        One call for all claims of a region; the answer may be some seconds old.
        """
        ...

    async def volume_modifications(self, *, volume_ids: Sequence[str]) -> Mapping[str, Modification]:
        """The latest modification of each; volumes that were never modified are left out."""
        ...

    async def create_volume(self, *, request: NewVolume, sending: Sending = UNASKED) -> Volume:
        """CreateVolume. Idempotent by `client_token`."""
        ...

    async def modify_volume(self, *, volume_id: str, change: Change, sending: Sending = UNASKED) -> Modification:
        """ModifyVolume, size, type, IOPS and throughput in one call: four a day are all there is."""
        ...

    async def create_tags(self, *, volume_id: str, tags: Mapping[str, str], sending: Sending = UNASKED) -> None:
        """CreateTags on the volume; keys that exist get the new value."""
        ...

    async def delete_tags(self, *, volume_id: str, keys: Sequence[str], sending: Sending = UNASKED) -> None:
        """DeleteTags on the volume, whatever the values are."""
        ...

    async def create_snapshot(
        self,
        *,
        volume_id: str,
        description: str,
        tags: Mapping[str, str],
        sending: Sending = UNASKED,
    ) -> Snapshot:
        """CreateSnapshot. Not idempotent: `find_snapshots` comes first."""
        ...

    async def find_snapshots(self, *, claim_uid: str, known: Sequence[str] = ()) -> tuple[Snapshot, ...]:
        """All pages of DescribeSnapshots (owner self) with the tag claim-uid; their tags tell the purpose. Each of the
        `known` ids that is not among them is asked for by its id: only an error of EC2 says that there is none."""
        ...

    async def delete_volume(self, *, volume_id: str, sending: Sending = UNASKED) -> None:
        """DeleteVolume; a volume that is gone is no error, one in use is (VolumeInUse)."""
        ...

    async def attach(
        self,
        *,
        cluster_arn: str,
        instance_id: str,
        volume_id: str,
        sending: Sending = UNASKED,
    ) -> Attachment:
        """AttachClusterNodeVolume. Not idempotent, and the answer may say attaching: DescribeVolumes has the truth."""
        ...

    async def detach(
        self,
        *,
        cluster_arn: str,
        instance_id: str,
        volume_id: str,
        sending: Sending = UNASKED,
    ) -> Attachment | None:
        """DetachClusterNodeVolume; None where EC2 says that there is nothing to detach
        (InvalidAttachment.NotFound, IncorrectState, InvalidVolume.NotFound). There is no force."""
        ...

    async def attachment_limits(self, *, instance_types: Sequence[str]) -> Mapping[str, AttachmentLimit]:
        """DescribeInstanceTypes by EC2's names (without `ml.`); types that EC2 does not know are left out."""
        ...


class VolumeClouds(Protocol):
    """AWS, by region. An empty region means the installation's own."""

    @property
    def region(self) -> str:
        """The installation's own region."""
        ...

    def volumes(self, *, region: str) -> VolumeCloud: ...

    async def location(self, *, region: str) -> Location:
        """Where calls to this region go; the account is empty while STS does not tell it. Never raises."""
        ...
