"""IAM: roles, their policies, and what they allow."""

import hashlib
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.prerequisites import execution, inventory, paging, policies
from hyperpod_testbed.simulator.prerequisites.defaults import CALLER_ROLE, DAY
from hyperpod_testbed.simulator.prerequisites.resources import Policy, Role
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region


def get_role(sim: Simulation, _: Region, request: JSON) -> JSON:
    """GetRole, with the trust policy."""
    found = _role(sim, request)
    role = {
        "Path": found.path,
        "RoleName": found.name,
        "RoleId": f"AROA{_digest(found.arn)}",
        "Arn": found.arn,
        "CreateDate": sim.now - 30 * DAY,
        "AssumeRolePolicyDocument": _written(policies.trust(found.services)),
        "MaxSessionDuration": 3600,
        "Tags": [],
    }
    if found.boundary:
        role["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": found.boundary,
        }
    return {"Role": role}


def list_attached_role_policies(sim: Simulation, _: Region, request: JSON) -> JSON:
    """ListAttachedRolePolicies."""
    listed = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in sorted(_role(sim, request).managed)]
    chosen, token = _page(sim, listed, request, operation="ListAttachedRolePolicies")
    return {"AttachedPolicies": chosen, **paging.iam(token)}


def list_role_policies(sim: Simulation, _: Region, request: JSON) -> JSON:
    """ListRolePolicies: the names of the policies in the role."""
    chosen, token = _page(sim, sorted(_role(sim, request).inline), request, operation="ListRolePolicies")
    return {"PolicyNames": chosen, **paging.iam(token)}


def get_role_policy(sim: Simulation, _: Region, request: JSON) -> JSON:
    """GetRolePolicy."""
    found, name = _role(sim, request), request["PolicyName"]
    if name not in found.inline:
        raise _no_such_entity(f"The role policy with name {name} cannot be found.")
    return {"RoleName": found.name, "PolicyName": name, "PolicyDocument": _written(found.inline[name])}


def get_policy(sim: Simulation, region: Region, request: JSON) -> JSON:
    """GetPolicy."""
    found = _policy(sim, request)
    return {
        "Policy": {
            "PolicyName": found.name,
            "PolicyId": f"ANPA{_digest(found.arn)}",
            "Arn": found.arn,
            "Path": "/",
            "DefaultVersionId": found.version,
            "AttachmentCount": sum(found.arn in one.managed for one in inventory.listed(sim, region, Role)),
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "CreateDate": sim.now - 30 * DAY,
            "UpdateDate": sim.now - 30 * DAY,
            "Tags": [],
        }
    }


def get_policy_version(sim: Simulation, _: Region, request: JSON) -> JSON:
    """GetPolicyVersion: of the one version that there is."""
    found = _policy(sim, request)
    if request["VersionId"] != found.version:
        raise _no_such_entity(f"Policy {found.arn} version {request['VersionId']} does not exist or is not attachable.")
    return {
        "PolicyVersion": {
            "Document": _written(found.document),
            "VersionId": found.version,
            "IsDefaultVersion": True,
            "CreateDate": sim.now - 30 * DAY,
        }
    }


def simulate_principal_policy(sim: Simulation, _: Region, request: JSON) -> JSON:
    """SimulatePrincipalPolicy of a role: one result for each action on each resource.

    Of the caller's own role the denials count that its calls meet, too.
    """
    named = request["PolicySourceArn"]
    if ":role/" not in named:
        raise AwsError("InvalidInput", f"Invalid Entity Arn: {named} does not clearly define entity type and name.")
    found = inventory.role(sim, named)
    if found is None:
        raise _no_such_entity(f"The role with name {named.rpartition('/')[2]} cannot be found.")
    results = [
        _result(sim, found, action=action, resource=resource)
        for action in request["ActionNames"]
        for resource in request.get("ResourceArns") or ["*"]
    ]
    chosen, token = _page(sim, results, request, operation="SimulatePrincipalPolicy")
    return {"EvaluationResults": chosen, **paging.iam(token)}


def resource(account: str, request: JSON, _: str) -> str:
    """What a denial of IAM names."""
    if request.get("PolicyArn"):
        return f"policy {request['PolicyArn']}"
    if request.get("PolicySourceArn"):
        return str(request["PolicySourceArn"])
    return f"role {request['RoleName']}" if request.get("RoleName") else f"arn:aws:iam::{account}:*"


def _result(sim: Simulation, role: Role, *, action: str, resource: str) -> JSON:
    found = execution.evaluate(sim, role, action=action, resource=resource)
    why = sim.denied(action) if role.name == CALLER_ROLE else None
    if why:
        found = policies.Evaluation("explicitDeny" if why in {"explicit", "scp"} else "implicitDeny")
    kind = "role" if found.policy in role.inline else "aws-managed"
    statements = [{"SourcePolicyId": found.policy, "SourcePolicyType": kind}] if found.policy else []
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": found.decision,
        "MatchedStatements": statements,
        "MissingContextValues": [],
    }


def _role(sim: Simulation, request: JSON) -> Role:
    found = inventory.role(sim, request["RoleName"])
    if found is None:
        raise _no_such_entity(f"The role with name {request['RoleName']} cannot be found.")
    return found


def _policy(sim: Simulation, request: JSON) -> Policy:
    found = inventory.policy(sim, request["PolicyArn"])
    if found is None:
        raise _no_such_entity(f"Policy {request['PolicyArn']} does not exist or is not attachable.")
    return found


def _no_such_entity(message: str) -> AwsError:
    return AwsError("NoSuchEntity", message, status=404)


def _page(sim: Simulation, items: list[Any], request: JSON, *, operation: str) -> tuple[list[Any], str | None]:
    return paging.page(sim, items, request, operation=operation, style=paging.IAM)


def _written(document: Mapping[str, Any]) -> str:
    """A document as IAM sends it: JSON, and percent signs as in a URL."""
    return urllib.parse.quote(json.dumps(dict(document)), safe="")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:17].upper()
