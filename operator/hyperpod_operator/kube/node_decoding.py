"""From the API server's bytes to Structs: what is read of a Node, and what is not even looked at.

A Node weighs about 11 KB, nearly all of it images and managedFields. msgspec skips what the Structs below do not
name without making objects of it. They are short-lived: `node_factory` makes of them what is held.

Sources: Kubernetes API reference, Node v1 and WatchEvent; "Efficient detection of changes", kubernetes.io.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

BOOKMARK = "BOOKMARK"
DELETED = "DELETED"


class Garbled(Exception):  # noqa: N818 - a state of affairs: what was read is not what an API server sends
    """The bytes are not JSON, or not of the shape that the Kubernetes API promises."""


class Condition(msgspec.Struct, gc=False, rename="camel"):
    """One entry of `status.conditions`. The heartbeat's time is left out: it is what changes when nothing did."""

    type: str
    status: str
    reason: str = ""
    last_transition_time: str | None = None


class Status(msgspec.Struct, gc=False, rename="camel"):
    conditions: list[Condition] | None = None


class TaintEntry(msgspec.Struct, gc=False, rename="camel"):
    key: str
    effect: str
    value: str = ""
    time_added: str | None = None


class Spec(msgspec.Struct, gc=False, rename={"provider_id": "providerID"}):
    provider_id: str = ""
    taints: list[TaintEntry] | None = None


class Metadata(msgspec.Struct, gc=False, rename="camel"):
    name: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class NodeObject(msgspec.Struct, gc=False):
    """A Node as the API server has it, the parts that are used."""

    metadata: Metadata
    spec: Spec = msgspec.field(default_factory=Spec)
    status: Status = msgspec.field(default_factory=Status)


class WatchEvent(msgspec.Struct, gc=False):
    """One line of a watch. A bookmark's object has a resourceVersion and nothing else."""

    type: str
    object: NodeObject


class PageMetadata(msgspec.Struct, gc=False, rename={"resource_version": "resourceVersion", "next": "continue"}):
    resource_version: str = ""
    next: str = ""


class Page(msgspec.Struct, gc=False):
    """One chunk of a list. `metadata.next` asks for the following one; the last has none."""

    metadata: PageMetadata
    items: list[NodeObject]


class Rejected(msgspec.Struct, gc=False):
    """A Status object: why the API server ends a watch."""

    code: int = 0
    message: str = ""


class _ErrorEvent(msgspec.Struct, gc=False, tag="ERROR"):
    object: Rejected


_page = msgspec.json.Decoder(Page)
_event = msgspec.json.Decoder(WatchEvent)
_error = msgspec.json.Decoder(_ErrorEvent)


def page(content: bytes) -> Page:
    """A chunk of a list. Raises Garbled."""
    try:
        return _page.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Garbled(f"a list of Nodes is not what it should be: {error}") from error


def event(line: bytes) -> WatchEvent | Rejected:
    """A line of a watch, or what the API server says against it. Raises Garbled."""
    try:
        return _event.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # A Status object has a text where a Node has its status; asking for the error first would cost every event.
        try:
            return _error.decode(line).object
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Garbled(f"a line of the watch is not what it should be: {error}") from error


def node_object(body: Mapping[str, Any]) -> NodeObject:
    """A Node that is decoded JSON already. Raises Garbled."""
    try:
        return msgspec.convert(body, NodeObject)
    except msgspec.ValidationError as error:
        raise Garbled(f"a Node is not what it should be: {error}") from error
