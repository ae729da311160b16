"""pydantic's JSON schema, turned into a Kubernetes structural schema.

The API server accepts a narrow dialect: everything inlined, a type on every node, no unions. What cannot be
said in it is refused here, at generation, so that a model never promises what the CRD does not keep. Also
refused: a field without a description (`kubectl explain` is the manual) and a string, list or map without a
bound (CEL cost).
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

DROPPED = frozenset({"title", "examples", "deprecated", "$id", "propertyNames"})
"""Words that say nothing to the API server. Bounds of map keys become CEL rules where they matter."""

REFUSED = frozenset({"prefixItems", "patternProperties", "oneOf", "discriminator", "allOf", "not", "if", "contains"})
"""Words of JSON schema that a structural schema has no place for."""

KEPT = frozenset(
    {
        "type",
        "format",
        "description",
        "enum",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "required",
        "default",
        "properties",
        "items",
        "additionalProperties",
    }
)


class NotStructuralError(ValueError):
    """A model says something that a CRD cannot. The text names the place and the way out."""

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, without the description of the model itself.

    Raises NotStructuralError for what a CRD cannot say.
    """
    document = deepcopy(model.model_json_schema(mode="validation"))  # extensions are shared with the model
    definitions = document.pop("$defs", {})
    document.pop("description", None)
    return _node(document, definitions=definitions, path=model.__name__, inside=(model.__name__,))


def _node(raw: Mapping[str, Any], *, definitions: Mapping[str, Any], path: str, inside: tuple[str, ...]) -> Schema:
    node, inside = _inlined(dict(raw), definitions=definitions, path=path, inside=inside)
    if refused := sorted(REFUSED & node.keys()):
        raise NotStructuralError(
            path=path, problem=f"{refused[0]} has no place in a structural schema; restate the model"
        )
    node = {word: value for word, value in node.items() if word not in DROPPED}
    if node.get("x-kubernetes-int-or-string") or node.get("x-kubernetes-preserve-unknown-fields"):
        return node
    _reword(node)
    if unknown := sorted(word for word in node if word not in KEPT and not word.startswith("x-kubernetes-")):
        raise NotStructuralError(path=path, problem=f"do not know what to make of {unknown[0]}; teach schema.py")
    if "type" not in node:
        raise NotStructuralError(path=path, problem="every node needs a type; a bare Any or object has none")
    _refuse_unbounded(node, path=path)
    for name, child in node.get("properties", {}).items():
        here = f"{path}.{name}"
        node["properties"][name] = _node(child, definitions=definitions, path=here, inside=inside)
        if not node["properties"][name].get("description"):
            raise NotStructuralError(path=here, problem="has no description; kubectl explain shows it to users")
    if not node.get("properties", True):
        # An empty marker. The API server stores no empty map, and a second manager of server-side apply would then take
        # the whole node for changed by the first one.
        del node["properties"]
    for word in ("items", "additionalProperties"):
        if word in node:
            node[word] = _node(node[word], definitions=definitions, path=f"{path}[]", inside=inside)
            node[word].pop("description", None)  # the class's docstring is for us, not for users
    return _ordered(node)


def _inlined(
    node: Schema, *, definitions: Mapping[str, Any], path: str, inside: tuple[str, ...]
) -> tuple[Schema, tuple[str, ...]]:
    """Resolve references and optional members. What the field says wins over what its type says."""
    if "anyOf" in node:
        node = _without_null(node, path=path)
    if "$ref" not in node:
        return node, inside
    name = str(node.pop("$ref")).removeprefix("#/$defs/")
    if name in inside:
        raise NotStructuralError(path=path, problem=f"{name} contains itself; a structural schema cannot recurse")
    target = {word: value for word, value in deepcopy(definitions[name]).items() if word != "description"}
    rules = [*target.get("x-kubernetes-validations", []), *node.get("x-kubernetes-validations", [])]
    merged = {**target, **node, **({"x-kubernetes-validations": rules} if rules else {})}
    return _inlined(merged, definitions=definitions, path=path, inside=(*inside, name))


def _without_null(node: Schema, *, path: str) -> Schema:
    """`T | None` is T, not required and not nullable; `int | str` has an extension; other unions are refused."""
    choices = [choice for choice in node.pop("anyOf") if choice.get("type") != "null"]
    rest = {word: value for word, value in node.items() if not (word == "default" and value is None)}
    if sorted(str(choice.get("type")) for choice in choices) == ["integer", "string"]:
        return {**rest, "x-kubernetes-int-or-string": True}
    if len(choices) != 1:
        problem = "a union of types; write optional members and a CEL rule that exactly one is set"
        raise NotStructuralError(path=path, problem=problem)
    return {**choices[0], **rest}


def _reword(node: Schema) -> None:
    if node.get("default", ...) is None:
        del node["default"]
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if "enum" in node and "type" not in node and all(isinstance(value, str) for value in node["enum"]):
        node["type"] = "string"
    if node.pop("uniqueItems", False):
        node["x-kubernetes-list-type"] = "set"
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in node and not isinstance(node[exclusive], bool):
            node[limit], node[exclusive] = node[exclusive], True
    if node.get("additionalProperties") is False:
        # The server refuses it; pruning and strict field validation do its job.
        del node["additionalProperties"]
    elif node.get("additionalProperties") is True:
        del node["additionalProperties"]
        node["x-kubernetes-preserve-unknown-fields"] = True


def _refuse_unbounded(node: Schema, *, path: str) -> None:
    kind = node["type"]
    if kind == "string" and "maxLength" not in node and "enum" not in node:
        raise NotStructuralError(path=path, problem="a string needs max_length, or CEL rules on it cost without bound")
    if kind == "array" and "maxItems" not in node:
        raise NotStructuralError(path=path, problem="a list needs max_length, or CEL rules on it cost without bound")
    if "additionalProperties" in node and "maxProperties" not in node:
        raise NotStructuralError(path=path, problem="a map needs max_length, or CEL rules on it cost without bound")


def _ordered(node: Schema) -> Schema:
    """Description and type first: that is how people read a schema. `required` sorted, so that diffs are small."""
    if "required" in node:
        node["required"] = sorted(node["required"])
    first = [word for word in ("description", "type") if word in node]
    last = [word for word in ("properties", "items", "additionalProperties") if word in node]
    middle = [word for word in node if word not in {*first, *last}]
    return {word: node[word] for word in (*first, *middle, *last)}
