"""From the API server's bytes to Structs: what is read of a Node, and what is not even looked at.

A Node weighs about 11 KB, nearly all of it images and managedFields. The Structs are short-lived: `factory.py` makes
of them what is held.

Source: Kubernetes API reference, Node v1.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from hyperpod_operator.kube.watch.decoding import Decoding, Garbled


class Condition(msgspec.Struct, gc=False, rename="camel"):
    """One entry of `status.conditions`. The heartbeat's time is left out: it is what changes when nothing did."""

    type: str
    status: str
    reason: str = ""
    last_transition_time: str | None = None


class NodeInfo(msgspec.Struct, gc=False, rename={"boot_id": "bootID"}):
    boot_id: str = ""


class Status(msgspec.Struct, gc=False, rename="camel"):
    conditions: list[Condition] | None = None
    node_info: NodeInfo | None = None


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


NODES = Decoding(NodeObject, noun="Nodes")


def node_object(body: Mapping[str, Any]) -> NodeObject:
    """A Node that is decoded JSON already. Raises Garbled."""
    try:
        return msgspec.convert(body, NodeObject)
    except msgspec.ValidationError as error:
        raise Garbled(f"a Node is not what it should be: {error}") from error
