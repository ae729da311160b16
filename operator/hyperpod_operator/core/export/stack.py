"""Clusters of a CloudFormation stack: what `aws cloudformation list-stack-resources` printed of it.

A template does not have what only its stack knows. The stack's resources name the clusters that it made, and those are
read from SageMaker. The physical id of an AWS::SageMaker::Cluster is its ARN (CloudFormation template reference,
"AWS::SageMaker::Cluster", return value of Ref).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hyperpod_operator.core.export.cloudformation import CLUSTER_TYPE
from hyperpod_operator.core.export.model import DocumentError, brief

LISTS = ("StackResourceSummaries", "StackResources")
"""Members of the answers of ListStackResources and DescribeStackResources."""
STACK_TYPE = "AWS::CloudFormation::Stack"
GONE = "DELETE_COMPLETE"


def is_stack(document: Any) -> bool:
    return isinstance(document, Mapping) and any(isinstance(document.get(name), list) for name in LISTS)


def clusters(document: Mapping[str, Any]) -> tuple[str, ...]:
    """ARNs of its clusters, in order. Raises DocumentError when there are none."""
    found = tuple(str(one["PhysicalResourceId"]) for one in _resources(document, CLUSTER_TYPE))
    if found:
        return found
    nested = [str(one["PhysicalResourceId"]) for one in _resources(document, STACK_TYPE)]
    if nested:
        raise DocumentError(
            f"the stack has no {CLUSTER_TYPE}, but nested stacks: give the resources of each, "
            f"{brief(', '.join(nested))}"
        )
    raise DocumentError(
        f"the stack has no {CLUSTER_TYPE}: where a function of it created the cluster, export the cluster by its name "
        "(aws sagemaker list-clusters)"
    )


def _resources(document: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    for one in next(document[name] for name in LISTS if isinstance(document.get(name), list)):
        there = isinstance(one, Mapping) and one.get("PhysicalResourceId") and one.get("ResourceStatus") != GONE
        if there and one.get("ResourceType") == kind:
            yield one
