"""What to do about a call that AWS denied: which statement of the documented policies grants its action.

AWS names the action, which need not be called like the operation (CreateCluster needs iam:PassRole), and says which
kind of policy denies it (IAM user guide, "Troubleshoot access denied error messages").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hyperpod_operator.api.names import TAG_EKS_CLUSTER
from hyperpod_operator.core.errors import CloudError

FULL = "docs/iam/operator-full.json"
VOLUMES = "docs/iam/operator-volumes.json"


@dataclass(frozen=True, slots=True)
class Grant:
    """The statements of a document that allow an action; `tagged`: one of them by the tags of what exists."""

    document: str
    statements: tuple[str, ...]
    tagged: bool = False


def _full(*statements: str, tagged: bool = False) -> Grant:
    return Grant(FULL, statements, tagged)


def _volumes(*statements: str, tagged: bool = False) -> Grant:
    return Grant(VOLUMES, statements, tagged)


_READ = _full("ReadClusters")
_CHANGE = _full("ChangeOwnedClusters", tagged=True)
_NODES = _full("OperateOnNodes", tagged=True)
_JOIN = _full("JoinNodesToThisEksCluster")
_READ_VOLUMES = _volumes("ReadVolumes")
_CHANGE_VOLUMES = _volumes("ChangeOwnedVolumes", tagged=True)
_ATTACH_VOLUMES = _volumes("AttachOwnedVolumes", tagged=True)
_ATTACH = _volumes("AttachToNodes", tagged=True)

GRANTS: Mapping[str, Grant] = {
    "sagemaker:DescribeCluster": _READ,
    "sagemaker:DescribeClusterEvent": _READ,
    "sagemaker:ListClusterEvents": _READ,
    "sagemaker:ListClusterNodes": _READ,
    "sagemaker:ListTags": _READ,
    "sagemaker:ListClusters": _full("ListClusters"),
    "sagemaker:CreateCluster": _full("CreateClustersOfThisEksCluster"),
    "sagemaker:AddTags": _full("TagAtCreation", "AdoptUnownedClusters", "TagOwnedClusters", tagged=True),
    "sagemaker:DeleteCluster": _CHANGE,
    "sagemaker:DeleteTags": _CHANGE,
    "sagemaker:UpdateCluster": _CHANGE,
    "sagemaker:UpdateClusterSoftware": _CHANGE,
    "sagemaker:BatchAddClusterNodes": _full("NodesThatUpdateClusterAdds", tagged=True),
    "sagemaker:BatchDeleteClusterNodes": _NODES,
    "sagemaker:BatchRebootClusterNodes": _NODES,
    "sagemaker:BatchReplaceClusterNodes": _NODES,
    "sagemaker:MoveClusterNodes": _NODES,
    "sagemaker:StartClusterHealthCheck": _NODES,
    "sagemaker:AttachClusterNodeVolume": _ATTACH,
    "sagemaker:DetachClusterNodeVolume": _ATTACH,
    "iam:PassRole": _full("PassExecutionRoles", "PassAutoscalingRole"),
    "iam:CreateServiceLinkedRole": _full("CreateHyperPodServiceLinkedRole"),
    "eks:AssociateAccessPolicy": _JOIN,
    "eks:CreateAccessEntry": _JOIN,
    "eks:DeleteAccessEntry": _JOIN,
    "eks:DescribeAccessEntry": _JOIN,
    "eks:DescribeCluster": _JOIN,
    "ec2:DescribeInstanceTypes": _READ_VOLUMES,
    "ec2:DescribeSnapshots": _READ_VOLUMES,
    "ec2:DescribeVolumes": _READ_VOLUMES,
    "ec2:DescribeVolumesModifications": _READ_VOLUMES,
    "ec2:CreateVolume": _volumes("CreateVolumesOfClaims", "CreateVolumesFromSnapshots"),
    "ec2:CreateSnapshot": _volumes("SnapshotOwnedVolumes", "CreateSnapshotsOfClaims", tagged=True),
    "ec2:CreateTags": _volumes(
        "TagVolumesAtCreation", "AdoptUnownedVolumes", "AdoptReleasedVolumes", "ChangeOwnedVolumes", tagged=True
    ),
    "ec2:DeleteTags": _CHANGE_VOLUMES,
    "ec2:DeleteVolume": _CHANGE_VOLUMES,
    "ec2:ModifyVolume": _CHANGE_VOLUMES,
    "ec2:AttachVolume": _ATTACH_VOLUMES,
    "ec2:DetachVolume": _ATTACH_VOLUMES,
}
"""Every action of the two policies; a test compares them."""

_NAMED = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9]+)")
_EXPLICIT = re.compile(r"with an explicit deny in an? ([A-Za-z -]{1,40})")
_ELSEWHERE = re.compile(r"because no (?!identity-based)([A-Za-z -]{1,40}) allows the")


def grant(error: CloudError) -> str:
    """What to grant where, of a call that was denied."""
    if "OptInRequired" in {error.code, error.ec2_code}:
        return (
            "No right is missing: the account has not enabled this Region, or not subscribed to the service. Enable "
            "the Region in the account's settings, or name another one."
        )
    action = action_of(error)
    if found := _EXPLICIT.search(error.message):
        return f"An explicit deny wins over every grant: take {action} out of it, in that {found[1].strip()}."
    if found := _ELSEWHERE.search(error.message):
        return f"Allow {action} in that {found[1]}; what the operator's role is granted is not enough by itself."
    known = GRANTS.get(action)
    if known is None:
        return f"Grant the operator's role {action} (docs/iam.md has the policies)."
    statements = f"statement{'s' if len(known.statements) > 1 else ''} {', '.join(known.statements)}"
    text = f"Grant the operator's role {action}: {statements} of {known.document}"
    if action == "iam:PassRole":
        return f"{text} list the roles."
    return f"{text}, for what has the tag {TAG_EKS_CLUSTER} of this EKS cluster." if known.tagged else f"{text}."


def named_action(error: CloudError) -> str:
    """The action that AWS names; empty where it names none."""
    found = _NAMED.search(error.message)
    return found[1] if found else ""


def action_of(error: CloudError) -> str:
    """The action that AWS names, or the one that is called like the operation."""
    if named := named_action(error):
        return named
    same = [action for action in GRANTS if action.partition(":")[2] == error.operation]
    service = "ec2" if error.ec2_code and len(same) != 1 else "sagemaker"
    return same[0] if len(same) == 1 else f"{service}:{error.operation}"
