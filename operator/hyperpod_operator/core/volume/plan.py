"""The steps that a pass may end in, as data. A pass carries at most one, be it AWS's or Kubernetes' side.

The two sides are told apart because a step in AWS can be refused, lost or half done, and is recorded in status
before it is sent; a step in Kubernetes is guarded by the API server itself and simply repeated.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from hyperpod_operator.core.volume.manifest import PersistentVolumeManifest
from hyperpod_operator.core.volume.ports import Change, NewVolume

DESCRIPTION_MOST = 255
"""Characters of a snapshot's description; EC2 API reference, CreateSnapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVolume:
    request: NewVolume


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyVolume:
    volume_id: str
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTags:
    volume_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTags:
    volume_id: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """AttachClusterNodeVolume. The node's other names are recorded in status with it."""

    cluster_arn: str
    instance_id: str
    volume_id: str
    node_name: str = ""
    instance_group: str = ""
    logical_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """DetachClusterNodeVolume. `why` is for people and goes into `status.previousAttachments`."""

    cluster_arn: str
    instance_id: str
    volume_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSnapshot:
    volume_id: str
    description: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolume:
    volume_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNode:
    node_name: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlabelNode:
    """A Node that is gone is no error."""

    node_name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPV:
    """Create this PersistentVolume; one of that name that exists is looked at in the next pass."""

    manifest: PersistentVolumeManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPVC:
    """Create this PersistentVolumeClaim, as `PublishPV`."""

    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePV:
    """Delete it if it still has this uid."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePVC:
    """Delete it if it still has this uid."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLease:
    """Create the Lease of this volume; where `replaces` is set, take it over from that holder and nobody else."""

    volume_id: str
    holder: str
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropLease:
    """Delete the Lease if this holder has it."""

    volume_id: str
    holder: str


CloudStep = CreateVolume | ModifyVolume | CreateTags | DeleteTags | Attach | Detach | CreateSnapshot | DeleteVolume
KubernetesStep = LabelNode | UnlabelNode | PublishPV | PublishPVC | RemovePV | RemovePVC | TakeLease | DropLease
Step = CloudStep | KubernetesStep

OPERATIONS = {"Attach": "AttachClusterNodeVolume", "Detach": "DetachClusterNodeVolume"}


def operation(step: Step) -> str:
    """The API operation's name; for Kubernetes' side the step's own."""
    name = type(step).__name__
    return OPERATIONS.get(name, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Several steps that are announced together: a line for people about each, and a short name for all."""

    fingerprint: str
    lines: tuple[str, ...]


def mark(what: str, volume_id: str, lines: Sequence[str]) -> Mark:
    """Equal for equal announcements, across restarts."""
    text = json.dumps([what, volume_id, *lines], separators=(",", ":"))
    return Mark(fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16], lines=tuple(lines))


def fingerprint(step: Step) -> str:
    """A short name for this very step, equal across restarts; why a detach is made is no part of the call."""
    call = replace(step, why="") if isinstance(step, Detach) else step
    text = json.dumps([operation(call), repr(call)], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


ATTACHMENT = "Attachment"
"""The concern of attach and detach calls in the journal."""
MODIFICATION = "Modification"
"""The concern of ModifyVolume in the journal."""
TAGS = "Tags"
"""The concern of calls about tags in the journal."""


def concern(step: Step) -> str:
    """What the step is about: the key of its entry in the journal."""
    match step:
        case CreateVolume() | DeleteVolume():
            return "Volume"
        case ModifyVolume():
            return MODIFICATION
        case CreateTags() | DeleteTags():
            return TAGS
        case Attach() | Detach():
            return ATTACHMENT
        case CreateSnapshot():
            return "Snapshot"
        case LabelNode() | UnlabelNode():
            return "NodeLabel"
        case PublishPV() | PublishPVC() | RemovePV() | RemovePVC():
            return "Publication"
        case TakeLease() | DropLease():
            return "Lease"
        case _:
            assert_never(step)
