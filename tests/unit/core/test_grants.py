"""What is said of a denied call: where the action is granted, by what denies it."""

import pytest

from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.grants import grant

USER = "User: arn:aws:sts::111122223333:assumed-role/operator/x is not authorized to perform: "


def denied(message: str, operation: str = "UpdateCluster", **members: str) -> CloudError:
    return CloudError(
        kind=ErrorKind.DENIED, operation=operation, code="AccessDeniedException", message=message, **members
    )


def test_a_missing_grant_names_action_statement_and_document() -> None:
    said = grant(denied(f"{USER}iam:PassRole on resource: r because no identity-based policy allows the iam:PassRole"))
    assert "Grant the operator's role iam:PassRole: statements PassExecutionRoles, PassAutoscalingRole" in said
    assert "docs/iam/operator-full.json list the roles" in said


def test_an_action_that_tags_decide_names_the_tag() -> None:
    said = grant(denied(f"{USER}sagemaker:UpdateCluster on resource: r because no identity-based policy allows it"))
    assert "statement ChangeOwnedClusters" in said
    assert "hyperpod-operator.dev/eks-cluster" in said


@pytest.mark.parametrize(
    ("ending", "where"),
    [
        ("with an explicit deny in an identity-based policy", "identity-based policy"),
        ("with an explicit deny in a service control policy", "service control policy"),
        ("with an explicit deny in a permissions boundary", "permissions boundary"),
        ("with an explicit deny in a VPC endpoint policy", "VPC endpoint policy"),
    ],
)
def test_an_explicit_deny_is_to_be_taken_out_where_aws_says(ending: str, where: str) -> None:
    said = grant(denied(f"{USER}sagemaker:UpdateCluster on resource: arn:aws:sagemaker:x {ending}"))
    assert said == (f"An explicit deny wins over every grant: take sagemaker:UpdateCluster out of it, in that {where}.")


@pytest.mark.parametrize(
    "where", ["permissions boundary", "VPC endpoint policy", "service control policy", "session policy"]
)
def test_another_kind_of_policy_is_named_instead_of_a_grant(where: str) -> None:
    said = grant(denied(f"{USER}ec2:CreateVolume on resource: r because no {where} allows the ec2:CreateVolume action"))
    assert said.startswith(f"Allow ec2:CreateVolume in that {where}")
    assert "Grant" not in said


@pytest.mark.parametrize(
    ("operation", "ec2_code", "action"),
    [
        ("CreateVolume", "UnauthorizedOperation", "ec2:CreateVolume"),
        ("DeleteTags", "UnauthorizedOperation", "ec2:DeleteTags"),
        ("DeleteTags", "", "sagemaker:DeleteTags"),
        ("AttachClusterNodeVolume", "", "sagemaker:AttachClusterNodeVolume"),
    ],
)
def test_where_aws_names_no_action_it_is_the_operations(operation: str, ec2_code: str, action: str) -> None:
    said = grant(denied("You are not authorized to perform this operation.", operation, ec2_code=ec2_code))
    assert f"Grant the operator's role {action}: statement" in said


def test_an_unknown_action_names_the_document() -> None:
    said = grant(denied(f"{USER}ec2:CreateFleet on resource: *"))
    assert said == "Grant the operator's role ec2:CreateFleet (docs/iam.md has the policies)."


@pytest.mark.parametrize(
    "codes", [{"code": "OptInRequired"}, {"code": "ValidationException", "ec2_code": "OptInRequired"}]
)
def test_a_region_that_the_account_has_not_enabled_needs_no_grant(codes: dict[str, str]) -> None:
    error = CloudError(kind=ErrorKind.DENIED, message="not subscribed", operation="CreateVolume", **codes)
    assert "Enable the Region" in grant(error)
    assert "Grant" not in grant(error)
