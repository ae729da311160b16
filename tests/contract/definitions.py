"""What the CustomResourceDefinitions know: kinds by each of their names, fields by path."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hyperpod_testbed.documents import documents

ROOT = Path(__file__).parents[2]
DEFINITIONS = [one for path in sorted((ROOT / "crds").glob("*.yaml")) for one in documents(path.read_text())]
METADATA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _names(definition: Mapping[str, Any]) -> Iterator[str]:
    names = definition["spec"]["names"]
    yield from (
        names["plural"],
        names["singular"],
        *names["shortNames"],
        f"{names['plural']}.{definition['spec']['group']}",
    )


KINDS = {name: definition for definition in DEFINITIONS for name in _names(definition)}
"""By what kubectl takes: plural, singular, short, and plural with the group."""


def schema(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of whole objects, metadata and all."""
    found: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    ours = {name: part for name, part in found["properties"].items() if name != "metadata"}
    return {**found, "properties": {**ours, "metadata": METADATA}}


def columns(definition: Mapping[str, Any]) -> list[str]:
    """As `kubectl get` heads them."""
    shown = definition["spec"]["versions"][0]["additionalPrinterColumns"]
    return ["NAME", *(column["name"].upper() for column in shown if not column.get("priority"))]


def unknown(value: Any, known: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths in a value that the schema does not have, lists flattened."""
    if known.get("x-kubernetes-preserve-unknown-fields"):
        return
    if isinstance(value, list):
        for one in value:
            yield from unknown(one, known.get("items", {}), path)
    elif isinstance(value, Mapping):
        members = known.get("properties", {})
        for name, inside in value.items():
            below = members.get(name) or known.get("additionalProperties")
            if below is None:
                yield f"{path}.{name}"
            else:
                yield from unknown(inside, below, f"{path}.{name}")


def nested(path: str) -> Mapping[str, Any]:
    """`.status.nodeHealth` as the value that has it."""
    value: Any = {}
    for name in reversed(path.strip(".").split(".")):
        value = {name: value}
    found: Mapping[str, Any] = value
    return found
