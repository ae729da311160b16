"""The operator held to its word: on a Node its service account can change one taint and its own keys, nothing else.

RBAC can only say "may patch nodes", which would let a stolen token drain a cluster or lift somebody's quarantine.
"""

from typing import Any

from hyperpod_operator.api.admission.manifests import binding, cel, one_line, policy, rule, variable
from hyperpod_operator.api.names import FENCED_AT, FENCED_BECAUSE, LABEL_VOLUME_PREFIX, NODE_HEALTH_STATUS, NODE_LABELS

NAME = "hyperpod-operator-nodes"

LABELS = (*NODE_LABELS, "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
ANNOTATIONS = (FENCED_AT, FENCED_BECAUSE)

_OURS = f"(t.key == {cel(NODE_HEALTH_STATUS)} && t.?value.orValue('') == 'Unschedulable' && t.effect == 'NoSchedule')"
_SPEC = ("podCIDR", "podCIDRs", "providerID", "unschedulable", "configSource", "externalID")


def fence(*, namespace: str, service_account: str) -> list[dict[str, Any]]:
    """The policy and its binding. It matches the operator's service account and nobody else."""
    user = f"system:serviceaccount:{namespace}:{service_account}"
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [rule("", "nodes", "nodes/*", operations=("CREATE", "UPDATE", "DELETE"))]
        },
        "matchConditions": [{"name": "the-operator", "expression": f"request.userInfo.username == {cel(user)}"}],
        "variables": [
            variable("foreignBefore", f"oldObject.spec.?taints.orValue([]).filter(t, !{_OURS})"),
            variable("foreignAfter", f"object.spec.?taints.orValue([]).filter(t, !{_OURS})"),
            *_maps("labels"),
            *_maps("annotations"),
        ],
        "validations": [
            _validation(
                "request.operation == 'UPDATE' && request.?subResource.orValue('') == ''",
                "the operator changes nodes, and neither creates nor deletes them nor writes their status",
            ),
            _validation(
                "variables.foreignBefore == variables.foreignAfter",
                f"the operator may add and remove one taint alone: {NODE_HEALTH_STATUS}=Unschedulable:NoSchedule",
            ),
            _validation(
                " && ".join(f"object.spec.?{name} == oldObject.spec.?{name}" for name in _SPEC),
                "the operator may change nothing in a node's spec but one taint",
            ),
            _validation(
                _unchanged("labels", f"(key in {cel(LABELS)} || key.startsWith({cel(LABEL_VOLUME_PREFIX)}))"),
                f"the operator may change these labels alone: {_list(LABELS)}, {LABEL_VOLUME_PREFIX}*",
            ),
            _validation(
                _unchanged("annotations", f"key in {cel(ANNOTATIONS)}"),
                f"the operator may change these annotations alone: {_list(ANNOTATIONS)}",
            ),
            _validation(
                "object.metadata.?finalizers == oldObject.metadata.?finalizers "
                "&& object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences",
                "the operator may change neither finalizers nor owners of a node",
            ),
        ],
    }
    return [
        policy(kind="Validating", name=NAME, spec=spec),
        binding(kind="Validating", name=NAME, spec={"validationActions": ["Deny"]}),
    ]


def _maps(member: str) -> list[dict[str, str]]:
    return [
        variable(f"{member}Before", f"oldObject.metadata.?{member}.orValue({{}})"),
        variable(f"{member}After", f"object.metadata.?{member}.orValue({{}})"),
    ]


def _unchanged(member: str, ours: str) -> str:
    """`ours` is the CEL condition on `key` for what the operator may change."""
    before, after = f"variables.{member}Before", f"variables.{member}After"
    return one_line(f"""
        {before}.all(key, {ours} || (key in {after} && {after}[key] == {before}[key]))
        && {after}.all(key, {ours} || key in {before})
    """)


def _validation(expression: str, message: str) -> dict[str, str]:
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)
