"""The CustomResourceDefinitions, generated from the records of the kinds: one source for parsing, schema and manual."""

from collections.abc import Iterable, Mapping
from typing import Any

from hyperpod_operator.api.kinds import KINDS, Kind
from hyperpod_operator.api.names import GROUP
from hyperpod_operator.api.schema import Schema, structural


def crd(kind: Kind) -> dict[str, Any]:
    """The CRD of a kind, as plain data ready for YAML."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.definition},
        "spec": {
            "group": GROUP,
            "names": kind.names(),
            "scope": "Namespaced",
            "conversion": {"strategy": "None"},  # what the API server makes of none: the applied form is the stored one
            "versions": [
                {
                    "name": kind.version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _schema(kind)},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.manifest() for column in kind.columns],
                    **(
                        {"selectableFields": [{"jsonPath": path} for path in kind.selectable]}
                        if kind.selectable
                        else {}
                    ),
                }
            ],
        },
    }


def all_crds(kinds: Iterable[Kind] = KINDS) -> Mapping[str, dict[str, Any]]:
    """Every CRD by the file name that it has in `crds/`."""
    return {kind.file_name(): crd(kind) for kind in kinds}


def _selectable(kind: Kind) -> dict[str, Any]:
    """The API server takes no empty list of them."""
    return {"selectableFields": [{"jsonPath": path} for path in kind.selectable]} if kind.selectable else {}


def _schema(kind: Kind) -> Schema:
    """The root: what Kubernetes prescribes for every object, and the kind's spec and status."""
    fields = kind.resource.model_fields
    rules = {"x-kubernetes-validations": [dict(rule) for rule in kind.rules]} if kind.rules else {}
    return {
        "description": kind.description,
        "type": "object",
        "required": ["spec"],
        **rules,
        "properties": {
            "apiVersion": {"type": "string", "description": fields["apiVersion"].description},
            "kind": {"type": "string", "description": fields["kind"].description},
            "metadata": {"type": "object", **kind.metadata},
            "spec": {"description": fields["spec"].description, **structural(kind.spec)},
            "status": {"description": fields["status"].description, **structural(kind.status)},
        },
    }
