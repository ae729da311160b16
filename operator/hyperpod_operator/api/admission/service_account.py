"""The frame of the policies that hold the operator's service account to what the operator does.

RBAC says which verbs the account has, by resource. It cannot say what may be written, so a stolen token could do with
a verb what the operator never does. Each of these policies is about one resource, because the API server checks the
types of an expression against the schema of each resource that its policy matches (`status.typeChecking`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.api.admission.manifests import binding, cel, policy, rule, variable

Manifest = dict[str, Any]
Validation = dict[str, str]

WRITTEN = variable("written", "request.operation == 'DELETE' ? oldObject : object")
"""What a request is about: the object as it would be, or the one that it would delete."""

UNTIED = (
    "request.operation == 'DELETE' || (object.metadata.?ownerReferences.orValue([]).size() == 0 "
    "&& object.metadata.?finalizers.orValue([]).all(f, f in ['kubernetes.io/pv-protection', "
    "'kubernetes.io/pvc-protection']))"
)
"""For what the operator creates and never updates: the garbage collector deletes what names an owner that is gone, and
nobody can delete what has a finalizer that no controller removes, or the namespace that it is in. Those of Kubernetes
are put on before a policy is asked."""


@dataclass(frozen=True, kw_only=True)
class ServiceAccount:
    """Whom the policies are about: the operator's own namespace and account, and the Lease that it elects by."""

    namespace: str
    name: str
    lease: str

    @property
    def user(self) -> str:
        """The name by which the API server knows it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


def holding(
    account: ServiceAccount,
    *,
    name: str,
    group: str,
    resource: str,
    version: str = "v1",
    variables: Sequence[dict[str, str]] = (),
    validations: Sequence[Validation],
) -> list[Manifest]:
    """The policy about one resource and its subresources, and its binding. It matches this account and nobody else."""
    matched = rule(group, resource, f"{resource}/*", operations=("CREATE", "UPDATE", "DELETE"), version=version)
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [matched]},
        "matchConditions": [
            {"name": "the-operator", "expression": f"request.userInfo.username == {cel(account.user)}"}
        ],
        **({"variables": list(variables)} if variables else {}),
        "validations": list(validations),
    }
    return [
        policy(kind="Validating", name=name, spec=spec),
        binding(kind="Validating", name=name, spec={"validationActions": ["Deny"]}),
    ]


def validation(expression: str, message: str) -> Validation:
    """What has to be true, and what a refused writer reads."""
    return {"expression": " ".join(expression.split()), "message": message, "reason": "Forbidden"}
