"""Kubernetes as claims see it, made of dicts: Nodes as the simulator has them, and what claims put beside them.

Only what decides is imitated: a bound PersistentVolume and a used PersistentVolumeClaim outlive their deletion, and
a Lease is made once. The real API server has tests of its own (tests/integration/test_kube_volumes.py).
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hyperpod_operator.api.names import LABEL_CLAIM_UID, NODE_HEALTH_STATUS
from hyperpod_operator.core.health.node import HOSTNAME, Node, Taint, identity, kept
from hyperpod_operator.core.ports import ObjectGone, StaleObject
from hyperpod_operator.core.volume.device import volume_of
from hyperpod_operator.core.volume.observed import ClaimReference, PersistentVolume, PersistentVolumeClaim
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.simulator.node_objects import NodeView
from hyperpod_testbed.simulator.node_views import NodeViews

Json = Mapping[str, Any]
NEVER = datetime.fromtimestamp(0, UTC)


class FakeNodes:
    """The Nodes of the simulator's instances, in step at once, and the labels that others put on them."""

    def __init__(self, simulator: Simulator) -> None:
        self._views = NodeViews(simulator.core)
        self.labels: dict[str, dict[str, str]] = defaultdict(dict)
        self.unready: set[str] = set()
        self.absent: set[str] = set()
        """Nodes whose instances run and that did not join."""
        self.taints: dict[str, tuple[Taint, ...]] = {}
        self.annotations: dict[str, dict[str, str]] = {}

    synced = True

    def get(self, name: str) -> Node | None:
        view = self._views.now().get(name)
        return None if view is None or name in self.absent else self._node(name, view)

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        return tuple(node for node in self.all() if node.cluster_id == cluster_id)

    def all(self) -> tuple[Node, ...]:
        found = (self._node(name, view) for name, view in self._views.now().items() if name not in self.absent)
        return tuple(node for node in found if node is not None)

    def every_label(self, name: str) -> dict[str, str]:
        return {**self._views.now()[name].labels, **self.labels[name]}

    def holders(self, label: str) -> list[str]:
        """Names of the Nodes that carry this label."""
        return sorted(node.name for node in self.all() if label in node.labels)

    def _node(self, name: str, view: NodeView) -> Node | None:
        """As kube/nodes/factory has it: a Node that names no instance of HyperPod is left out."""
        parts = identity(name=name, provider_id=view.provider_id)
        if parts is None:
            return None
        health_taint = (
            (Taint(key=NODE_HEALTH_STATUS, value="Unschedulable", effect="NoSchedule"),) if view.tainted else ()
        )
        return Node(
            name=name,
            uid=name,
            resource_version="1",
            cluster_id=parts[0],
            instance_id=parts[1],
            created_at=NEVER,
            labels={key: value for key, value in (*view.labels.items(), *self.labels[name].items()) if kept(key)},
            annotations=self.annotations.get(name, {}),
            taints=(*health_taint, *self.taints.get(name, ())),
            ready=view.ready and name not in self.unready,
            hostname=view.labels.get(HOSTNAME, ""),
        )


class FakeLabels:
    """Implements `core.volume.kubernetes.NodeLabels`."""

    def __init__(self, nodes: FakeNodes) -> None:
        self._nodes = nodes
        self.writes: list[str] = []
        self.others: dict[str, dict[str, str]] = {}
        """Labels of Nodes that are not HyperPod's, by the Node's name."""

    async def label(self, *, node_name: str, key: str, value: str) -> None:
        if self._nodes.get(node_name) is None:
            raise ObjectGone(node_name)
        self.writes.append(f"label {node_name}")
        self._nodes.labels[node_name][key] = value

    async def unlabel(self, *, node_name: str, key: str) -> None:
        self.writes.append(f"unlabel {node_name}")
        self.others.get(node_name, self._nodes.labels[node_name]).pop(key, None)

    async def holders(self, *, key: str) -> frozenset[str]:
        return frozenset(name for name, labels in self._all().items() if key in labels)

    async def labelled(self, *, prefixes: Sequence[str]) -> Mapping[str, frozenset[str]]:
        wanted = tuple(prefixes)
        found = {
            name: frozenset(key for key in labels if key.startswith(wanted)) for name, labels in self._all().items()
        }
        return {name: keys for name, keys in found.items() if keys}

    def _all(self) -> dict[str, dict[str, str]]:
        return {node.name: self._nodes.every_label(node.name) for node in self._nodes.all()} | self.others

    async def selected(self, *, selector: Mapping[str, str]) -> frozenset[str]:
        return frozenset(
            node.name for node in self._nodes.all() if selector.items() <= self._nodes.every_label(node.name).items()
        )


@dataclass
class Held:
    """A PersistentVolume or PersistentVolumeClaim as it is stored."""

    manifest: Json
    uid: str
    deleting: bool = False
    bound: str = ""
    """Of a PersistentVolume: uid of the PersistentVolumeClaim that it was bound to first."""
    volume_name: str = ""
    """Of a PersistentVolumeClaim: the PersistentVolume that it is bound to, or asks for."""


@dataclass
class FakePublications:
    """Implements `core.volume.kubernetes.Publications`. A claim whose volume names it is bound at once."""

    volumes: dict[str, Held] = field(default_factory=dict)
    claims: dict[tuple[str, str], Held] = field(default_factory=dict)
    pods: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """Running pods by the PersistentVolumeClaim that they use."""
    writes: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def persistent_volume(self, *, name: str) -> PersistentVolume | None:
        self._collect()
        held = self.volumes.get(name)
        if held is None:
            return None
        wanted = held.manifest["spec"].get("claimRef")
        key = (wanted["namespace"], wanted["name"]) if wanted else ("", "")
        there = self.claims.get(key)
        if there is not None and not held.bound and there.volume_name in {"", name}:
            held.bound, there.volume_name = there.uid, name
        phase = "Released" if held.bound and (there is None or there.uid != held.bound) else "Bound"
        (term,) = held.manifest["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
        hosts = [item["values"][0] for item in term["matchExpressions"] if item["key"] == HOSTNAME]
        return PersistentVolume(
            name=name,
            uid=held.uid,
            claim_uid=_label(held),
            phase=phase if held.bound else "Available",
            deleting=held.deleting,
            capacity=int(held.manifest["spec"]["capacity"]["storage"].removesuffix("Gi")),
            reserved_for=ClaimReference(namespace=key[0], name=key[1], uid=held.bound) if wanted else None,
            hostname=hosts[0] if hosts else "",
            volume_id=_volume_id(held.manifest["spec"]),
            deletes="csi" in held.manifest["spec"]
            and held.manifest["spec"]["persistentVolumeReclaimPolicy"] == "Delete",
        )

    async def persistent_volume_claim(self, *, namespace: str, name: str) -> PersistentVolumeClaim | None:
        self._collect()
        held = self.claims.get((namespace, name))
        if held is None:
            return None
        return PersistentVolumeClaim(
            name=name, uid=held.uid, claim_uid=_label(held), deleting=held.deleting, volume_name=held.volume_name
        )

    async def create_persistent_volume(self, *, manifest: Json) -> None:
        self.writes.append("PersistentVolume+")
        self.volumes.setdefault(manifest["metadata"]["name"], self._held(manifest))

    async def create_persistent_volume_claim(self, *, manifest: Json) -> None:
        self.writes.append("PersistentVolumeClaim+")
        key = (manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        self.claims.setdefault(key, self._held(manifest))

    async def delete_persistent_volume(self, *, name: str, uid: str) -> None:
        self.writes.append("PersistentVolume-")
        if name in self.volumes and self.volumes[name].uid == uid:
            self.volumes[name].deleting = True

    async def delete_persistent_volume_claim(self, *, namespace: str, name: str, uid: str) -> None:
        self.writes.append("PersistentVolumeClaim-")
        if (namespace, name) in self.claims and self.claims[namespace, name].uid == uid:
            self.claims[namespace, name].deleting = True

    def _collect(self) -> None:
        """What is deleted goes when nobody uses it."""
        for key in [key for key, held in self.claims.items() if held.deleting and not self.pods[key]]:
            del self.claims[key]
        for name, held in list(self.volumes.items()):
            wanted = held.manifest["spec"].get("claimRef") or {}
            there = self.claims.get((wanted.get("namespace", ""), wanted.get("name", "")))
            if held.deleting and (there is None or there.volume_name not in {"", name}):
                del self.volumes[name]

    def _held(self, manifest: Json) -> Held:
        volume_name = str(manifest.get("spec", {}).get("volumeName", ""))
        return Held(manifest=manifest, uid=f"made-{next(self._numbers)}", volume_name=volume_name)


class FakeUsers:
    """Implements `core.volume.kubernetes.Users`."""

    def __init__(self, publications: FakePublications) -> None:
        self._publications = publications
        self.driver: dict[str, list[str]] = defaultdict(list)
        """Objects by which the CSI driver has a volume, by volume id."""

    async def pods(self, *, namespace: str, claim_name: str, fresh: bool) -> tuple[str, ...]:
        return tuple(f"{namespace}/{name}" for name in self._publications.pods[namespace, claim_name])

    async def csi(self, *, volume_id: str, ours: str, fresh: bool) -> tuple[str, ...]:
        return tuple(name for name in self.driver[volume_id] if name != f"PersistentVolume {ours}")


class FakeLeases:
    """Implements `core.volume.kubernetes.VolumeLeases`."""

    def __init__(self) -> None:
        self.holders: dict[str, str] = {}
        self.writes: list[str] = []

    async def holder(self, *, volume_id: str) -> str | None:
        return self.holders.get(volume_id)

    async def take(self, *, volume_id: str, holder: str, replaces: str) -> None:
        self.writes.append("Lease+")
        if self.holders.get(volume_id, "") != replaces:
            raise StaleObject(volume_id)
        self.holders[volume_id] = holder

    async def drop(self, *, volume_id: str, holder: str) -> None:
        self.writes.append("Lease-")
        if self.holders.get(volume_id) == holder:
            del self.holders[volume_id]


def _volume_id(spec: Json) -> str:
    return str(spec["csi"]["volumeHandle"]) if "csi" in spec else volume_of(spec["local"]["path"])


def _label(held: Held) -> str:
    return str((held.manifest["metadata"].get("labels") or {}).get(LABEL_CLAIM_UID, ""))
