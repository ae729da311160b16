"""IAM for preflight: execution roles, what they may do, and whether we may pass them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hyperpod_operator.aws.facts.policies import statements
from hyperpod_operator.aws.facts.reader import Ask, Pages, Reader, items
from hyperpod_operator.core.preflight.facts import Role, Statement
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.preflight.tables.rights import ROLE_ACTIONS, allowed

SIMULATE = "iam:SimulatePrincipalPolicy"
ALLOWED, IMPLICIT = "allowed", "implicitDeny"
"""Values of EvalDecision. The third, explicitDeny, is that of a statement that denies."""
OPEN = "open"
"""A denial that rests on a condition whose key the simulation was not given: the call may meet it."""
MOST_POLICIES = 6
"""Policies of a role that are read where IAM may not simulate."""


def _ask(operation: str, **parameters: Any) -> Ask:
    return Ask(service="iam", operation=operation, action=f"iam:{operation}", parameters=parameters)


def name_of(arn: str) -> str:
    """A role's name without its path."""
    return arn.rpartition("/")[2]


async def role(reader: Reader, arn: str) -> Fact[Role | None]:
    """iam:GetRole and what the role may do."""
    name = name_of(arn)
    found = await reader.ask(_ask("GetRole", RoleName=name))
    if found is None or isinstance(found, Unread):
        return found
    trusts = _read(found[0].get("Role", {}).get("AssumeRolePolicyDocument"), "trust policy")
    if isinstance(trusts, Unread):
        return trusts
    attached, may = await asyncio.gather(reader.ask(_ask("ListAttachedRolePolicies", RoleName=name)), _may(reader, arn))
    policies = items(attached, "AttachedPolicies") if isinstance(attached, list) else []
    doubtful = frozenset[str]() if isinstance(may, Unread) else _doubtful(may)
    asked = doubtful or isinstance(may, Unread)
    known = await _statements(reader, name, policies) if asked else may_is_known()
    if not isinstance(known, Unread):
        doubtful = frozenset[str]()
    return Role(
        trusts=frozenset(principal for one in trusts if one.allow for principal in one.principals),
        attached=attached
        if isinstance(attached, Unread)
        else frozenset(str(one.get("PolicyName", "")) for one in policies),
        may=may if isinstance(may, Unread) else _certain(may, known),
        unproved=doubtful,
        statements=known,
    )


def _doubtful(said: Mapping[str, str]) -> frozenset[str]:
    """Actions that no policy allows on all resources and in every context: one may allow them on some, and an
    execution role that is held to a VPC works."""
    return frozenset(action for action, word in said.items() if word in {IMPLICIT, OPEN})


def _certain(said: Mapping[str, str], known: Fact[tuple[Statement, ...]]) -> Mapping[str, bool]:
    """What the role may and may not do; without the actions that its policies may allow on some resource."""
    doubtful = _doubtful(said)
    certain = {action: word == ALLOWED for action, word in said.items() if action not in doubtful}
    if isinstance(known, Unread):
        return certain
    return certain | {action: False for action in doubtful if not allowed(known, action)}


def may_is_known() -> Unread:
    return Unread(why="IAM simulated the role's policies")


async def _may(reader: Reader, arn: str) -> Fact[Mapping[str, str]]:
    """IAM's word for each action."""
    pages = await reader.ask(
        Ask(
            service="iam",
            operation="SimulatePrincipalPolicy",
            action=SIMULATE,
            parameters={"PolicySourceArn": arn, "ActionNames": list(ROLE_ACTIONS)},
        )
    )
    return pages if isinstance(pages, Unread) else _decisions(pages, key="EvalActionName")


def _decisions(pages: Pages | None, *, key: str) -> dict[str, str]:
    found = items(pages, "EvaluationResults")
    return {str(one[key]): _decision(one) for one in found if one.get(key)}


def _decision(result: Mapping[str, Any]) -> str:
    said = str(result.get("EvalDecision", ""))
    return OPEN if said != ALLOWED and result.get("MissingContextValues") else said


async def _statements(reader: Reader, name: str, attached: Sequence[Mapping[str, Any]]) -> Fact[tuple[Statement, ...]]:
    """The role's policies, one by one: what is left where IAM may not simulate."""
    listed = await reader.ask(_ask("ListRolePolicies", RoleName=name))
    if isinstance(listed, Unread):
        return listed
    inline = [str(one) for one in items(listed, "PolicyNames")]
    if len(inline) + len(attached) > MOST_POLICIES:
        return Unread(why=f"the role has more than {MOST_POLICIES} policies, and {SIMULATE} is denied")
    parts = await asyncio.gather(
        *(_inline(reader, name, one) for one in inline),
        *(_managed(reader, str(one.get("PolicyArn", ""))) for one in attached),
    )
    found: list[Statement] = []
    for part in parts:
        if isinstance(part, Unread):
            return part
        found += part
    return tuple(found)


async def _inline(reader: Reader, role_name: str, name: str) -> Fact[tuple[Statement, ...]]:
    pages = await reader.ask(_ask("GetRolePolicy", RoleName=role_name, PolicyName=name))
    if isinstance(pages, Unread):
        return pages
    return _read(pages[0].get("PolicyDocument"), name) if pages else ()


async def _managed(reader: Reader, arn: str) -> Fact[tuple[Statement, ...]]:
    policy = await reader.ask(_ask("GetPolicy", PolicyArn=arn))
    if policy is None or isinstance(policy, Unread):
        return policy or ()
    version = policy[0].get("Policy", {}).get("DefaultVersionId", "")
    pages = await reader.ask(_ask("GetPolicyVersion", PolicyArn=arn, VersionId=version))
    if isinstance(pages, Unread):
        return pages
    return _read(pages[0].get("PolicyVersion", {}).get("Document"), arn) if pages else ()


def _read(document: Any, name: str) -> Fact[tuple[Statement, ...]]:
    try:
        return statements(document)
    except ValueError as error:
        return Unread(why=f"{name} cannot be read: {error}")


async def pass_role(reader: Reader, caller: str, roles: Sequence[str]) -> Fact[Mapping[str, bool]]:
    """Whether the caller may pass each role to SageMaker. `caller` is the ARN of STS GetCallerIdentity."""
    source = source_of(caller)
    if not source or not roles:
        return Unread(why="the credentials belong to no role or user whose policies IAM can simulate")
    pages = await reader.ask(
        Ask(
            service="iam",
            operation="SimulatePrincipalPolicy",
            action=SIMULATE,
            parameters={
                "PolicySourceArn": source,
                "ActionNames": ["iam:PassRole"],
                "ResourceArns": list(roles),
                "ContextEntries": [
                    {
                        "ContextKeyName": "iam:PassedToService",
                        "ContextKeyValues": ["sagemaker.amazonaws.com"],
                        "ContextKeyType": "string",
                    }
                ],
            },
        )
    )
    if pages is None:
        return Unread(why=f"IAM has no principal {source}; a role with a path cannot be derived from its session")
    if isinstance(pages, Unread):
        return pages
    return {role: word == ALLOWED for role, word in _decisions(pages, key="EvalResourceName").items() if word != OPEN}


def source_of(caller: str) -> str:
    """The role or user behind a caller's ARN; empty for the account itself and for federated users."""
    parts = caller.split(":", 5)
    if len(parts) != 6:
        return ""
    kind, _, rest = parts[5].partition("/")
    if kind == "assumed-role":
        return f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{rest.partition('/')[0]}"
    return caller if kind in {"user", "role"} else ""
