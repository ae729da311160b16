"""The generated CRD as a whole: structural, bounded, described, small, and the one that is committed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_operator.api.crd import all_crds, crd
from hyperpod_operator.api.kinds import CLUSTER

CRDS = Path(__file__).parents[3] / "crds"
MOST_BYTES = 200_000
"""Client-side apply keeps the whole object in an annotation, whose limit is 256 KiB."""

Node = dict[str, Any]


@pytest.fixture(scope="module")
def version() -> Node:
    found: Node = crd(CLUSTER)["spec"]["versions"][0]
    return found


@pytest.fixture(scope="module")
def nodes(version: Node) -> list[tuple[str, Node]]:
    """Every schema node below spec and status, by path."""
    root = version["schema"]["openAPIV3Schema"]["properties"]
    return [*walk(root["spec"], "spec"), *walk(root["status"], "status")]


def walk(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if word in node:
            yield from walk(node[word], f"{path}[]")


def test_every_node_has_one_type(nodes: list[tuple[str, Node]]) -> None:
    assert [path for path, node in nodes if not isinstance(node.get("type"), str)] == []


def test_every_string_list_and_map_is_bounded(nodes: list[tuple[str, Node]]) -> None:
    unbounded = [
        path
        for path, node in nodes
        if (node["type"] == "string" and not {"maxLength", "enum"} & node.keys())
        or (node["type"] == "array" and "maxItems" not in node)
        or ("additionalProperties" in node and "maxProperties" not in node)
    ]
    assert unbounded == []


def test_every_field_is_described_in_sentences(nodes: list[tuple[str, Node]]) -> None:
    wanting = [
        path
        for path, node in nodes
        if not path.endswith("[]") and not (len(node["description"]) > 8 and node["description"].endswith("."))
    ]
    assert wanting == []


def test_nothing_has_a_default(nodes: list[tuple[str, Node]]) -> None:
    """Unset means unmanaged: a default of AWS's in our schema would turn silence into a wish."""
    assert [path for path, node in nodes if "default" in node] == []


def test_every_list_says_how_server_side_apply_merges_it(nodes: list[tuple[str, Node]]) -> None:
    lists = [(path, node) for path, node in nodes if node["type"] == "array"]
    assert lists
    assert [path for path, node in lists if node.get("x-kubernetes-list-type") not in {"map", "set", "atomic"}] == []


def test_keys_of_keyed_lists_are_required(nodes: list[tuple[str, Node]]) -> None:
    keyed = [(path, node) for path, node in nodes if node.get("x-kubernetes-list-type") == "map"]
    assert keyed
    loose = [
        path for path, node in keyed if not set(node["x-kubernetes-list-map-keys"]) <= set(node["items"]["required"])
    ]
    assert loose == []


def test_patterns_are_anchored_and_need_no_look_around(nodes: list[tuple[str, Node]]) -> None:
    patterns = [(path, node["pattern"]) for path, node in nodes if "pattern" in node]
    assert patterns
    wrong = [
        (path, text)
        for path, text in patterns
        if not (text.startswith("^") and text.endswith("$")) or "(?" in text or r"\d" in text
    ]
    assert wrong == []


def test_messages_of_rules_say_what_to_do_without_ending_in_a_full_stop(nodes: list[tuple[str, Node]]) -> None:
    """The server appends its own words, so a message is a clause: what is wrong, a colon, what to do."""
    messages = [each["message"] for _, node in nodes for each in node.get("x-kubernetes-validations", [])]
    assert messages
    assert [text for text in messages if text.endswith(".") or not (":" in text or text.startswith("set "))] == []


def test_the_crd_fits_into_a_client_side_apply() -> None:
    assert len(yaml.safe_dump(crd(CLUSTER)).encode()) < MOST_BYTES


def test_printer_columns_show_health_first(version: Node) -> None:
    shown = [column["name"] for column in version["additionalPrinterColumns"] if not column.get("priority")]
    assert shown == ["Ready", "Status", "Nodes", "Actor", "Message", "Age"]


def test_printed_and_selectable_paths_exist_in_the_schema(version: Node, nodes: list[tuple[str, Node]]) -> None:
    known = {f".{path}" for path, _ in nodes} | {".metadata.creationTimestamp"}
    paths = [column["jsonPath"] for column in version["additionalPrinterColumns"]]
    plain = [path for path in paths if "[?" not in path] + [each["jsonPath"] for each in version["selectableFields"]]
    assert set(plain) <= known


def test_each_call_generates_data_of_its_own() -> None:
    changed = crd(CLUSTER)
    changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"][
        "x-kubernetes-validations"
    ].clear()
    assert crd(CLUSTER) != changed


def test_the_committed_crds_are_the_generated_ones() -> None:
    committed = {path.name: yaml.safe_load(path.read_text()) for path in CRDS.glob("*.yaml")}
    assert committed == dict(all_crds()), "crds/ is not what the models say: run make crds and commit the result"
