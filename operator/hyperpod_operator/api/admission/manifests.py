"""The frame that all admission policies share."""

from typing import Any, Literal

ADMISSION = "admissionregistration.k8s.io"
NAME = "hyperpod-operator"
"""What the names of all policies begin with, unless the installation has another name."""


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


def named(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """A policy or a binding of the installation of this name."""

    def renamed(text: str) -> str:
        if not text.startswith(NAME):
            raise ValueError(f"The admission policy {text} does not begin with {NAME}.")
        return name + text.removeprefix(NAME)

    spec = manifest["spec"]
    bound = {"policyName": renamed(spec["policyName"])} if "policyName" in spec else {}
    metadata = {**manifest["metadata"], "name": renamed(manifest["metadata"]["name"])}
    return {**manifest, "metadata": metadata, "spec": {**spec, **bound}}


def rule(group: str, *resources: str, operations: tuple[str, ...], version: str = "v1") -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
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
