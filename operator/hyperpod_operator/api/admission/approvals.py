"""Who may approve a plan, and what an edit would destroy.

Approving is the verb `approve` on clusters and on node operations, which RBAC grants like any other and an authorizer
checks here. A person who may edit a cluster can change its spec, and with this policy neither approve the plan that
follows from it nor loosen the change policy; a person who may create an operation cannot approve it. The operator's own
account writes status and never approves.
"""

from typing import Any

from hyperpod_operator.api.admission.manifests import binding, cel, policy, rule, variable
from hyperpod_operator.api.admission.service_account import Manifest, ServiceAccount, validation
from hyperpod_operator.api.kinds import CLUSTER, NODE_OPERATION, Kind
from hyperpod_operator.api.names import APPROVE_PLAN, APPROVED_BY, GROUP, VERSION

NAME = "hyperpod-operator-approvals"
OPERATIONS = "hyperpod-operator-operation-approvals"
WARNINGS = "hyperpod-operator-warnings"
STAMP = "hyperpod-operator-approved-by"
OPERATIONS_STAMP = "hyperpod-operator-operation-approved-by"
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
_SET = "({0} != '' && {0} != {0}Before)"
_ANNOTATIONS = [
    variable("annotated", _annotation("object", APPROVE_PLAN)),
    variable("annotatedBefore", f"{_CREATES} ? '' : {_annotation('oldObject', APPROVE_PLAN)}"),
    variable("by", _annotation("object", APPROVED_BY)),
    variable("byBefore", f"{_CREATES} ? '' : {_annotation('oldObject', APPROVED_BY)}"),
]
_VARIABLES = [
    *_ANNOTATIONS,
    variable("specified", _management("object", "approvedPlan")),
    variable("specifiedBefore", f"{_CREATES} ? '' : {_management('oldObject', 'approvedPlan')}"),
    variable("approves", " || ".join(_SET.format(f"variables.{name}") for name in ("annotated", "specified"))),
]
_OPERATION_VARIABLES = [*_ANNOTATIONS, variable("approves", _SET.format("variables.annotated"))]
_LOOSENED = f"!({_CREATES}) && {_RANKS}[{_policy('object')}] < {_RANKS}[{_policy('oldObject')}]"
_RECORDS = f"!({_CREATES}) && object.?status.?lastApproval != oldObject.?status.?lastApproval"
_OWN_NAME = validation(
    "variables.by == '' || variables.by == request.userInfo.username || (variables.by == variables.byBefore "
    "&& !variables.approves)",
    f"the annotation {APPROVED_BY} names the user who approves: set your own name, or remove it",
)


def _people(account: ServiceAccount) -> list[dict[str, str]]:
    """Everyone but the operator."""
    return [{"name": "people", "expression": f"request.userInfo.username != {cel(account.user)}"}]


def _may(kind: Kind) -> dict[str, str]:
    """Whether the user has the verb on this object."""
    return variable(
        "may",
        f"authorizer.group({cel(GROUP)}).resource({cel(kind.plural)}).namespace(request.namespace)"
        f".name(request.name).check({cel(VERB)}).allowed()",
    )


def _right(kind: Kind) -> str:
    return f"the verb {VERB} on {kind.plural}.{GROUP} (docs/plans.md)"


def operation_approvals(account: ServiceAccount) -> list[Manifest]:
    """The same for node operations, which have no change policy of their own and are approved by annotation only."""
    matched = rule(GROUP, NODE_OPERATION.plural, operations=("CREATE", "UPDATE"), version=VERSION)
    refusal = f"you may not approve this {NODE_OPERATION.name}: that needs {_right(NODE_OPERATION)}"
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [matched]},
        "matchConditions": _people(account),
        "variables": [*_OPERATION_VARIABLES, _may(NODE_OPERATION)],
        "validations": [validation("!variables.approves || variables.may", refusal), _OWN_NAME],
    }
    return [
        policy(kind="Validating", name=OPERATIONS, spec=spec),
        binding(kind="Validating", name=OPERATIONS, spec={"validationActions": ["Deny"]}),
    ]


def approvals(account: ServiceAccount) -> list[Manifest]:
    """The policy that asks for the verb, and its binding. It is about everyone but the operator."""
    matched = rule(GROUP, CLUSTER.plural, f"{CLUSTER.plural}/status", operations=("CREATE", "UPDATE"), version=VERSION)
    right = _right(CLUSTER)
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [matched]},
        "matchConditions": _people(account),
        "variables": [*_VARIABLES, _may(CLUSTER)],
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
            _OWN_NAME,
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
    return [
        *_stamp(account, name=STAMP, kind=CLUSTER, variables=_VARIABLES),
        *_stamp(account, name=OPERATIONS_STAMP, kind=NODE_OPERATION, variables=_OPERATION_VARIABLES),
    ]


def _stamp(account: ServiceAccount, *, name: str, kind: Kind, variables: list[dict[str, str]]) -> list[Manifest]:
    expression = (
        "variables.approves ? [JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey("
        f"{cel(APPROVED_BY)}), value: request.userInfo.username}}] : []"
    )
    first = (
        "variables.approves && !has(object.metadata.annotations) "
        "? [JSONPatch{op: 'add', path: '/metadata/annotations', value: {}}] : []"
    )
    matched = rule(GROUP, kind.plural, operations=("CREATE", "UPDATE"), version=VERSION)
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {"resourceRules": [matched]},
        "matchConditions": _people(account),
        "variables": variables,
        "mutations": [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": first}},
            {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}},
        ],
    }
    return [
        policy(kind="Mutating", name=name, spec=spec, version=STAMP_VERSION),
        binding(kind="Mutating", name=name, spec={}, version=STAMP_VERSION),
    ]
