"""Who may approve a plan, and what an edit would destroy.

Approving is the verb `approve` on clusters, which RBAC grants like any other and an authorizer checks here. A
person who may edit a cluster can change its spec, and with this policy neither approve the plan that follows from it
nor loosen the change policy. The operator's own account writes status and never approves.
"""

from typing import Any

from hyperpod_operator.api.admission.manifests import binding, cel, policy, rule, variable
from hyperpod_operator.api.admission.service_account import Manifest, ServiceAccount, validation
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import APPROVE_PLAN, APPROVED_BY, GROUP, VERSION

NAME = "hyperpod-operator-approvals"
WARNINGS = "hyperpod-operator-warnings"
STAMP = "hyperpod-operator-approved-by"
STAMP_VERSION = "v1beta1"
VERB = "approve"
_RANKS = "{'Auto': 0, 'ApproveDisruptive': 1, 'ApproveAll': 2, 'PlanOnly': 3}"
_GROUPS = ("instanceGroups", "restrictedInstanceGroups")


def _annotation(of: str, name: str) -> str:
    return f"{of}.metadata.?annotations[?{cel(name)}].orValue('')"


def _management(of: str, member: str) -> str:
    return f"{of}.spec.?management.?{member}.orValue('')"


def _policy(of: str) -> str:
    return f"{of}.spec.?management.?changePolicy.orValue('Auto')"


_CREATES = "request.operation == 'CREATE'"
_VARIABLES = [
    variable("annotated", _annotation("object", APPROVE_PLAN)),
    variable("annotatedBefore", f"{_CREATES} ? '' : {_annotation('oldObject', APPROVE_PLAN)}"),
    variable("specified", _management("object", "approvedPlan")),
    variable("specifiedBefore", f"{_CREATES} ? '' : {_management('oldObject', 'approvedPlan')}"),
    variable("by", _annotation("object", APPROVED_BY)),
    variable("byBefore", f"{_CREATES} ? '' : {_annotation('oldObject', APPROVED_BY)}"),
    variable(
        "approves",
        "(variables.annotated != '' && variables.annotated != variables.annotatedBefore) "
        "|| (variables.specified != '' && variables.specified != variables.specifiedBefore)",
    ),
]
_LOOSENED = f"!({_CREATES}) && {_RANKS}[{_policy('object')}] < {_RANKS}[{_policy('oldObject')}]"
_RECORDS = f"!({_CREATES}) && object.?status.?lastApproval != oldObject.?status.?lastApproval"
_MAY = (
    f"authorizer.group({cel(GROUP)}).resource({cel(CLUSTER.plural)}).namespace(request.namespace)"
    f".name(request.name).check({cel(VERB)}).allowed()"
)


def approvals(account: ServiceAccount) -> list[Manifest]:
    """The policy that asks for the verb, and its binding. It is about everyone but the operator."""
    matched = rule(GROUP, CLUSTER.plural, f"{CLUSTER.plural}/status", operations=("CREATE", "UPDATE"), version=VERSION)
    right = f"the verb {VERB} on {CLUSTER.plural}.{GROUP} (docs/plans.md)"
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [matched]},
        "matchConditions": [
            {"name": "people", "expression": f"request.userInfo.username != {cel(account.user)}"},
        ],
        "variables": [*_VARIABLES, variable("may", _MAY)],
        "validations": [
            validation(
                "!variables.approves || variables.may",
                f"you may not approve plans of this {CLUSTER.name}: that needs {right}",
            ),
            validation(
                f"!({_LOOSENED}) || variables.may",
                f"you may not loosen spec.management.changePolicy of this {CLUSTER.name}: that needs {right}",
            ),
            validation(
                f"!({_RECORDS}) || variables.may",
                f"you may not change status.lastApproval of this {CLUSTER.name}: that needs {right}",
            ),
            validation(
                "variables.by == '' || variables.by == request.userInfo.username || (variables.by == "
                "variables.byBefore && !variables.approves)",
                f"the annotation {APPROVED_BY} names the user who approves: set your own name, or remove it",
            ),
        ],
    }
    return [
        policy(kind="Validating", name=NAME, spec=spec),
        binding(kind="Validating", name=NAME, spec={"validationActions": ["Deny"]}),
    ]


def _all_kept(member: str) -> str:
    return (
        f"oldObject.spec.?{member}.orValue([]).all(o, object.spec.?{member}.orValue([])"
        ".exists(n, n.instanceGroupName == o.instanceGroupName))"
    )


def _undrained(member: str) -> str:
    return (
        f"object.spec.?{member}.orValue([]).exists(n, n.?imageReleaseVersion.hasValue() "
        "&& !n.?scheduledUpdateConfig.?deploymentConfig.?rollingUpdatePolicy.hasValue() "
        f"&& oldObject.spec.?{member}.orValue([]).exists(o, o.instanceGroupName == n.instanceGroupName "
        "&& o.?imageReleaseVersion.orValue('') != n.?imageReleaseVersion.orValue('')))"
    )


def warnings() -> list[Manifest]:
    """Warnings about an edit that ends or restarts nodes. Nothing is refused."""
    deletes = "{}.spec.?management.?deletionPolicy.orValue('') == 'Delete'"
    spec: dict[str, Any] = {
        "failurePolicy": "Ignore",
        "matchConstraints": {"resourceRules": [rule(GROUP, CLUSTER.plural, operations=("UPDATE",), version=VERSION)]},
        "validations": [
            validation(
                " && ".join(_all_kept(member) for member in _GROUPS),
                "this edit removes an instance group: the operator deletes it with its nodes if it created it. To see "
                "the plan first, set spec.management.changePolicy",
            ),
            validation(
                f"!({_undrained('instanceGroups')})",
                "this edit replaces the root volumes of nodes without draining them: set "
                "scheduledUpdateConfig.deploymentConfig.rollingUpdatePolicy on the group to drain them first",
            ),
            validation(
                f"object.?status.?origin.orValue('') != 'Adopted' || !({deletes.format('object')}) "
                f"|| ({deletes.format('oldObject')})",
                "deletionPolicy Delete on an adopted cluster: deleting this resource now deletes the cluster in AWS",
            ),
        ],
    }
    return [
        policy(kind="Validating", name=WARNINGS, spec=spec),
        binding(kind="Validating", name=WARNINGS, spec={"validationActions": ["Warn"]}),
    ]


def stamp(account: ServiceAccount) -> list[Manifest]:
    """Writes who approves into an annotation. For API servers that serve MutatingAdmissionPolicy."""
    expression = (
        "variables.approves ? [JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey("
        f"{cel(APPROVED_BY)}), value: request.userInfo.username}}] : []"
    )
    first = (
        "variables.approves && !has(object.metadata.annotations) "
        "? [JSONPatch{op: 'add', path: '/metadata/annotations', value: {}}] : []"
    )
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {
            "resourceRules": [rule(GROUP, CLUSTER.plural, operations=("CREATE", "UPDATE"), version=VERSION)]
        },
        "matchConditions": [
            {"name": "people", "expression": f"request.userInfo.username != {cel(account.user)}"},
        ],
        "variables": _VARIABLES,
        "mutations": [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": first}},
            {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}},
        ],
    }
    return [
        policy(kind="Mutating", name=STAMP, spec=spec, version=STAMP_VERSION),
        binding(kind="Mutating", name=STAMP, spec={}, version=STAMP_VERSION),
    ]
