"""The four things that a user does to a cluster, each from a prepared state, and when it has come to rest."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hyperpod_testbed.custom_objects import CustomObjects, Json

ACCOUNT = "111122223333"


def _group(name: str, count: int, **more: Any) -> Json:
    return {
        "instanceGroupName": name,
        "instanceType": "ml.m5.4xlarge",
        "instanceCount": count,
        "executionRole": f"arn:aws:iam::{ACCOUNT}:role/hyperpod-execution",
        "lifeCycleConfig": {"sourceS3Uri": f"s3://sagemaker-hyperpod-{ACCOUNT}/lifecycle", "onCreate": "on_create.sh"},
        **more,
    }


SPEC: Json = {
    "orchestrator": {"eks": {"clusterArn": f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/ml"}},
    "vpcConfig": {"securityGroupIds": ["sg-0123456789abcdef0"], "subnets": ["subnet-0123456789abcdef0"]},
    "nodeProvisioningMode": "Continuous",
    "instanceGroups": [_group("one", 1), _group("two", 2)],
    "tags": [{"key": "team", "value": "research"}],
    # The lanes watch no Nodes, so nobody knows what runs on them.
    "management": {"disruption": {"runningWorkloads": "Ignore"}},
}


@dataclass(frozen=True)
class Phase:
    """`act` is what the user does; without `prepared` there is no cluster before it."""

    name: str
    act: Callable[[CustomObjects, str], None]
    prepared: bool = True
    leaves: bool = True
    """Whether there is a cluster afterwards."""


def _create(objects: CustomObjects, name: str) -> None:
    objects.create(name, copy.deepcopy(SPEC))


def _update(objects: CustomObjects, name: str) -> None:
    """Another label, another group and another tag: an intent, UpdateCluster, and tags in a pass of their own."""
    labelled = _group("one", 1, kubernetesConfig={"labels": {"example.com/pool": "training"}})
    groups = [labelled, _group("two", 2), _group("three", 1)]
    tags = [{"key": "team", "value": "research"}, {"key": "stage", "value": "two"}]
    objects.merge(name, {"spec": {"instanceGroups": groups, "tags": tags}})


def _scale(objects: CustomObjects, name: str) -> None:
    objects.merge(name, {"spec": {"instanceGroups": [_group("one", 3), _group("two", 1)]}})


def _delete(objects: CustomObjects, name: str) -> None:
    objects.delete(name)


PHASES: Mapping[str, Phase] = {
    phase.name: phase
    for phase in (
        Phase("create", _create, prepared=False),
        Phase("update", _update),
        Phase("scale", _scale),
        Phase("delete", _delete, leaves=False),
    )
}


def at_rest(*, item: Json | None, cluster: Json | None, leaves: bool) -> bool:
    """Whether the phase is over: Ready about this generation with every node there, or nothing left."""
    if item is None or cluster is None:
        return item is None and cluster is None and not leaves
    status = item.get("status", {})
    conditions = {one["type"]: one["status"] for one in status.get("conditions", [])}
    counts = all(group["CurrentCount"] == group["TargetCount"] for group in cluster["InstanceGroups"])
    about_this = bool(status.get("observedGeneration") == item["metadata"]["generation"])
    return leaves and about_this and conditions.get("Ready") == "True" and "Reconciling" not in conditions and counts
