"""What decisions about volumes need of Kubernetes, as Protocols: publication, users, and the Lease of each volume.

Methods raise StaleObject, ObjectGone or KubernetesError of `core.ports`, and nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hyperpod_operator.core.volume.observed import PersistentVolume, PersistentVolumeClaim


class Publications(Protocol):
    """PersistentVolumes and PersistentVolumeClaims, single ones, read afresh."""

    async def persistent_volume(self, *, name: str) -> PersistentVolume | None: ...

    async def persistent_volume_claim(self, *, namespace: str, name: str) -> PersistentVolumeClaim | None: ...

    async def create_persistent_volume(self, *, manifest: Mapping[str, Any]) -> None:
        """Create it; one of that name that exists is no error, and the next look tells whose it is."""
        ...

    async def create_persistent_volume_claim(self, *, manifest: Mapping[str, Any]) -> None:
        """Create it, as `create_persistent_volume`."""
        ...

    async def delete_persistent_volume(self, *, name: str, uid: str) -> None:
        """Delete it if it still has this uid; one that is gone is no error."""
        ...

    async def delete_persistent_volume_claim(self, *, namespace: str, name: str, uid: str) -> None:
        """Delete it, as `delete_persistent_volume`."""
        ...


class Users(Protocol):
    """Who uses a volume in this cluster."""

    async def pods(self, *, namespace: str, claim_name: str, fresh: bool) -> tuple[str, ...]:
        """namespace/name of the pods on some node that are not finished and use this PersistentVolumeClaim. The answer
        may be half a minute old, with `fresh` it is of now."""
        ...

    async def csi(self, *, volume_id: str, ours: str, fresh: bool) -> tuple[str, ...]:
        """Objects by which the EBS CSI driver has the volume: PersistentVolumes but the one named `ours`, and
        VolumeAttachments of any. The answer may be half a minute old, with `fresh` a few seconds."""
        ...


class VolumeLeases(Protocol):
    """One Lease per volume id: creating one is atomic, so it tells which claim of a cluster has the volume."""

    async def holder(self, *, volume_id: str) -> str | None:
        """Who has it; None when there is no Lease."""
        ...

    async def take(self, *, volume_id: str, holder: str, replaces: str) -> None:
        """Create it, or take it over from `replaces` and nobody else. StaleObject: another one was faster."""
        ...

    async def drop(self, *, volume_id: str, holder: str) -> None:
        """Delete it if `holder` has it; one that is gone or somebody else's is no error."""
        ...


class NodeLabels(Protocol):
    """The label that lets pods on to the node that has the volume."""

    async def label(self, *, node_name: str, key: str, value: str) -> None: ...

    async def unlabel(self, *, node_name: str, key: str) -> None:
        """A Node that is gone is no error."""
        ...

    async def holders(self, *, key: str) -> frozenset[str]:
        """Names of all Nodes, HyperPod's or not, that carry a label of this key, whatever its value."""
        ...

    async def labelled(self, *, prefixes: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Of all Nodes, HyperPod's or not: the keys of labels under these prefixes, by the Node's name."""
        ...

    async def selected(self, *, selector: Mapping[str, str]) -> frozenset[str]:
        """Names of the Nodes that carry all of these labels."""
        ...
