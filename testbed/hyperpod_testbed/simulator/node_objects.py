"""What a HyperPod instance looks like as a Node object.

Name, providerID and labels are those of nodes on EKS: `hyperpod-<instanceId>`, the availability zone's id first in the
providerID, instance types with their `ml.` prefix, and the labels of AWS's page on resilience-related Kubernetes
labels. The one taint of HyperPod is `node-health-status=Unschedulable:NoSchedule`, while deep health checks run and on
a fault. Labels and annotation of faults, and the node condition of a fault, are as AWS's troubleshooting guides tell.
"""

import datetime
import json
import zlib
from dataclasses import dataclass, field
from typing import Any, assert_never

from hyperpod_testbed.simulator import ultraservers
from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.options import Options
from hyperpod_testbed.simulator.state import JSON, Cluster, Instance, NodeFault

PREFIX = "sagemaker.amazonaws.com/"
COMPUTE_TYPE = f"{PREFIX}compute-type"
HEALTH = f"{PREFIX}node-health-status"
CHECKS = f"{PREFIX}deep-health-check-status"
FAULT_TYPES = f"{PREFIX}fault-types"
FAULT_REASONS = f"{PREFIX}fault-reasons"
FAULT_DETAILS = f"{PREFIX}fault-details"
WRITTEN = "hyperpod-testbed/health-written"
"""Annotation with the health label that the simulator wrote last: another value in the label is a person's command.
HyperPod has none such; it must tell the two apart by other means."""
BROUGHT_BY = "hyperpod-testbed/brought-by"
"""Annotation of the nodes that a simulator brought, and that a later one may take away. HyperPod has none such."""
ATTACHMENT_LABELS = {f"{PREFIX}num-eni-attachments": "1", f"{PREFIX}num-block-device-mappings": "2"}
"""One network interface, a root volume and a secondary one."""
KUBELET_CONDITIONS = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable", "Ready")
LONGEST_LABEL = 63
_UNKNOWN_LABELS = dict.fromkeys((CHECKS, FAULT_TYPES, FAULT_REASONS), "?")
"""Labels of ours that a node of which nothing is known may have, and that come and go."""


@dataclass(frozen=True)
class NodeView:
    """The parts of a Node that the simulator decides; everything else on it belongs to others."""

    name: str
    provider_id: str
    labels: dict[str, str]
    taints: tuple[tuple[str, str, str], ...]
    """Key, value, effect, without HyperPod's own."""
    tainted: bool
    """HyperPod's own taint."""
    ready: bool
    boot_id: str = ""
    annotations: dict[str, str | None] = field(default_factory=dict)
    """None is an annotation that is not there."""
    faults: tuple[NodeFault, ...] = ()
    """The newest of each type that is told as a condition."""
    capacity: dict[str, str] = field(default_factory=dict)
    address: str = ""

    @property
    def healthy(self) -> bool:
        """Whether HyperPod holds the node fit for pods."""
        return self.labels[HEALTH] == "Schedulable" and self.labels.get(CHECKS) != "InProgress"


def node_name(instance_id: str) -> str:
    """The name of an instance's node."""
    return f"hyperpod-{instance_id}"


def view(cluster: Cluster, instance: Instance, options: Options) -> NodeView:
    """The node of an instance that has joined the EKS cluster."""
    instance_id = str(instance.instance_id)
    kind = instance_type(instance.type)
    labels = {
        **instance.labels,
        COMPUTE_TYPE: "hyperpod",
        f"{PREFIX}cluster-name": cluster.name,
        f"{PREFIX}instance-group-name": instance.group,
        HEALTH: instance.health,
        "node.kubernetes.io/instance-type": instance.type,
        "beta.kubernetes.io/instance-type": instance.type,
        "topology.kubernetes.io/region": cluster.region,
        "topology.kubernetes.io/zone": instance.zone.name,
        "topology.k8s.aws/zone-id": instance.zone.id,
        **(_network_labels(instance) if options.network_labels else {}),
        **ultraservers.labels(instance),
        **(ATTACHMENT_LABELS if options.attachment_labels else {}),
        "kubernetes.io/hostname": node_name(instance_id),
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": kind.architecture,
    }
    if instance.checks:
        labels[CHECKS] = instance.checks
    labels |= _fault_labels(instance, options)
    told = {fault.type: fault for fault in instance.faults if fault.condition}
    return NodeView(
        name=node_name(instance_id),
        provider_id=_provider_id(cluster, instance, options),
        labels=labels,
        taints=tuple((taint["Key"], taint.get("Value", ""), taint["Effect"]) for taint in instance.taints),
        tainted=instance.tainted,
        ready=instance.ready,
        boot_id=f"{instance_id}-{instance.boots}",
        annotations={WRITTEN: instance.health, FAULT_DETAILS: _fault_details(instance)},
        faults=tuple(told.values()),
        capacity=kind.capacity,
        address=instance.address,
    )


def _provider_id(cluster: Cluster, instance: Instance, options: Options) -> str:
    match options.provider_id:
        case "hyperpod":
            return f"aws:///{instance.zone.id}/sagemaker/cluster/hyperpod-{cluster.id}-{instance.instance_id}"
        case "instance":
            return f"aws:///{instance.zone.name}/{instance.instance_id}"
        case other:
            assert_never(other)


def _network_labels(instance: Instance) -> dict[str, str]:
    """`topology.k8s.aws/network-node-layer-1..3`: a tree in which the zone is the root and neighbours share leaves."""
    leaf = instance.serial // 4
    places = (instance.zone.id, f"{instance.zone.id}-{leaf // 4}", f"{instance.zone.id}-{leaf // 4}-{leaf}")
    return {
        f"topology.k8s.aws/network-node-layer-{layer}": f"nn-{zlib.crc32(place.encode()):08x}000000000"
        for layer, place in enumerate(places, 1)
    }


def manifest(node: NodeView, *, now: datetime.datetime) -> JSON:
    """The Node to create, status included: one write brings it up."""
    annotations = {key: value for key, value in node.annotations.items() if value is not None}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": node.labels, "annotations": {**annotations, BROUGHT_BY: "simulator"}},
        "spec": {"providerID": node.provider_id, "taints": _own_taints(node)},
        "status": {
            "capacity": node.capacity,
            "allocatable": node.capacity,
            "addresses": [
                {"type": "InternalIP", "address": node.address},
                {"type": "Hostname", "address": node.name},
            ],
            "conditions": conditions(node, now=now),
            "nodeInfo": {
                "machineID": node.name,
                "systemUUID": node.name,
                "bootID": node.boot_id,
                "kernelVersion": "6.1.0",
                "osImage": "Amazon Linux 2023",
                "containerRuntimeVersion": "containerd://2.0.0",
                "kubeletVersion": "v1.34.0",
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": node.labels["kubernetes.io/arch"],
            },
        },
    }


def status_patch(node: NodeView, *, former: NodeView | None, now: datetime.datetime) -> JSON:
    """What of the status is not as it was; empty if everything is."""
    found = conditions(node, now=now)
    if former is not None:
        fresh = {fault.type for fault in node.faults if fault not in former.faults}
        fresh |= {"Ready"} if node.ready != former.ready else set()
        found = [condition for condition in found if condition["type"] in fresh]
    patch: JSON = {"conditions": found} if found else {}
    if former is None or former.boot_id != node.boot_id:
        patch["nodeInfo"] = {"bootID": node.boot_id}
    return patch


def conditions(node: NodeView, *, now: datetime.datetime) -> list[JSON]:
    """The conditions of a kubelet, of which only Ready ever changes here, and those of the health agent.

    A fault has the time at which it was found, or was over; that is simulated time, as in the annotation.
    """
    found = [
        _condition(kind, status=status, reason=reason, message=reason, stamp=_stamp(now))
        for kind, status, reason in (
            ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
            ("PIDPressure", "False", "KubeletHasSufficientPID"),
            ("Ready", str(node.ready), "KubeletReady" if node.ready else "KubeletNotReady"),
        )
    ]
    return found + [
        _condition(
            fault.type,
            status=str(fault.active),
            reason=fault.reason,
            message=fault.message,
            stamp=_rfc3339(fault.time if fault.recovered_at is None else fault.recovered_at),
        )
        for fault in node.faults
    ]


def taint_object(key: str, value: str, effect: str) -> JSON:
    """A taint as the Kubernetes API has it."""
    return {"key": key, "value": value, "effect": effect} if value else {"key": key, "effect": effect}


def moves_taints(node: NodeView, *, former: NodeView | None) -> bool:
    """Whether the taints of the node may have to change."""
    if former is None or (former.taints, former.tainted) != (node.taints, node.tainted):
        return True
    return node.healthy and not former.healthy


def patch(existing: JSON | None, node: NodeView, *, former: NodeView | None, remove_any: bool) -> JSON:
    """A merge patch of labels, annotations and taints that are ours and changed; guarded where a list is replaced.

    Without `existing`, the node as it is, taints are left alone.
    """
    metadata: JSON = {}
    before = former or NodeView(node.name, node.provider_id, _UNKNOWN_LABELS, (), False, False, annotations={})
    for member, was, wanted in (
        ("labels", before.labels, node.labels),
        ("annotations", before.annotations, node.annotations),
    ):
        present = ((existing or {}).get("metadata") or {}).get(member) or {}
        touched = {key for key in {*was, *wanted} if was.get(key) != wanted.get(key) or key not in was}
        changes = {key: wanted.get(key) for key in touched if not existing or present.get(key) != wanted.get(key)}
        if changes:
            metadata[member] = changes
    if existing is None:
        return {"metadata": metadata} if metadata else {}
    current = existing["spec"].get("taints") or []
    after = taints_after(current, former=former, wanted=node, remove_any=remove_any)
    if _essence(after) == _essence(current):
        return {"metadata": metadata} if metadata else {}
    return {
        "metadata": {**metadata, "resourceVersion": existing["metadata"]["resourceVersion"]},
        "spec": {"taints": after},
    }


def taints_after(
    existing: list[dict[str, Any]], *, former: NodeView | None, wanted: NodeView, remove_any: bool
) -> list[JSON]:
    """The taints of a node once ours are as wanted: those of others stay, in their order.

    `remove_any`: on recovery, HyperPod's taint goes whoever set it. An unhealthy node keeps one that somebody else set.
    """
    ours = {(key, effect) for key, _, effect in (*(former.taints if former else ()), *wanted.taints)}
    recovered = wanted.healthy and (former is None or not former.healthy)
    if wanted.tainted or (former is not None and former.tainted) or (recovered and (remove_any or former is None)):
        ours.add((HEALTH, "NoSchedule"))
    kept = [taint for taint in existing if (taint["key"], taint["effect"]) not in ours]
    return [*kept, *_own_taints(wanted)]


def _own_taints(node: NodeView) -> list[JSON]:
    health_taint = [(HEALTH, "Unschedulable", "NoSchedule")] if node.tainted else []
    return [taint_object(*taint) for taint in (*node.taints, *health_taint)]


def _essence(taints: list[JSON]) -> set[tuple[str, str, str]]:
    return {(taint["key"], taint.get("value") or "", taint["effect"]) for taint in taints}


def _fault_labels(instance: Instance, options: Options) -> dict[str, str]:
    kept = options.fault_labels_after_recovery == "kept"
    faults = [fault for fault in instance.faults if fault.active or kept]
    if options.fault_labels == "latest":
        faults = faults[-1:]
    if not faults:
        return {}
    return {
        FAULT_TYPES: _joined([fault.type for fault in faults]),
        FAULT_REASONS: _joined([fault.reason for fault in faults]),
    }


def _joined(words: list[str]) -> str:
    """The words as one label value: each once, as many as fit."""
    first, *others = dict.fromkeys(words)
    for word in others:
        if len(first) + 1 + len(word) > LONGEST_LABEL:
            break
        first = f"{first}_{word}"
    return first


def _fault_details(instance: Instance) -> str | None:
    if not instance.faults:
        return None
    return json.dumps(
        [
            {
                "timestamp": _rfc3339(fault.time),
                "type": fault.type,
                "reason": fault.reason,
                "message": fault.message,
            }
            for fault in instance.faults
        ]
    )


def _condition(kind: str, *, status: str, reason: str, message: str, stamp: str) -> JSON:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": stamp,
        "lastTransitionTime": stamp,
    }


def _rfc3339(seconds: float) -> str:
    return _stamp(datetime.datetime.fromtimestamp(seconds, datetime.UTC))


def _stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
