"""docs/api.md: what the CustomResourceDefinitions say, for people. A section for each object, a row for each field.

Read from the definitions and not from the models: what the API server holds people to is what the page says.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

HEAD = """\
# API reference

<!-- Generated from crds/ by `make chart`. -->

Every field, and what the API server rejects. Fields in **bold** are required. [concepts.md](concepts.md),
[nodes.md](nodes.md) and [volumes.md](volumes.md) explain how the operator acts on them, [conditions.md](conditions.md)
what it reports. [examples/](../examples) has examples to copy.
"""

LONGEST_PATTERN = 60
"""Characters; a longer one is of no use in a table."""


def reference(definitions: Iterable[Schema]) -> str:
    """The page for these definitions, in the order of their kinds."""
    found = sorted(definitions, key=lambda one: str(one["spec"]["names"]["kind"]), reverse=True)
    return "\n".join([HEAD, *(line for definition in found for line in _kind(definition))])


def _kind(definition: Schema) -> Iterator[str]:
    names = definition["spec"]["names"]
    group = definition["spec"]["group"]
    for version in definition["spec"]["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        short = ", ".join(f"`{name}`" for name in names.get("shortNames", ()))
        yield f"## {names['kind']}\n"
        yield f"`apiVersion: {group}/{version['name']}`, `kind: {names['kind']}`, short {short}. {_words(schema)}\n"
        yield from _columns(version.get("additionalPrinterColumns", ()))
        for part in ("spec", "status"):
            yield from _section(schema["properties"][part], path=part, kind=names["kind"])


def _columns(columns: Any) -> Iterator[str]:
    if not columns:
        return
    yield "| Column of `kubectl get` | |"
    yield "|---|---|"
    for column in columns:
        wide = " (with `-o wide`)" if column.get("priority") else ""
        yield f"| {column['name'].upper()} | {_cell(column.get('description', ''))}{wide} |"
    yield ""


def _section(schema: Schema, *, path: str, kind: str) -> Iterator[str]:
    """The fields of one object, then the objects in it, depth first."""
    yield f"### {kind} `{path}`\n"
    if words := _words(schema):
        yield f"{words}\n"
    yield "| Field | Type | What it is |"
    yield "|---|---|---|"
    inner: list[tuple[str, Schema]] = []
    for name, member in schema["properties"].items():
        where = f"{path}.{name}"
        below = _object(member)
        if below is not None:
            inner.append((where + ("[]" if member.get("type") == "array" else ""), below))
        shown = f"**`{name}`**" if name in schema.get("required", ()) else f"`{name}`"
        target = inner[-1][0] if below is not None else ""
        yield f"| {shown} | {_type(member, kind=kind, target=target)} | {_cell(_words(member))} |"
    yield ""
    yield from _rules(schema)
    for where, below in inner:
        yield from _section(below, path=where, kind=kind)


def _rules(schema: Schema) -> Iterator[str]:
    """What the API server says when it refuses; of the object itself and of its fields that are no objects."""
    said = [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]
    for name, member in schema["properties"].items():
        own = [rule["message"] for rule in member.get("x-kubernetes-validations", ())]
        if member.get("type") == "array" or _object(member) is None:
            said += [f"`{name}`: {message}" for message in own]
        items = member.get("items") or {}
        if items and items.get("type") != "object":
            said += [f"`{name}`: {rule['message']}" for rule in items.get("x-kubernetes-validations", ())]
    if said:
        yield "Refused with one of these:\n"
        yield from (f"- {message}" for message in dict.fromkeys(said))
        yield ""


def _object(member: Schema) -> Schema | None:
    """The object that a field is, or a list of, if it has fields of its own."""
    inside = member.get("items", member) if member.get("type") == "array" else member
    return inside if inside.get("properties") else None


def _type(member: Schema, *, kind: str, target: str) -> str:
    base = _base(member, kind=kind, target=target)
    return "<br>".join([base, *_limits(member)])


def _base(member: Schema, *, kind: str, target: str) -> str:
    if target:
        anchor = _anchor(f"{kind} {target}")
        return f"list of [objects](#{anchor})" if member.get("type") == "array" else f"[object](#{anchor})"
    if member.get("type") == "array":
        return f"list of {_base(member['items'], kind=kind, target='')}s"
    if "additionalProperties" in member:
        return f"map to {_base(member['additionalProperties'], kind=kind, target='')}"
    if member.get("x-kubernetes-int-or-string"):
        return "integer or string"
    kind_of = str(member.get("type", "anything"))
    return f"{kind_of} ({member['format']})" if member.get("format") == "date-time" else kind_of


def _limits(member: Schema) -> Iterator[str]:
    inside = member.get("items", {}) if member.get("type") == "array" else member
    if "enum" in inside:
        yield _cell(", ".join(f"`{value}`" for value in inside["enum"]))
    if "default" in member:
        yield f"default `{member['default']}`"
    for least, most, what in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " entries"),
    ):
        yield from _range(member.get(least), member.get(most), what)
    pattern = str(inside.get("pattern", ""))
    if pattern and len(pattern) <= LONGEST_PATTERN:
        yield f"`{_cell(pattern)}`"


def _range(least: Any, most: Any, what: str) -> Iterator[str]:
    if least is not None and most is not None:
        yield f"{least} to {most}{what}"
    elif most is not None:
        yield f"at most {most}{what}"
    elif least is not None:
        yield f"at least {least}{what}"


def _words(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    kept = "".join(one for one in heading.lower() if one.isalnum() or one in " -_")
    return kept.replace(" ", "-")
