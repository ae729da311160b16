"""What the tests of claims start from: a HyperPod cluster of three nodes, and specs as users write them."""

from typing import Any

import boto3
from tests.unit.controllers.volume.kubernetes import FakeNodes

from hyperpod_testbed.simulator import Simulator

CLUSTER = "research"


def new(**members: Any) -> dict[str, Any]:
    """A volume to be made, for the group of workers; None removes a member."""
    made = {
        "clusterRef": {"clusterName": CLUSTER},
        "source": {"create": {}},
        "volume": {"size": 100},
        "attachment": {"target": {"instanceGroupName": "workers"}},
        **members,
    }
    return {name: value for name, value in made.items() if value is not None}


def adopting(volume_id: str, **members: Any) -> dict[str, Any]:
    """A volume that exists, to be adopted."""
    management = {"adoptionPolicy": "IfUnowned", **(members.pop("management", None) or {})}
    return new(**{"source": {"volumeId": volume_id}, "volume": None, "management": management, **members})


def published(**members: Any) -> dict[str, Any]:
    return new(**{"publish": {"type": "LocalPV", "persistentVolumeClaim": {"name": "data", "create": True}}, **members})


def group(name: str = "workers", count: int = 3, **members: Any) -> dict[str, Any]:
    """An instance group as the API has it."""
    return {
        "InstanceGroupName": name,
        "InstanceType": "ml.m5.xlarge",
        "InstanceCount": count,
        "ExecutionRole": "arn:aws:iam::111122223333:role/other",
        "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-other/", "OnCreate": "on_create.sh"},
        **members,
    }


def add_cluster(simulator: Simulator, name: str = CLUSTER, *groups: dict[str, Any]) -> str:
    """A HyperPod cluster, complete at once; returns its ARN."""
    request = {"InstanceGroups": list(groups or (group(),)), "NodeProvisioningMode": "Continuous"}
    return simulator.world.create_foreign_cluster(name, request=request)


def instances(cluster: str = CLUSTER) -> list[str]:
    """Ids of the instances of a cluster, in order."""
    found = boto3.client("sagemaker", region_name="us-west-2").list_cluster_nodes(ClusterName=cluster)
    return sorted(node["InstanceId"] for node in found["ClusterNodeSummaries"])


def replace(instance: str, cluster: str = CLUSTER) -> None:
    """Somebody has HyperPod replace an instance."""
    sagemaker = boto3.client("sagemaker", region_name="us-west-2")
    sagemaker.batch_replace_cluster_nodes(ClusterName=cluster, NodeIds=[instance])


def reboot(instance: str, cluster: str = CLUSTER) -> None:
    sagemaker = boto3.client("sagemaker", region_name="us-west-2")
    sagemaker.batch_reboot_cluster_nodes(ClusterName=cluster, NodeIds=[instance])


def arn_of(simulator: Simulator, cluster: str = CLUSTER) -> str:
    with simulator.core.present() as sim:
        return next(one.arn for one in sim.account.clusters() if one.name == cluster)


def zone(nodes: FakeNodes) -> str:
    """The zone that the nodes are in."""
    return nodes.all()[0].labels["topology.kubernetes.io/zone"]
