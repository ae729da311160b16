"""Answers of SageMaker, held to what was asked and to the members that decisions rest on."""

from collections.abc import Mapping
from typing import Any

from hyperpod_operator.aws.call.answers import Member, check, check_model, listed, number, text, unknown
from hyperpod_operator.aws.sagemaker import translate
from hyperpod_operator.core.location import CLUSTER_ARN

# [assumption: required-members-present]
RESTS_ON: Mapping[str, tuple[Member, ...]] = {
    "DescribeCluster": (
        text("ClusterArn"),
        text("ClusterName"),
        text("ClusterStatus"),
        *(text(f"{kind}[].InstanceGroupName") for kind in translate.GROUP_LISTS),
        *(text(f"{kind}[].Status") for kind in translate.GROUP_LISTS),
        *(number(f"{kind}[].{count}") for kind in translate.GROUP_LISTS for count in ("CurrentCount", "TargetCount")),
    ),
    "ListClusters": (text("ClusterSummaries[].ClusterName"), text("ClusterSummaries[].ClusterStatus")),
    "ListClusterNodes": (
        text("ClusterNodeSummaries[].InstanceGroupName"),
        text("ClusterNodeSummaries[].InstanceStatus.Status"),
    ),
    "ListTags": (listed("Tags"), text("Tags[].Key")),
    "ListClusterEvents": (listed("Events"), text("Events[].EventId")),
    "DescribeClusterEvent": (),
    "CreateCluster": (text("ClusterArn"),),
    "UpdateCluster": (text("ClusterArn"),),
    "UpdateClusterSoftware": (text("ClusterArn"),),
    "DeleteCluster": (text("ClusterArn"),),
    "AddTags": (),
    "DeleteTags": (),
    "BatchRebootClusterNodes": (),
    "BatchReplaceClusterNodes": (),
    "BatchDeleteClusterNodes": (),
    "MoveClusterNodes": (),
    "StartClusterHealthCheck": (),
}
"""Operation to the members of its answer that decisions rest on, beyond those that the API model requires."""


def checked(answer: Any, *, client: Any, operation: str, mutating: bool = False) -> Mapping[str, Any]:
    """The answer, if all that it was asked for is known. Raises CloudError."""
    shape = client.meta.service_model.operation_model(operation).output_shape
    if shape is not None:
        check_model(answer, shape=shape, operation=operation, mutating=mutating)
    check(answer, operation=operation, members=RESTS_ON[operation], mutating=mutating)
    found: Mapping[str, Any] = answer
    return found


def asked_for(answer: Mapping[str, Any], *, name: str) -> Mapping[str, Any]:
    """The answer, if it is about the cluster of this name or ARN. Raises CloudError: what it says is unknown then."""
    arn, named = answer["ClusterArn"], answer["ClusterName"]
    if not CLUSTER_ARN.fullmatch(arn):
        raise unknown(operation="DescribeCluster", what="ClusterArn is not the ARN of a cluster")
    if name.casefold() not in {arn.casefold(), named.casefold()}:
        raise unknown(operation="DescribeCluster", what="ClusterName is not the one that was asked for")
    return answer
