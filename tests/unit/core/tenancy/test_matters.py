"""Every text that a spec can carry is classified: the schema says which there are, and a new one fails here."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest

from hyperpod_operator.api.crd import all_crds
from hyperpod_operator.api.names import CLUSTER_KIND, NODE_OPERATION_KIND, VOLUME_CLAIM_KIND
from hyperpod_operator.core.tenancy.matters import (
    CLUSTER_SPEC,
    NODE_OPERATION_SPEC,
    VOLUME_CLAIM_SPEC,
    Below,
    Classification,
    Held,
    Matter,
    NodeKey,
    Open,
    TagKey,
)
from hyperpod_operator.core.tenancy.names import names_of_claim, names_of_cluster
from hyperpod_operator.core.volume.plan import CloudStep
from hyperpod_operator.core.volume.ports import NewVolume

TABLES: Mapping[str, Mapping[str, Classification]] = {
    CLUSTER_KIND: CLUSTER_SPEC,
    VOLUME_CLAIM_KIND: VOLUME_CLAIM_SPEC,
    NODE_OPERATION_KIND: NODE_OPERATION_SPEC,
}
SPECS = {
    definition["spec"]["names"]["kind"]: definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][
        "spec"
    ]
    for definition in all_crds().values()
}


def texts(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of everything in a schema whose value the author of a spec makes up: texts and keys of maps."""
    for name, below in (schema.get("properties") or {}).items():
        yield from texts(below, f"{path}.{name}" if path else name)
    if isinstance(values := schema.get("additionalProperties"), Mapping):
        yield f"{path}.<key>"
        yield from texts(values, f"{path}.*")
    if "items" in schema:
        yield from texts(schema["items"], f"{path}[]")
    leaf = not {"properties", "additionalProperties", "items"} & schema.keys()
    if leaf and "enum" not in schema and schema.get("type") not in {"integer", "boolean", "number", "object"}:
        yield path


def sample(path: str, value: str) -> Any:
    """A spec with this one member."""
    head, _, rest = path.partition(".")
    if head == "<key>":
        return {value: "x"}
    below = sample(rest, value) if rest else value
    return {head.removesuffix("[]"): [below] if head.endswith("[]") else below}


def test_there_is_a_table_for_each_kind() -> None:
    assert TABLES.keys() == SPECS.keys()


@pytest.mark.parametrize("kind", TABLES)
def test_every_text_of_a_spec_is_classified_and_nothing_else_is(kind: str) -> None:
    assert sorted(texts(SPECS[kind])) == sorted(TABLES[kind])


HELD = [(kind, path) for kind, table in TABLES.items() for path, row in table.items() if isinstance(row, Held)]


@pytest.mark.parametrize(("kind", "path"), HELD)
def test_a_member_that_is_held_is_found_in_a_spec(kind: str, path: str) -> None:
    find = names_of_cluster if kind == CLUSTER_KIND else names_of_claim
    (found,) = find(sample(path, "value"))
    row = TABLES[kind][path]
    assert isinstance(row, Held)
    assert (found.matter, found.value) == (row.matter, "value")


@pytest.mark.parametrize("matter", Matter)
def test_every_list_holds_something(matter: Matter) -> None:
    rows = [row for table in TABLES.values() for row in table.values()]
    assert any(isinstance(row, Held | NodeKey) and row.matter is matter for row in rows)


@pytest.mark.parametrize(
    ("kind", "path"),
    [(kind, path) for kind, table in TABLES.items() for path, row in table.items() if isinstance(row, Open)],
)
def test_an_open_member_says_why(kind: str, path: str) -> None:
    row = TABLES[kind][path]
    assert isinstance(row, Open)
    assert len(row.why) > 3


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [(kind, path, "../x") for kind, table in TABLES.items() for path, row in table.items() if isinstance(row, Below)]
    + [
        (kind, path, "HyperPod-Operator.dev/claim-uid")
        for kind, table in TABLES.items()
        for path, row in table.items()
        if isinstance(row, TagKey)
    ]
    + [
        (kind, path, f"{prefix}x")
        for kind, table in TABLES.items()
        for path, row in table.items()
        if isinstance(row, NodeKey)
        for prefix in row.reserved
    ],
)
def test_a_member_whose_form_is_judged_is_found_in_a_spec(kind: str, path: str, value: str) -> None:
    find = names_of_cluster if kind == CLUSTER_KIND else names_of_claim
    (found,) = find(sample(path, value))
    assert found.fault


# Calls on volumes: they carry fields, not members of a spec.

KNOWN = {
    "request",  # CreateVolume: its own fields are below
    "volume_id",
    "cluster_arn",
    "change",  # sizes, rates and a type out of an enumeration
    "tags",
    "keys",
    "description",  # text for people
    "why",
    "instance_id",  # nodes of the cluster that cluster_arn names
    "node_name",
    "instance_group",
    "logical_id",
}
CREATED = {
    "client_token",
    "tags",
    "volume_type",
    "size",
    "iops",
    "throughput",
    "snapshot_id",  # held
    "encrypted",
    "kms_key_id",  # held
    "availability_zone",
    "availability_zone_id",
    "volume_initialization_rate",
}


def test_a_new_field_of_a_call_on_volumes_has_to_be_looked_at() -> None:
    """`core/volume/effective.py` says what of a call is held: go through it before adding a name here."""
    fields = {field.name for step in get_args(CloudStep) for field in dataclasses.fields(step)}
    assert fields == KNOWN
    assert {field.name for field in dataclasses.fields(NewVolume)} == CREATED
