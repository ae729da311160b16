"""What AWS asks IAM about a call: the actions, the resources and the condition keys.

Source: Service Authorization Reference, "Actions, resources, and condition keys" for Amazon SageMaker, Amazon EC2, AWS
IAM and Amazon EKS; SageMaker developer guide, IAM for HyperPod, for what is asked of the caller elsewhere.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.iam.policies import Asked

from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Region

ON_CLUSTERS = ("ClusterName", "ClusterArn", "ResourceArn", "SourceClusterArn")
SERVICE_LINKED = "aws-service-role/hyperpod.sagemaker.amazonaws.com/AWSServiceRoleForSageMakerHyperPod"
EKS_OF_CALLER = ("DescribeAccessEntry", "DeleteAccessEntry", "AssociateAccessPolicy")


def asked(sim: Simulation, region: Region, service: str, name: str, request: Mapping[str, Any]) -> Iterator[Asked]:
    """All that must be allowed for this call, in the account as it is before the call."""
    if service == "sagemaker" and any(request.get(member) for member in ON_CLUSTERS):
        yield from _about_cluster(sim, region, name, request)
    elif service == "ec2":
        yield from _about_volumes(sim, region, name, request)
    else:
        yield Asked(f"{service}:{name}", "*", {})


def _about_cluster(sim: Simulation, region: Region, name: str, request: Mapping[str, Any]) -> Iterator[Asked]:
    named = next(str(request[member]) for member in ON_CLUSTERS if request.get(member))
    cluster = region.find(named)
    arn = cluster.arn if cluster else f"arn:aws:sagemaker:{region.name}:{sim.account.id}:cluster/abcdefghijkl"
    tags = _map(request.get("Tags") or ())
    context = {**_keys("aws:ResourceTag", cluster.tags if cluster else {}), **_keys("aws:RequestTag", tags)}
    if keys := [*tags, *(request.get("TagKeys") or ())]:
        context["aws:TagKeys"] = keys
    yield Asked(f"sagemaker:{name}", arn, context)
    if name == "CreateCluster":
        role = f"arn:aws:iam::{sim.account.id}:role/{SERVICE_LINKED}"
        yield Asked("iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": "hyperpod.sagemaker.amazonaws.com"})
        if tags:
            yield Asked("sagemaker:AddTags", arn, {**context, "sagemaker:TaggingAction": "CreateCluster"})
    if name == "UpdateCluster":
        for action in ("BatchAddClusterNodes", "BatchDeleteClusterNodes"):
            yield Asked(f"sagemaker:{action}", arn, context)
    if name in {"CreateCluster", "UpdateCluster"}:
        for role in sorted(_roles(request)):
            yield Asked("iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"})
    yield from _of_eks(name, request, cluster)
    if name in {"AttachClusterNodeVolume", "DetachClusterNodeVolume"}:
        volume = region.ebs.volumes.get(str(request["VolumeId"]))
        of_volume = _keys("aws:ResourceTag", volume.tags if volume else {})
        action = f"ec2:{name.partition('Cluster')[0]}Volume"
        yield Asked(action, f"arn:aws:ec2:{region.name}:{sim.account.id}:volume/{request['VolumeId']}", of_volume)
        yield Asked("ec2:DescribeVolumes", "*", {})


def _of_eks(name: str, request: Mapping[str, Any], cluster: Cluster | None) -> Iterator[Asked]:
    """The rights on the EKS cluster that AWS asks of the caller (dependent actions)."""
    eks = ((request.get("Orchestrator") or {}).get("Eks") or {}).get("ClusterArn") or (cluster and cluster.eks_arn)
    if not eks:
        return
    if name in {"CreateCluster", "UpdateCluster"}:
        entry = str(eks).replace(":cluster/", ":access-entry/") + "/role/111122223333/hyperpod/0"
        yield Asked("eks:DescribeCluster", str(eks), {})
        yield Asked("eks:CreateAccessEntry", str(eks), {})
        for action in EKS_OF_CALLER:
            yield Asked(f"eks:{action}", entry, {})
    elif name == "DeleteCluster":
        yield Asked("eks:DeleteAccessEntry", str(eks).replace(":cluster/", ":access-entry/") + "/role/1/x/0", {})
    elif "Batch" in name or "Volume" in name or name == "UpdateClusterSoftware":
        yield Asked("eks:DescribeCluster", str(eks), {})


def _about_volumes(sim: Simulation, region: Region, name: str, request: Mapping[str, Any]) -> Iterator[Asked]:
    account, action = sim.account.id, f"ec2:{name}"
    if name.startswith("Describe"):
        yield Asked(action, "*", {})
        return
    specified = {one["ResourceType"]: _map(one["Tags"]) for one in request.get("TagSpecifications") or ()}
    made = {"CreateVolume": "volume", "CreateSnapshot": "snapshot"}.get(name)
    if made:
        new = f"arn:aws:ec2:{region.name}:{account if made == 'volume' else ''}:{made}/*new*".replace("*", "")
        tags = specified.get(made, {})
        context = {**_keys("aws:RequestTag", tags), "aws:TagKeys": list(tags)}
        yield Asked(action, new, context)
        if tags:
            yield Asked("ec2:CreateTags", new, {**context, "ec2:CreateAction": name})
    if name == "CreateVolume" and request.get("SnapshotId"):
        yield Asked(action, f"arn:aws:ec2:{region.name}::snapshot/{request['SnapshotId']}", {})
    named = [request.get("VolumeId"), *(request.get("Resources") or ())]
    tags = _map(request.get("Tags") or ()) if name in {"CreateTags", "DeleteTags"} else {}
    for volume_id in filter(None, named):
        volume = region.ebs.volumes.get(str(volume_id))
        context = _keys("aws:ResourceTag", volume.tags if volume else {})
        if name in {"CreateTags", "DeleteTags"}:
            context = {**context, **_keys("aws:RequestTag", tags), "aws:TagKeys": list(tags)}
        yield Asked(action, f"arn:aws:ec2:{region.name}:{account}:volume/{volume_id}", context)


def _roles(request: Mapping[str, Any]) -> set[str]:
    groups = [*(request.get("InstanceGroups") or ()), *(request.get("RestrictedInstanceGroups") or ())]
    return {str(one["ExecutionRole"]) for one in groups if one.get("ExecutionRole")}


def _map(tags: Any) -> dict[str, str]:
    return {one["Key"]: one.get("Value", "") for one in tags}


def _keys(prefix: str, tags: Mapping[str, str]) -> dict[str, Any]:
    return {f"{prefix}/{key}": value for key, value in tags.items()}
