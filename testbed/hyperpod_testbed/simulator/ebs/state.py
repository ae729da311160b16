"""What a region has of EBS: volumes, their attachments and modifications, snapshots, used tokens. Plain data.

Times are simulated seconds since the epoch.
"""

from dataclasses import dataclass, field
from typing import Any

from hyperpod_testbed.simulator.names import Zone


@dataclass
class Attachment:
    """A volume at an instance: of a HyperPod node (`resource`) or of plain EC2 (`instance_id` and `device` shown)."""

    instance_id: str
    device: str
    time: float
    resource: str | None = None
    """ARN of the HyperPod node, `…:cluster/<cluster id>-<instance id>`."""
    service: str | None = None
    status: str = "attaching"
    delete_on_termination: bool = False
    stuck: bool = False
    """It stays `attaching` until somebody lets it go."""
    turn: int = 0


@dataclass
class Modification:
    """The latest change of a volume."""

    start: float
    original: dict[str, Any]
    target: dict[str, Any]
    status: str = "modifying"
    message: str = ""
    end: float | None = None


@dataclass
class Volume:
    """An EBS volume."""

    id: str
    zone: Zone
    size: int
    type: str
    created_at: float
    iops: int | None = None
    throughput: int | None = None
    encrypted: bool = False
    kms_key: str | None = None
    snapshot_id: str | None = None
    initialization_rate: int | None = None
    multi_attach: bool = False
    status: str = "creating"
    tags: dict[str, str] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)
    modification: Modification | None = None
    modified_at: list[float] = field(default_factory=list)
    """When each modification was accepted, oldest first."""
    mounted: bool = False
    """Something on the node uses it: a detach is `busy` until that ends."""

    def at(self, instance_id: str) -> Attachment | None:
        """The attachment to an instance."""
        return next((one for one in self.attachments if one.instance_id == instance_id), None)

    def free(self, attachment: Attachment) -> None:
        """Take an attachment away."""
        attachment.turn += 1
        self.attachments = [one for one in self.attachments if one is not attachment]
        if not self.attachments and self.status == "in-use":
            self.status = "available"


@dataclass
class Snapshot:
    """An EBS snapshot."""

    id: str
    volume_id: str
    size: int
    volume_type: str
    started_at: float
    description: str = ""
    encrypted: bool = False
    kms_key: str | None = None
    status: str = "pending"
    message: str = ""
    completed_at: float | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UsedToken:
    """A ClientToken of CreateVolume."""

    time: float
    request: dict[str, Any]
    volume_id: str


@dataclass
class Script:
    """What is bound to happen to the next calls: how many of them, and what the failure says."""

    failing_volumes: int = 0
    failing_snapshots: int = 0
    failing_modifications: int = 0
    stuck_attachments: int = 0


@dataclass
class RegionalEbs:
    """EBS in one region."""

    volumes: dict[str, Volume] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    tokens: dict[str, UsedToken] = field(default_factory=dict)
    script: Script = field(default_factory=Script)
