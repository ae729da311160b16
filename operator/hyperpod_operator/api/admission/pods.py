"""A pod that asks for a node that HyperPod never brings: said at admission, not after a day of Pending.

HyperPod's nodes carry their instance type with the prefix `ml.` (SageMaker developer guide, "EKS prerequisites"), and
some label keys that documents and habits suggest do not exist. Templates of workloads are looked at, too: a warning
about a pod reaches its controller, a warning about the Deployment reaches the person.
"""

from typing import Any, Literal

from hyperpod_operator.api.admission.manifests import (
    binding,
    cel,
    one_line,
    policy,
    rule,
    variable,
)
from hyperpod_operator.api.names import (
    DEEP_HEALTH_CHECK_STATUS,
    FAULT_REASONS,
    FAULT_TYPES,
    INSTANCE_GROUP_NAME,
    NODE_HEALTH_STATUS,
    SAGEMAKER_PREFIX,
)

NAME = "hyperpod-operator"

TYPE_KEYS = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")

RIGHT_KEYS = {
    f"{SAGEMAKER_PREFIX}fault-type": FAULT_TYPES,
    f"{SAGEMAKER_PREFIX}fault-reason": FAULT_REASONS,
    f"{SAGEMAKER_PREFIX}node-group-name": INSTANCE_GROUP_NAME,
    f"{SAGEMAKER_PREFIX}node-group": INSTANCE_GROUP_NAME,
    f"{SAGEMAKER_PREFIX}instance-group": INSTANCE_GROUP_NAME,
    f"{SAGEMAKER_PREFIX}health-status": NODE_HEALTH_STATUS,
    f"{SAGEMAKER_PREFIX}deep-health-check": DEEP_HEALTH_CHECK_STATUS,
    f"{SAGEMAKER_PREFIX}deep-health-status": DEEP_HEALTH_CHECK_STATUS,
}
"""Keys that HyperPod does not set, and the one that was meant."""

OBJECTS = (
    ("pods", "object.spec", (("", ("pods",), ("CREATE",)),)),
    (
        "pod-templates",
        "object.spec.template.spec",
        (
            ("apps", ("deployments", "statefulsets", "daemonsets"), ("CREATE", "UPDATE")),
            ("batch", ("jobs",), ("CREATE",)),
        ),
    ),
    ("cron-jobs", "object.spec.jobTemplate.spec.template.spec", (("batch", ("cronjobs",), ("CREATE", "UPDATE")),)),
)
"""Name of a policy, where the pod is in the objects that it matches, and which these are. A policy for each place:
the API server checks the types of an expression against the schema of every object that its policy matches."""

_SELECTOR = "has(variables.pod.nodeSelector) ? variables.pod.nodeSelector : {}"
_TERMS = """
    has(variables.pod.affinity) && has(variables.pod.affinity.nodeAffinity)
    && has(variables.pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution)
    ? variables.pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
        .filter(t, has(t.matchExpressions))
    : []
"""
_WRONG_TYPES = f"""
    variables.types.filter(type,
      {cel(TYPE_KEYS)}.exists(key, key in variables.selector && variables.selector[key] == type)
      || variables.terms.exists(t, t.matchExpressions.exists(e,
           e.key in {cel(TYPE_KEYS)} && e.operator == 'In' && type in e.values
           && !e.values.exists(value, value == 'ml.' + type))))
"""
_WRONG_KEYS = f"""
    {cel(list(RIGHT_KEYS))}.filter(key,
      key in variables.selector
      || variables.terms.exists(t, t.matchExpressions.exists(e,
           e.key == key && e.operator in ['In', 'Exists', 'Gt', 'Lt'])))
"""


def types(instance_types: tuple[str, ...]) -> dict[str, str]:
    """The variable with the EC2 types, without `ml.`, that only HyperPod's nodes have in this cluster."""
    return variable("types", f"{cel(','.join(instance_types))}.split(',').filter(t, t != '')")


def advice(*, instance_types: tuple[str, ...], action: Literal["Warn", "Deny"]) -> list[dict[str, Any]]:
    """The policies and their bindings; `action` says whether a pod that no node fits is warned about or refused."""
    return [
        manifest
        for suffix, pod, matched in OBJECTS
        for manifest in (
            policy(
                kind="Validating",
                name=f"{NAME}-{suffix}",
                spec=_spec(
                    rules=[rule(group, *resources, operations=operations) for group, resources, operations in matched],
                    pod=pod,
                    instance_types=instance_types,
                ),
            ),
            binding(kind="Validating", name=f"{NAME}-{suffix}", spec={"validationActions": [action]}),
        )
    ]


def _spec(*, rules: list[dict[str, Any]], pod: str, instance_types: tuple[str, ...]) -> dict[str, Any]:
    return {
        "failurePolicy": "Ignore",
        "matchConstraints": {"resourceRules": rules},
        "variables": [
            types(instance_types),
            variable("pod", pod),
            variable("selector", _SELECTOR),
            variable("terms", _TERMS),
            variable("wrongTypes", _WRONG_TYPES),
            variable("wrongKeys", _WRONG_KEYS),
            variable("rightKeys", cel(RIGHT_KEYS)),
        ],
        "validations": [
            {
                "expression": "variables.wrongTypes.size() == 0",
                "messageExpression": one_line(f"""
                    'only HyperPod nodes have the instance type ' + variables.wrongTypes.join(', ')
                    + ' here, and their label has the prefix ml.: write '
                    + variables.wrongTypes.map(type, {cel(TYPE_KEYS[0] + ": ml.")} + type).join(', ')
                """),
                "reason": "Invalid",
            },
            {
                "expression": "variables.wrongKeys.size() == 0",
                "messageExpression": one_line("""
                    'HyperPod sets no label ' + variables.wrongKeys.join(', ') + ' on nodes: write '
                    + variables.wrongKeys.map(key, variables.rightKeys[key]).join(', ')
                """),
                "reason": "Invalid",
            },
        ],
    }
