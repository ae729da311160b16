"""What is read of a pod: who it is, where it runs, and what decides whether and with whom it leaves.

A pod weighs 5 to 20 KB, nearly all of it containers, volumes and managedFields; less than 1 KB of it is held.

Source: Kubernetes API reference, Pod v1 and OwnerReference.
"""

from collections.abc import Iterable

import msgspec

from hyperpod_operator.core.drain.gang import OwnerRef, owner_ref
from hyperpod_operator.kube.watch.decoding import Decoding


class OwnerReference(msgspec.Struct, gc=False, rename="camel"):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None


class Metadata(msgspec.Struct, gc=False, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None


class Spec(msgspec.Struct, gc=False, rename="camel"):
    node_name: str = ""


class Condition(msgspec.Struct, gc=False):
    type: str = ""
    status: str = ""


class Status(msgspec.Struct, gc=False, rename="camel"):
    phase: str = ""
    conditions: list[Condition] | None = None


class PodObject(msgspec.Struct, gc=False):
    """A pod as the API server has it, the parts that are used."""

    metadata: Metadata
    spec: Spec = msgspec.field(default_factory=Spec)
    status: Status = msgspec.field(default_factory=Status)


PODS = Decoding(PodObject, noun="pods")


def controller(references: Iterable[OwnerReference] | None) -> OwnerRef | None:
    """The reference to the object that controls this one; there is at most one (API reference)."""
    for found in references or ():
        if found.controller:
            return owner_ref(api_version=found.api_version, kind=found.kind, name=found.name, uid=found.uid)
    return None
