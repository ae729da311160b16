"""What a HyperPod instance looks like as a Node object.

Name, providerID and labels are those of nodes on EKS: `hyperpod-<instanceId>`, the availability zone's id first in the
providerID, instance types with their `ml.` prefix, and the labels of AWS's page on resilience-related Kubernetes
labels. The one taint of HyperPod is `node-health-status=Unschedulable:NoSchedule`, while deep health checks run.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any

from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.state import JSON, Cluster, Instance

PREFIX = "sagemaker.amazonaws.com/"
COMPUTE_TYPE = f"{PREFIX}compute-type"
HEALTH = f"{PREFIX}node-health-status"
CHECKS = f"{PREFIX}deep-health-check-status"
BROUGHT_BY = "hyperpod-testbed/brought-by"
"""Annotation of the nodes that a simulator brought, and that a later one may take away. HyperPod has none such."""


@dataclass(frozen=True)
class NodeView:
    """The parts of a Node that the simulator decides; everything else on it belongs to others."""

    name: str
    provider_id: str
    labels: dict[str, str]
    taints: tuple[tuple[str, str, str], ...]
    """Key, value, effect."""
    ready: bool
    capacity: dict[str, str] = field(default_factory=dict)
    address: str = ""


def node_name(instance_id: str) -> str:
    """The name of an instance's node."""
    return f"hyperpod-{instance_id}"


def view(cluster: Cluster, instance: Instance) -> NodeView:
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
        "kubernetes.io/hostname": node_name(instance_id),
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": kind.architecture,
    }
    if instance.checks:
        labels[CHECKS] = instance.checks
    taints = [(taint["Key"], taint.get("Value", ""), taint["Effect"]) for taint in instance.taints]
    if instance.checks == "InProgress" or instance.health != "Schedulable":
        taints.append((HEALTH, "Unschedulable", "NoSchedule"))
    return NodeView(
        name=node_name(instance_id),
        provider_id=f"aws:///{instance.zone.id}/sagemaker/cluster/hyperpod-{cluster.id}-{instance_id}",
        labels=labels,
        taints=tuple(taints),
        ready=instance.ready,
        capacity=kind.capacity,
        address=instance.address,
    )


def manifest(node: NodeView, *, now: datetime.datetime) -> JSON:
    """The Node to create, status included: one write brings it up."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": node.labels, "annotations": {BROUGHT_BY: "simulator"}},
        "spec": {"providerID": node.provider_id, "taints": [taint_object(*taint) for taint in node.taints]},
        "status": {
            "capacity": node.capacity,
            "allocatable": node.capacity,
            "addresses": [
                {"type": "InternalIP", "address": node.address},
                {"type": "Hostname", "address": node.name},
            ],
            "conditions": conditions(ready=node.ready, now=now),
            "nodeInfo": {
                "machineID": node.name,
                "systemUUID": node.name,
                "bootID": node.name,
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


def conditions(*, ready: bool, now: datetime.datetime) -> list[JSON]:
    """The conditions of a kubelet, of which only Ready ever changes here."""
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def condition(kind: str, status: str, reason: str) -> JSON:
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": reason,
            "lastHeartbeatTime": stamp,
            "lastTransitionTime": stamp,
        }

    return [
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID"),
        condition("Ready", "True" if ready else "False", "KubeletReady" if ready else "KubeletNotReady"),
    ]


def taint_object(key: str, value: str, effect: str) -> JSON:
    """A taint as the Kubernetes API has it."""
    return {"key": key, "value": value, "effect": effect} if value else {"key": key, "effect": effect}


def taints_after(existing: list[dict[str, Any]], *, former: NodeView | None, wanted: NodeView) -> list[JSON]:
    """The taints of a node once ours are as wanted: those of others stay, in their order."""
    ours = {(key, effect) for key, _, effect in (*(former.taints if former else ()), *wanted.taints)}
    ours.add((HEALTH, "NoSchedule"))
    kept = [taint for taint in existing if (taint["key"], taint["effect"]) not in ours]
    return [*kept, *(taint_object(*taint) for taint in wanted.taints)]
