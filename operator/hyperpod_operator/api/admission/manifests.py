"""The frame that all admission policies share."""

from typing import Any, Literal

ADMISSION = "admissionregistration.k8s.io"

PARAMETERS = "hyperpod-operator-admission"
"""ConfigMap with what the policies about pods cannot know by themselves."""
INSTANCE_TYPES = "instanceTypes"
"""Its key: EC2 instance types, without `ml.`, that only HyperPod's nodes have here; separated by commas."""


def policy(
    *, kind: Literal["Validating", "Mutating"], name: str, spec: dict[str, Any], version: str = "v1"
) -> dict[str, Any]:
    return {
        "apiVersion": f"{ADMISSION}/{version}",
        "kind": f"{kind}AdmissionPolicy",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "hyperpod-operator"}},
        "spec": spec,
    }


def binding(
    *, kind: Literal["Validating", "Mutating"], name: str, spec: dict[str, Any], version: str = "v1"
) -> dict[str, Any]:
    return {
        "apiVersion": f"{ADMISSION}/{version}",
        "kind": f"{kind}AdmissionPolicyBinding",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "hyperpod-operator"}},
        "spec": {"policyName": name, **spec},
    }


def rule(group: str, *resources: str, operations: tuple[str, ...]) -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": list(operations),
        "resources": list(resources),
    }


def variable(name: str, expression: str) -> dict[str, str]:
    return {"name": name, "expression": " ".join(expression.split())}


def one_line(expression: str) -> str:
    return " ".join(expression.split())


def cel(value: object) -> str:
    """A Python string, list or dict of strings as a CEL literal."""
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{cel(key)}: {cel(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(cel(item) for item in value) + "]"
    raise TypeError(f"no CEL literal for {value!r}")


def instance_types() -> str:
    """CEL for the list of types in the parameters; empty where there are none."""
    return (
        f"params != null && has(params.data) && {cel(INSTANCE_TYPES)} in params.data "
        f"? params.data[{cel(INSTANCE_TYPES)}].split(',').map(t, t.trim()).filter(t, t != '') : []"
    )


def parameters(*, namespace: str) -> dict[str, Any]:
    """How a binding names the ConfigMap; without it the policy lets everything through."""
    return {"paramRef": {"name": PARAMETERS, "namespace": namespace, "parameterNotFoundAction": "Allow"}}
