"""The generated CRD of EBSVolumeClaim: structural, bounded, described, and what kubectl shows of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_operator.api.crd import crd
from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import VOLUME_CLAIM_KIND
from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("ebsvolumeclaim*.yaml"))
MOST_BYTES = 200_000
"""Client-side apply keeps the whole object in an annotation, whose limit is 256 KiB."""

Node = dict[str, Any]


@pytest.fixture(scope="module")
def version() -> Node:
    found: Node = crd(VOLUME_CLAIM)["spec"]["versions"][0]
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
    wanting = [path for path, node in nodes if not path.endswith("[]") and not node["description"].endswith(".")]
    assert wanting == []


def test_nothing_has_a_default(nodes: list[tuple[str, Node]]) -> None:
    """Unset means unmanaged, which matters for volumes that were there before."""
    assert [path for path, node in nodes if "default" in node] == []


def test_every_list_says_how_server_side_apply_merges_it(nodes: list[tuple[str, Node]]) -> None:
    lists = [(path, node) for path, node in nodes if node["type"] == "array"]
    assert lists
    assert [path for path, node in lists if node.get("x-kubernetes-list-type") not in {"map", "set", "atomic"}] == []


def test_patterns_are_anchored_and_need_no_look_around(nodes: list[tuple[str, Node]]) -> None:
    patterns = [(path, node["pattern"]) for path, node in nodes if "pattern" in node]
    assert patterns
    assert [
        (path, text)
        for path, text in patterns
        if not (text.startswith("^") and text.endswith("$")) or "(?" in text or r"\d" in text
    ] == []


def test_messages_of_rules_say_what_to_do_without_ending_in_a_full_stop(nodes: list[tuple[str, Node]]) -> None:
    messages = [each["message"] for _, node in nodes for each in node.get("x-kubernetes-validations", [])]
    assert messages
    assert [text for text in messages if text.endswith(".") or ":" not in text] == []


def test_what_attaches_and_what_is_published_has_no_maximum_of_today(nodes: list[tuple[str, Node]]) -> None:
    """AWS raised the maxima of gp3 in 2025: a schema that knew them would refuse what EC2 takes."""
    limits = {path: node["maximum"] for path, node in nodes if path.startswith("spec.volume.") and "maximum" in node}
    assert limits["spec.volume.size"] >= 10 * 65_536
    assert limits["spec.volume.iops"] >= 10 * 256_000
    assert limits["spec.volume.throughput"] >= 10 * 2_000


def test_printer_columns_show_health_first(version: Node) -> None:
    shown = [column["name"] for column in version["additionalPrinterColumns"] if not column.get("priority")]
    assert shown == ["Ready", "Phase", "Size", "Actor", "Message", "Age"]


def test_printed_and_selectable_paths_exist_in_the_schema(version: Node, nodes: list[tuple[str, Node]]) -> None:
    known = {f".{path}" for path, _ in nodes} | {".metadata.creationTimestamp"}
    paths = [column["jsonPath"] for column in version["additionalPrinterColumns"] if "[?" not in column["jsonPath"]]
    assert {*paths, *(each["jsonPath"] for each in version["selectableFields"])} <= known


def test_it_is_short_and_in_the_category() -> None:
    names = crd(VOLUME_CLAIM)["spec"]["names"]
    assert names["kind"] == VOLUME_CLAIM_KIND
    assert names["shortNames"] == ["evc"]
    assert names["categories"] == ["hyperpod"]


def test_the_crd_fits_into_a_client_side_apply() -> None:
    assert len(yaml.safe_dump(crd(VOLUME_CLAIM)).encode()) < MOST_BYTES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_say_nothing_that_the_model_does_not_know(path: Path) -> None:
    wanted = yaml.safe_load(path.read_text())["spec"]
    assert EBSVolumeClaimSpec.model_validate(wanted).model_dump(mode="json", exclude_none=True) == wanted


def test_an_older_operator_reads_a_newer_spec_and_status() -> None:
    spec = {
        "clusterRef": {"name": "a", "later": 1},
        "source": {"create": {}},
        "attachment": {"later": True},
        "publish": {"type": "None"},
    }
    assert EBSVolumeClaimSpec.model_validate(spec).source.create is not None
    assert EBSVolumeClaimStatus.model_validate({"volumeId": "vol-1", "later": {}}).volumeId == "vol-1"
