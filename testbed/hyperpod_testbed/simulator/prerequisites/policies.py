"""IAM policies: the documents that HyperPod's guide asks for, and what a document allows.

The evaluation is IAM's for one principal: an explicit deny, else an allow, else an implicit deny. Conditions are taken
as fulfilled, `NotAction` and `NotResource` are read.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

HYPERPOD_SERVICES = ("sagemaker.amazonaws.com", "hyperpod.sagemaker.amazonaws.com")
"""Who assumes an execution role, and who a cluster role (HyperPod guide, IAM)."""
INSTANCE_ROLE = "arn:aws:iam::aws:policy/AmazonSageMakerClusterInstanceRolePolicy"
OF_NODES = (
    "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly",
    "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy",
)


def _document(*statements: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Version": "2012-10-17", "Statement": [dict(one) for one in statements]}


def _allow(*actions: str, resource: str | list[str] = "*") -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


EMPTY = _document()
VPC_AND_ECR = _document(
    _allow(
        "ec2:AssignPrivateIpAddresses",
        "ec2:AttachNetworkInterface",
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTags",
        "ec2:DescribeVpcs",
        "ec2:DetachNetworkInterface",
        "ec2:ModifyNetworkInterfaceAttribute",
        "ec2:UnassignPrivateIpAddresses",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "eks-auth:AssumeRoleForPodIdentity",
        "kms:CreateGrant",
        "kms:DescribeKey",
    ),
    _allow("ec2:CreateTags", resource="arn:aws:ec2:*:*:network-interface/*"),
)
"""What an execution role on EKS needs besides the managed policy (HyperPod guide, IAM role for HyperPod)."""

SCRIPTS = _document(_allow("s3:GetObject", "s3:ListBucket", resource="arn:aws:s3:::*"))
"""Read access to lifecycle scripts in buckets that are not called `sagemaker-…`, which the managed policy covers."""

OF_AWS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        INSTANCE_ROLE: _document(
            _allow(
                "logs:PutLogEvents",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                resource="arn:aws:logs:*:*:log-group:/aws/sagemaker/Clusters/*:log-stream:*",
            ),
            _allow("logs:CreateLogGroup", resource="arn:aws:logs:*:*:log-group:/aws/sagemaker/Clusters/*"),
            _allow("cloudwatch:PutMetricData"),
            _allow(
                "s3:ListBucket", "s3:GetObject", resource=["arn:aws:s3:::sagemaker-*", "arn:aws:s3:::sagemaker-*/*"]
            ),
            _allow(
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ),
        ),
        "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy": _document(
            _allow("ec2:Describe*", "eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity")
        ),
        "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy": _document(
            _allow(
                "ec2:AssignPrivateIpAddresses",
                "ec2:AttachNetworkInterface",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:Describe*",
                "ec2:DetachNetworkInterface",
                "ec2:ModifyNetworkInterfaceAttribute",
                "ec2:UnassignPrivateIpAddresses",
            )
        ),
        "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly": _document(
            _allow("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:Get*", "ecr:List*")
        ),
        "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy": _document(_allow("ec2:Describe*", "kms:DescribeKey")),
        "arn:aws:iam::aws:policy/AdministratorAccess": _document(_allow("*")),
    }
)
"""AWS's policies that the roles here have, shortened to what HyperPod and its nodes ask for."""

Decision = Literal["allowed", "explicitDeny", "implicitDeny"]


@dataclass(frozen=True)
class Evaluation:
    """What the policies of a principal say to an action on a resource."""

    decision: Decision
    policy: str | None = None
    """Name of the policy that decided."""


def evaluate(documents: Mapping[str, Mapping[str, Any]], *, action: str, resource: str) -> Evaluation:
    """Ask policies, by name, about an action on a resource (an ARN or `*`)."""
    fitting = [
        (name, statement["Effect"])
        for name, document in documents.items()
        for statement in _list(document.get("Statement") or [])
        if _covers(statement, action=action, resource=resource)
    ]
    for effect, decision in (("Deny", "explicitDeny"), ("Allow", "allowed")):
        for name, found in fitting:
            if found == effect:
                return Evaluation("explicitDeny" if decision == "explicitDeny" else "allowed", name)
    return Evaluation("implicitDeny")


def trust(services: Iterable[str]) -> Mapping[str, Any]:
    """The trust policy that lets services assume a role."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}],
    }


def _covers(statement: Mapping[str, Any], *, action: str, resource: str) -> bool:
    if "NotAction" in statement:
        acts = not _any(statement["NotAction"], action.lower(), lower=True)
    else:
        acts = _any(statement.get("Action") or [], action.lower(), lower=True)
    if "NotResource" in statement:
        return acts and not _any(statement["NotResource"], resource)
    # What is asked about every resource needs a statement about every resource.
    return acts and _any(statement.get("Resource") or [], resource)


def _any(patterns: Any, value: str, *, lower: bool = False) -> bool:
    return any(_fits(one.lower() if lower else one, value) for one in _list(patterns))


def _fits(pattern: str, value: str) -> bool:
    return _compiled(pattern).fullmatch(value) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.compile("".join(parts))


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
