"""Who may approve a plan.

Approving is the verb `approve` on the kinds that have plans, which RBAC grants like any other and an authorizer
checks here. A person who may edit a cluster can change its spec, and with this policy neither approve the plan that
follows from it nor loosen the change policy; a person who may create an operation cannot approve it. The operator's own
account writes status and never approves. A policy is about every cluster, also those that another installation serves,
whose account it does not know: the record of an approval may be kept by who has the verb on the subresource status.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from hyperpod_operator.api.admission.manifests import binding, cel, policy, rule, variable
from hyperpod_operator.api.admission.service_account import Manifest, ServiceAccount, Validation, validation
from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.names import APPROVE_PLAN, APPROVED_BY, GROUP, VERSION

STAMP_VERSION = "v1beta1"
VERB = "approve"
_RANKS = "{'Auto': 0, 'ApproveDisruptive': 1, 'ApproveAll': 2, 'PlanOnly': 3}"


def _annotation(of: str, name: str) -> str:
    return f"{of}.metadata.?annotations[?{cel(name)}].orValue('')"


def _management(of: str, member: str) -> str:
    return f"{of}.spec.?management.?{member}.orValue('')"


def _policy(of: str) -> str:
    return f"{of}.spec.?management.?changePolicy.orValue('Auto')"


def _rank(of: str) -> str:
    """How strict the policy is. One that a newer release knew, of before a rollback, is the strictest: an error would
    deny every edit to everyone without the verb, the garbage collector included."""
    return f"{_RANKS}[?{_policy(of)}].orValue(3)"


_CREATES = "request.operation == 'CREATE'"
_SET = "({0} != '' && {0} != {0}Before)"
_ANNOTATIONS = [
    variable("annotated", _annotation("object", APPROVE_PLAN)),
    variable("annotatedBefore", f"{_CREATES} ? '' : {_annotation('oldObject', APPROVE_PLAN)}"),
    variable("by", _annotation("object", APPROVED_BY)),
    variable("byBefore", f"{_CREATES} ? '' : {_annotation('oldObject', APPROVED_BY)}"),
]
_BY_SPEC = [
    *_ANNOTATIONS,
    variable("specified", _management("object", "approvedPlan")),
    variable("specifiedBefore", f"{_CREATES} ? '' : {_management('oldObject', 'approvedPlan')}"),
    variable("approves", " || ".join(_SET.format(f"variables.{name}") for name in ("annotated", "specified"))),
]
_BY_ANNOTATION = [*_ANNOTATIONS, variable("approves", _SET.format("variables.annotated"))]
_LOOSENED = f"!({_CREATES}) && {_rank('object')} < {_rank('oldObject')}"
_RECORDS = f"!({_CREATES}) && object.?status.?lastApproval != oldObject.?status.?lastApproval"
_REPLANNED = f"!({_CREATES}) && object.?status.?plan != oldObject.?status.?plan"
_WAITS = (
    "[object, oldObject].exists(o, o.?status.?plan.?state.orValue('') == 'Stale' "
    "|| o.?status.?plan.?actions.orValue([]).exists(a, a.?waits.orValue(false)))"
)
"""The change policy is the cluster's, which the policy of another kind cannot read: the plan says that it waits."""
_OWN_NAME = validation(
    "variables.by == '' || variables.by == request.userInfo.username || (variables.by == variables.byBefore "
    "&& !variables.approves)",
    f"the annotation {APPROVED_BY} names the user who approves: set your own name, or remove it",
)


def approvals(account: ServiceAccount, kinds: Iterable[Kind]) -> list[Manifest]:
    """For each kind that has plans, the policy that asks for the verb, and its binding: about all but the operator."""
    return [manifest for kind in kinds if kind.has_plans for manifest in _approvals(account, kind)]


def stamp(account: ServiceAccount, kinds: Iterable[Kind]) -> list[Manifest]:
    """Writes who approves into an annotation. For API servers that serve MutatingAdmissionPolicy."""
    return [manifest for kind in kinds if kind.has_plans for manifest in _stamp(account, kind)]


def _approvals(account: ServiceAccount, kind: Kind) -> list[Manifest]:
    name = f"hyperpod-operator-{kind.word}-approvals"
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                rule(GROUP, kind.plural, f"{kind.plural}/status", operations=("CREATE", "UPDATE"), version=VERSION)
            ]
        },
        "matchConditions": _people(account),
        "variables": [*_variables(kind), *_rights(kind)],
        "validations": [*_validations(kind), _OWN_NAME],
    }
    return [
        policy(kind="Validating", name=name, spec=spec),
        binding(kind="Validating", name=name, spec={"validationActions": ["Deny"]}),
    ]


def _variables(kind: Kind) -> list[dict[str, str]]:
    """A kind without a change policy of its own is approved by annotation only."""
    return _BY_SPEC if kind.has_change_policy else _BY_ANNOTATION


def _validations(kind: Kind) -> Sequence[Validation]:
    right = _right(kind)
    if not kind.has_change_policy:
        refusal = f"you may not approve this {kind.name}: that needs {right}"
        return (validation("!variables.approves || variables.may", refusal), _keeps_plan(kind, when=_WAITS))
    return (
        validation(
            "!variables.approves || variables.may",
            f"you may not approve plans of this {kind.name}: that needs {right}",
        ),
        validation(
            f"!({_LOOSENED}) || variables.may",
            f"you may not loosen spec.management.changePolicy of this {kind.name}: that needs {right}",
        ),
        validation(
            f"!({_RECORDS}) || variables.may || variables.keeps",
            f"you may not change status.lastApproval of this {kind.name}: that needs {right}",
        ),
        _keeps_plan(kind, when=f"{_rank('object')} > 0"),
    )


def _keeps_plan(kind: Kind, *, when: str) -> Validation:
    """Who approves reads the plan there: a digest beside calls that are not its own would be approved in error. Where
    nothing waits for approvals, no other operator needs the right."""
    return validation(
        f"!({_REPLANNED} && {when}) || variables.may || variables.keeps",
        f"you may not change status.plan of this {kind.name}, by which plans are approved: that needs {_right(kind)}",
    )


def _right(kind: Kind) -> str:
    return f"the verb {VERB} on {kind.definition} (docs/plans.md)"


def _people(account: ServiceAccount) -> list[dict[str, str]]:
    """Everyone but the operator."""
    return [{"name": "people", "expression": f"request.userInfo.username != {cel(account.user)}"}]


def _rights(kind: Kind) -> list[dict[str, str]]:
    """Whether the user has the verb on this object, and on its status, which the operators keep."""
    resource = f"authorizer.group({cel(GROUP)}).resource({cel(kind.plural)})"
    check = f".namespace(request.namespace).name(request.name).check({cel(VERB)}).allowed()"
    return [variable("may", resource + check), variable("keeps", f"{resource}.subresource('status'){check}")]


def _stamp(account: ServiceAccount, kind: Kind) -> list[Manifest]:
    name = f"hyperpod-operator-{kind.word}-approved-by"
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
        "variables": _variables(kind),
        "mutations": [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": first}},
            {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}},
        ],
    }
    return [
        policy(kind="Mutating", name=name, spec=spec, version=STAMP_VERSION),
        binding(kind="Mutating", name=name, spec={}, version=STAMP_VERSION),
    ]
