"""Nodes: the operator's service account changes two taints, its own keys and its own conditions, nothing else.

RBAC can only say "may patch nodes", which would let a stolen token drain a cluster or remove the taints of others. On
a Node that is not HyperPod's, the operator only removes labels by which a volume would seem to be attached there.
"""

from hyperpod_operator.api.admission.manifests import cel, one_line, variable
from hyperpod_operator.api.admission.service_account import Manifest, ServiceAccount, holding, validation
from hyperpod_operator.api.names import (
    DETACH_VOLUMES,
    DRAINING,
    LABEL_VOLUME_FORMER_PREFIX,
    LABEL_VOLUME_PREFIX,
    NODE_HEALTH_STATUS,
    NODE_LABELS,
    NODE_NAME_PREFIX,
    PROVIDER_ID_PATTERN,
    TAINT_REASON,
    TAINTED_AT,
)

NAME = "hyperpod-operator-nodes"

LABELS = (*NODE_LABELS, "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
LABEL_PREFIXES = (LABEL_VOLUME_PREFIX,)
ANNOTATIONS = (TAINTED_AT, TAINT_REASON, DRAINING, DETACH_VOLUMES)
CONDITION_REASON = "HyperPodOperator"
CONDITIONS = ("MaintenancePlanned", "MaintenanceInProgress", "DrainInProgress", "Drained")
"""Types of conditions that show how far a drain is, and the reason of those that the operator set."""

_OURS = (
    f"(t.effect == 'NoSchedule' && ((t.key == {cel(NODE_HEALTH_STATUS)} && t.?value.orValue('') == 'Unschedulable') "
    f"|| (t.key == {cel(DRAINING)} && t.?value.orValue('') == '')))"
)
_OUR_CONDITION = f"(c.type in {cel(CONDITIONS)} && c.?reason.orValue('') == {cel(CONDITION_REASON)})"
_FORMER = f"(key.startsWith({cel(LABEL_VOLUME_FORMER_PREFIX)}) && !(key in variables.labelsAfter))"
"""Labels of earlier builds are removed and never set."""
_HYPERPOD = one_line(f"""
    oldObject.metadata.name.startsWith({cel(NODE_NAME_PREFIX)})
    && oldObject.spec.?providerID.orValue('').matches({cel(f"^{PROVIDER_ID_PATTERN}$")})
    && oldObject.spec.?providerID.orValue('').endsWith(
        '-' + oldObject.metadata.name.substring({len(NODE_NAME_PREFIX)}))
""")
"""As for the operator itself, which does not look at a Node whose providerID and name are not of one instance."""
_STATUS = (
    "capacity",
    "allocatable",
    "phase",
    "addresses",
    "daemonEndpoints",
    "nodeInfo",
    "images",
    "volumesInUse",
    "volumesAttached",
    "config",
    "runtimeHandlers",
    "features",
    "declaredFeatures",
)
_REMOVED = (LABEL_VOLUME_PREFIX, LABEL_VOLUME_FORMER_PREFIX)
_ONLY_REMOVES = one_line(f"""
    object.spec == oldObject.spec && object.?status == oldObject.?status
    && variables.annotationsAfter == variables.annotationsBefore
    && variables.labelsAfter.all(key,
        key in variables.labelsBefore && variables.labelsAfter[key] == variables.labelsBefore[key])
    && variables.labelsBefore.all(key,
        key in variables.labelsAfter || {" || ".join(f"key.startsWith({cel(prefix)})" for prefix in _REMOVED)})
""")
_SPEC = ("podCIDR", "podCIDRs", "providerID", "unschedulable", "configSource", "externalID")


_UNTYPED = frozenset({"capacity", "allocatable", "runtimeHandlers", "features", "declaredFeatures"})
"""Members that the API server's type checker does not know: maps of quantities, and what came after Kubernetes 1.30."""


def nodes(account: ServiceAccount) -> list[Manifest]:
    return holding(
        account,
        name=NAME,
        group="",
        resource="nodes",
        variables=[
            variable("foreignBefore", f"oldObject.spec.?taints.orValue([]).filter(t, !{_OURS})"),
            variable("foreignAfter", f"object.spec.?taints.orValue([]).filter(t, !{_OURS})"),
            variable("conditionsBefore", f"oldObject.?status.?conditions.orValue([]).filter(c, !{_OUR_CONDITION})"),
            variable("conditionsAfter", f"object.?status.?conditions.orValue([]).filter(c, !{_OUR_CONDITION})"),
            *_maps("labels"),
            *_maps("annotations"),
            variable("hyperPod", _HYPERPOD),
        ],
        validations=[
            validation(
                "request.operation == 'UPDATE' && request.?subResource.orValue('') in ['', 'status']",
                "the operator changes nodes, and neither creates nor deletes them",
            ),
            validation(
                f"variables.hyperPod || ({_ONLY_REMOVES})",
                "the operator may change the nodes of HyperPod alone, and of others only remove these labels: "
                f"{_list(tuple(f'{prefix}*' for prefix in _REMOVED))}",
            ),
            validation(
                "variables.foreignBefore == variables.foreignAfter",
                f"the operator may add and remove these taints alone: {NODE_HEALTH_STATUS}=Unschedulable:NoSchedule, "
                f"{DRAINING}:NoSchedule",
            ),
            validation(
                " && ".join(f"object.spec.?{name} == oldObject.spec.?{name}" for name in _SPEC),
                "the operator may change nothing in a node's spec but its taints",
            ),
            validation(
                "variables.conditionsBefore == variables.conditionsAfter && "
                + " && ".join(f"{_status('object', name)} == {_status('oldObject', name)}" for name in _STATUS),
                f"the operator may change these conditions of a node alone, with the reason {CONDITION_REASON}: "
                f"{_list(CONDITIONS)}",
            ),
            validation(
                _unchanged("labels", f"(key in {cel(LABELS)} || {_prefixed(LABEL_PREFIXES)} || {_FORMER})"),
                f"the operator may change these labels alone: {_list(LABELS)}, {_list(LABEL_PREFIXES)}*; and remove "
                f"{LABEL_VOLUME_FORMER_PREFIX}*",
            ),
            validation(
                _unchanged("annotations", f"key in {cel(ANNOTATIONS)}"),
                f"the operator may change these annotations alone: {_list(ANNOTATIONS)}",
            ),
            validation(
                "object.metadata.?finalizers == oldObject.metadata.?finalizers "
                "&& object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences",
                "the operator may change neither finalizers nor owners of a node",
            ),
        ],
    )


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


def _prefixed(prefixes: tuple[str, ...]) -> str:
    return " || ".join(f"key.startsWith({cel(prefix)})" for prefix in prefixes)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _status(item: str, name: str) -> str:
    return f"dyn({item}).?status.?{name}" if name in _UNTYPED else f"{item}.?status.?{name}"
