"""docs/api.md tells all that the definitions hold people to."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.docs.api_reference import reference

from hyperpod_operator.api.crd import all_crds

ROOT = Path(__file__).parents[2]
DEFINITIONS = ROOT / "crds"
PAGE = (ROOT / "docs" / "api.md").read_text()


def schemas() -> list[Mapping[str, Any]]:
    found = [yaml.safe_load(path.read_text()) for path in sorted(DEFINITIONS.glob("*.yaml"))]
    return [one["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for one in found]


def members(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for inner in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from members(inner)


def test_the_page_is_what_the_definitions_say() -> None:
    assert reference(all_crds().values()) == PAGE, "run `make chart` and commit docs/api.md"


def test_every_field_has_a_row_with_words() -> None:
    rows = re.findall(r"^\| (?:\*\*)?`(\w+)`(?:\*\*)? \| .+ \| \S", PAGE, re.MULTILINE)
    fields = [
        name
        for schema in schemas()
        for part in ("spec", "status")
        for inner in members(schema["properties"][part])
        for name in inner.get("properties", ())
    ]
    assert sorted(rows) == sorted(fields)


def test_every_refusal_is_told() -> None:
    said = {
        rule["message"]
        for schema in schemas()
        for inner in members(schema["properties"]["spec"])
        for rule in inner.get("x-kubernetes-validations", ())
    }
    assert said
    assert [message for message in said if message not in PAGE] == []


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ({"type": "string", "enum": ["a", "b"]}, "string<br>`a`, `b`"),
        ({"type": "integer", "minimum": 0, "maximum": 5, "default": 3}, "integer<br>default `3`<br>0 to 5"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 2}, "list of strings<br>at most 2 entries"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map to string"),
        ({"type": "string", "format": "date-time"}, "string (date-time)"),
        ({"type": "string", "pattern": "^(a|b)$"}, "string<br>`^(a\\|b)$`"),
    ],
)
def test_a_type_says_its_limits(member: Mapping[str, Any], told: str) -> None:
    spec = {"type": "object", "properties": {"field": {"description": "Words.", **member}}}
    version = {"name": "v1", "schema": {"openAPIV3Schema": {"properties": {"spec": spec, "status": spec}}}}
    definition = {"spec": {"group": "example.com", "names": {"kind": "Kind"}, "versions": [version]}}
    assert f"| `field` | {told} | Words. |" in reference([definition])
