"""Checks of execution roles, the autoscaling role, and the right to pass them."""

from collections.abc import Iterator

from hyperpod_operator.core.preflight.facts import NOT_GATHERED, Role
from hyperpod_operator.core.preflight.model import Area, Check, Fact, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.tables import rights

SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites-iam"
GET, ATTACHED = "iam:GetRole", "iam:ListAttachedRolePolicies"
SIMULATE = "iam:SimulatePrincipalPolicy"


def _roles(subject: ClusterSubject) -> Iterator[tuple[str, str, Fact[Role | None]]]:
    """The first group of each execution role, the role's ARN and what is known of it."""
    seen = set()
    for group in subject.groups:
        if group.role not in seen:
            seen.add(group.role)
            yield group.name, group.role, subject.facts.roles.get(group.role, NOT_GATHERED)


def trust(subject: ClusterSubject) -> Iterator[Finding]:
    for group, arn, role in _roles(subject):
        if isinstance(role, Unread):
            yield unknown(role, group=group)
        elif role is None:
            yield fails(group=group, arn=arn, problem="does not exist")
        elif rights.TRUSTED not in role.trusts:
            yield fails(group=group, arn=arn, problem=f"does not trust {rights.TRUSTED}")
        else:
            yield passes(group=group)


def managed_policy(subject: ClusterSubject) -> Iterator[Finding]:
    for group, arn, role in _roles(subject):
        if role is None:
            continue
        attached = role if isinstance(role, Unread) else role.attached
        if isinstance(attached, Unread):
            yield unknown(attached, group=group)
        elif rights.MANAGED_POLICY not in attached:
            yield warns(group=group, arn=arn)
        else:
            yield passes(group=group)


def permissions(subject: ClusterSubject) -> Iterator[Finding]:
    for group, arn, role in _roles(subject):
        if role is None:
            continue
        if isinstance(role, Unread):
            yield unknown(role, group=group)
            continue
        missing = _missing(role)
        if isinstance(missing, Unread):
            yield unknown(missing, group=group)
        elif network := [action for action in missing if action in rights.NETWORK_ACTIONS]:
            yield fails(group=group, arn=arn, actions=", ".join(network))
        elif missing:
            yield warns(group=group, arn=arn, actions=", ".join(missing))
        elif role.unproved:
            yield warns(group=group, arn=arn, actions=f"{', '.join(sorted(role.unproved))} on all resources")
        else:
            yield passes(group=group)


def _missing(role: Role) -> list[str] | Unread:
    """What the role may not do, by IAM's own word or else by its policies."""
    if not isinstance(role.may, Unread):
        said = role.may
        return [action for action in rights.ROLE_ACTIONS if not said.get(action, True)]
    if not isinstance(role.statements, Unread):
        statements = role.statements
        return [action for action in rights.ROLE_ACTIONS if not rights.allowed(statements, action)]
    return role.may


def not_the_nodes_role(subject: ClusterSubject) -> Iterator[Finding]:
    for group, arn, role in _roles(subject):
        if role is None:
            continue
        attached = role if isinstance(role, Unread) else role.attached
        if isinstance(attached, Unread):
            yield unknown(attached, group=group)
        elif rights.EKS_NODE_POLICY in attached:
            yield warns(group=group, arn=arn)  # the policy may be attached to a role that no EKS node has
        else:
            yield passes(group=group)


def autoscaling_role(subject: ClusterSubject) -> Iterator[Finding]:
    arn = subject.spec.clusterRole
    if not arn or not subject.karpenter:
        return
    role = subject.facts.roles.get(arn, NOT_GATHERED)
    if isinstance(role, Unread):
        yield unknown(role)
    elif role is None:
        yield fails(arn=arn, problem="does not exist")
    elif rights.TRUSTED_FOR_SCALING not in role.trusts:
        yield fails(arn=arn, problem=f"does not trust {rights.TRUSTED_FOR_SCALING}")
    else:
        yield passes()


def pass_role(subject: ClusterSubject) -> Iterator[Finding]:
    allowed = subject.facts.pass_role
    if isinstance(allowed, Unread):
        yield unknown(allowed)
        return
    for group, arn, _ in _roles(subject):
        if (may := allowed.get(arn)) is None:
            yield unknown(Unread(why=f"IAM did not say whether the operator may pass {arn}"), group=group)
        else:
            yield passes(group=group) if may else fails(group=group, arn=arn)


CHECKS = (
    Check(
        name="ExecutionRoleTrust",
        area=Area.ROLES,
        what="The execution roles exist and trust SageMaker",
        why="SageMaker cannot assume the role: instances fail when they start, and the cluster rolls back.",
        source=SOURCE,
        judge=trust,
        reads=(GET,),
        fail="Execution role {arn} {problem}.",
        remedy=f"Create the role, with {rights.TRUSTED} in its trust policy.",
    ),
    Check(
        name="ExecutionRoleManagedPolicy",
        area=Area.ROLES,
        what=f"The execution roles have {rights.MANAGED_POLICY}",
        why="Without its rights instances write no logs, read no scripts and take no SSM sessions.",
        source=SOURCE,
        judge=managed_policy,
        reads=(ATTACHED,),
        warn=f"Execution role {{arn}} does not have the managed policy {rights.MANAGED_POLICY}.",
        remedy="Attach it, or grant the same in a policy of your own.",
    ),
    Check(
        name="ExecutionRolePermissions",
        area=Area.ROLES,
        what="The execution roles may manage network interfaces and pull images",
        why="HyperPod makes the instances' network interfaces with this role; without the rights launches fail, and "
        "teardown never ends.",
        source=f"{SOURCE}, additional permissions for Amazon VPC and Amazon EKS",
        judge=permissions,
        reads=(SIMULATE, "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:GetPolicy", "iam:GetPolicyVersion"),
        fail="Execution role {arn} may not {actions}.",
        warn="Execution role {arn} may not {actions}.",
        remedy="Add the statement of docs/install-eks.md (execution role) to a policy of the role.",
    ),
    Check(
        name="ExecutionRoleNotNodeRole",
        area=Area.ROLES,
        what="The execution roles are not the role of EKS nodes",
        why="HyperPod makes an access entry of another type for the role; EKS takes one entry for a role.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites",
        judge=not_the_nodes_role,
        reads=(ATTACHED,),
        warn=f"Execution role {{arn}} has {rights.EKS_NODE_POLICY}, as roles of EKS nodes have.",
        remedy="If nodes of EKS have this role, give HyperPod one of its own.",
    ),
    Check(
        name="AutoscalingRoleTrust",
        area=Area.ROLES,
        what="The role for autoscaling exists and trusts HyperPod",
        why="Autoscaling fails, and no node ever comes.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-autoscaling",
        judge=autoscaling_role,
        reads=(GET,),
        fail="clusterRole {arn} {problem}.",
        remedy=f"Create the role, with {rights.TRUSTED_FOR_SCALING} in its trust policy.",
    ),
    Check(
        name="PassRole",
        area=Area.ROLES,
        what="The operator may pass the execution roles to SageMaker",
        why="CreateCluster is refused without iam:PassRole.",
        source="DOC: IAM User Guide, Grant a user permissions to pass a role to an AWS service",
        judge=pass_role,
        reads=(SIMULATE,),
        fail="The operator may not pass {arn} to SageMaker.",
        remedy="Add the role to PassExecutionRoles in the operator's policy (docs/iam.md).",
    ),
)
