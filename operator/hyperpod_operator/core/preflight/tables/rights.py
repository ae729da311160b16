"""What an execution role needs, and how a policy's statements are read where IAM does not simulate.

Source: SageMaker developer guide, sagemaker-hyperpod-prerequisites-iam ("IAM role for SageMaker HyperPod", extra
permissions for a VPC of your own and for EKS). [assumption: preflight-execution-role]
"""

import fnmatch
from collections.abc import Iterable

from hyperpod_operator.core.preflight.facts import Statement

MANAGED_POLICY = "AmazonSageMakerClusterInstanceRolePolicy"
EKS_NODE_POLICY = "AmazonEKSWorkerNodePolicy"
"""Attached to roles of EKS nodes, which must not be those of HyperPod's (prerequisites page for EKS)."""
CREATE_GRANT = "kms:CreateGrant"
TRUSTED = "sagemaker.amazonaws.com"
TRUSTED_FOR_SCALING = "hyperpod.sagemaker.amazonaws.com"

NETWORK_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
    "ec2:DetachNetworkInterface",
)
"""For a VPC of your own, which every cluster on EKS has."""
EKS_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
    "ec2:AttachNetworkInterface",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeTags",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
)
ROLE_ACTIONS = (*NETWORK_ACTIONS, *EKS_ACTIONS)


def allowed(statements: Iterable[Statement], action: str) -> bool:
    """Whether statements allow an action on at least some resource; an explicit denial of all resources wins.

    Conditions are taken as met for an allowance and as not met for a denial: a check must not fail over what it cannot
    evaluate.
    """
    matching = [one for one in statements if _is_about(one, action)]
    denied = any(not one.allow and not one.conditional and "*" in one.resources for one in matching)
    return not denied and any(one.allow for one in matching)


def _is_about(statement: Statement, action: str) -> bool:
    """By Action, or by NotAction, as in AWS's own PowerUserAccess."""
    if statement.but:
        return not any(_covers(pattern, action) for pattern in statement.but)
    return any(_covers(pattern, action) for pattern in statement.actions)


def _covers(pattern: str, action: str) -> bool:
    return fnmatch.fnmatchcase(action.lower(), pattern.lower().replace("[", "[[]"))
