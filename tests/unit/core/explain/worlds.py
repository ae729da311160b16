"""Objects as the API server has them, in the situations that people ask about."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hyperpod_operator.core.explain.world import Operator, Subject, World

NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
SINCE = "2026-11-28T11:50:00Z"
KEY = "arn:aws:kms:us-west-2:111122223333:key/k"
ARN = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"
CLUSTER = Subject(kind="HyperPodCluster", plural="hyperpodclusters", short="hpc", namespace="team", name="research")
CLAIM = Subject(kind="EBSVolumeClaim", plural="ebsvolumeclaims", short="evc", namespace="team", name="cache")
OPERATION = Subject(
    kind="HyperPodNodeOperation", plural="hyperpodnodeoperations", short="hpno", namespace="team", name="reboot-x"
)
LEASE = {
    "metadata": {"name": "hyperpod-operator", "namespace": "hyperpod-operator"},
    "spec": {
        "holderIdentity": "hyperpod-operator-0_uid",
        "leaseDurationSeconds": 15,
        "renewTime": "2026-11-28T11:59:58.000000Z",
    },
}
SUBJECTS = {one.kind: one for one in (CLUSTER, CLAIM, OPERATION)}
RUNNING = Operator(namespace="hyperpod-operator", lease=LEASE)


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    message = message or f"Message of {reason}."
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": SINCE}


def cluster(*conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "HyperPodCluster",
        "metadata": {"name": "research", "namespace": "team", "uid": "u1", "generation": 3},
        "spec": {
            "orchestrator": {"eks": {"clusterArn": "arn:aws:eks:us-west-2:111122223333:cluster/ml"}},
            "vpcConfig": {"securityGroupIds": ["sg-0123456789abcdef0"], "subnets": ["subnet-0a"]},
            "instanceGroups": [
                {
                    "instanceGroupName": "gpu",
                    "instanceType": "ml.p5.48xlarge",
                    "instanceCount": 4,
                    "executionRole": "arn:aws:iam::111122223333:role/hyperpod-execution",
                }
            ],
        },
        "status": {
            "observedGeneration": 3,
            "clusterArn": ARN,
            "clusterStatus": "InService",
            "region": "us-west-2",
            "conditions": [*conditions],
            **status,
        },
    }


def claim(*conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "EBSVolumeClaim",
        "metadata": {"name": "cache", "namespace": "team", "uid": "u2", "generation": 1},
        "spec": {"clusterRef": {"name": "research"}, "source": {"create": {}}, "volume": {"size": 50}},
        "status": {
            "observedGeneration": 1,
            "region": "us-west-2",
            "volumeId": "vol-0123456789abcdef0",
            "observed": {"size": 100, "kmsKeyId": KEY},
            "persistentVolumeName": "evc-u2",
            "persistentVolumeClaimName": "cache",
            "inUseBy": ["team/trainer-0"],
            "attachment": {
                "clusterArn": ARN,
                "instanceId": "i-0123456789abcdef0",
                "nodeName": "hyperpod-i-0123456789abcdef0",
                "devicePath": "/dev/disk/by-id/nvme-x",
                "state": "attached",
            },
            "conditions": [*conditions],
            **status,
        },
    }


def operation(*conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "HyperPodNodeOperation",
        "metadata": {"name": "reboot-x", "namespace": "team", "uid": "u3", "generation": 1},
        "spec": {"clusterRef": {"name": "research"}, "operation": "Reboot", "nodes": {"names": ["hyperpod-i-0a"]}},
        "status": {
            "observedGeneration": 1,
            "clusterArn": ARN,
            "summary": "0/1 done",
            "nodes": [
                {
                    "id": "hyperpod-i-0a",
                    "name": "hyperpod-i-0a",
                    "instanceId": "i-0a",
                    "instanceGroupName": "gpu",
                    "state": "Draining",
                    "message": "2 pods are still there.",
                    "waitingFor": ["team/trainer-0"],
                    "startTime": SINCE,
                }
            ],
            "conditions": [*conditions],
            **status,
        },
    }


def world(resource: dict[str, Any] | None, **members: Any) -> World:
    subject = SUBJECTS[resource["kind"]] if resource is not None else CLUSTER
    made = World(now=NOW, subject=subject, resource=deepcopy(resource), operator=RUNNING)
    return replace(made, **members)


def unready(reason: str, *, message: str = "", stalled: bool = False, **status: Any) -> dict[str, Any]:
    listed = [condition("Ready", "False", reason, message)]
    if stalled:
        listed.append(condition("Stalled", "True", reason, message))
    return cluster(*listed, **status)


READY = cluster(condition("Ready", "True", "ClusterReady", "4/4 nodes."), condition("SpecSynced", "True", "InSync"))
