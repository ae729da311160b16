"""A node as HyperPod on EKS has it: its labels, its providerID, and as many bytes as a kubelet makes of it.

Written out here and not taken from the simulator: what is measured must not change when the simulator does.
"""

import datetime
import random
from collections.abc import Mapping
from typing import Any

from benchmarks.peers.taint import COMPUTE_TYPE, HEALTH

IMAGES = 37
"""A kubelet reports up to 50; with two names each they are most of a node's bytes. With these a node has 11 KB."""

CONDITIONS = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID"),
    "Ready": ("True", "KubeletReady"),
}


GROUP, INSTANCE_TYPE = "gpu", "ml.p5.48xlarge"


def node_name(instance_id: str) -> str:
    return f"hyperpod-{instance_id}"


def made_up(number: int) -> str:
    """An instance id for a node behind which there is no instance."""
    return f"i-{number:017x}"


def node_manifest(
    number: int, *, instance_id: str, cluster_id: str, labels: Mapping[str, str], now: datetime.datetime
) -> dict[str, Any]:
    """A healthy node with these labels beside HyperPod's own; the server adds managedFields."""
    name = node_name(instance_id)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {**_labels(name), **labels},
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {"providerID": f"aws:///usw2-az1/sagemaker/cluster/hyperpod-{cluster_id}-{instance_id}"},
        "status": _status(name, number, now),
    }


def _labels(name: str) -> dict[str, str]:
    return {
        COMPUTE_TYPE: "hyperpod",
        HEALTH: "Schedulable",
        "sagemaker.amazonaws.com/cluster-name": "bench",
        "sagemaker.amazonaws.com/instance-group-name": GROUP,
        "node.kubernetes.io/instance-type": INSTANCE_TYPE,
        "beta.kubernetes.io/instance-type": INSTANCE_TYPE,
        "topology.kubernetes.io/region": "us-west-2",
        "topology.kubernetes.io/zone": "us-west-2a",
        "topology.k8s.aws/zone-id": "usw2-az1",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    }


def _status(name: str, number: int, now: datetime.datetime) -> dict[str, Any]:
    chance = random.Random(number)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    capacity = {
        "cpu": "192",
        "memory": "2097152Mi",
        "nvidia.com/gpu": "8",
        "vpc.amazonaws.com/efa": "32",
        "pods": "100",
    }
    return {
        "capacity": capacity,
        "allocatable": capacity,
        "addresses": [
            {"type": "InternalIP", "address": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"},
            {"type": "Hostname", "address": name},
        ],
        "conditions": [
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": reason,
                "lastHeartbeatTime": stamp,
                "lastTransitionTime": stamp,
            }
            for kind, (status, reason) in CONDITIONS.items()
        ],
        "nodeInfo": {
            "machineID": name,
            "systemUUID": name,
            "bootID": name,
            "kernelVersion": "6.1.0",
            "osImage": "Amazon Linux 2023",
            "containerRuntimeVersion": "containerd://2.0.0",
            "kubeletVersion": "v1.34.0",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
        "images": [_image(chance, image) for image in range(IMAGES)],
    }


def _image(chance: random.Random, number: int) -> dict[str, Any]:
    repository = "111122223333.dkr.ecr.us-west-2.amazonaws.com/team/job"
    return {
        "names": [f"{repository}@sha256:{chance.randbytes(32).hex()}", f"{repository}:{number}"],
        "sizeBytes": chance.randrange(10**7, 10**10),
    }
