"""What a schema or an object has and the other side does not know."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.crd import all_crds
from hyperpod_operator.api.kinds import KINDS, Kind
from hyperpod_operator.api.members import PATH_MOST, members, model_members, unknown_members

ROOT = Path(__file__).parents[3]
MODELS = {kind.name: kind.spec for kind in KINDS}
EXAMPLES = [
    document
    for path in sorted((ROOT / "examples").rglob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
    if document and document.get("kind") in MODELS
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["metadata"]["name"]))
def test_every_example_is_known(example: dict[str, Any]) -> None:
    assert unknown_members(MODELS[example["kind"]], example["spec"]) == ()


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"futureMember": 1}, "spec.futureMember"),
        ({"vpcConfig": {"ipFamily": "dual"}}, "spec.vpcConfig.ipFamily"),
        ({"instanceGroups": [{}, {"fabric": {"a": 1}}]}, "spec.instanceGroups[1].fabric"),
    ],
)
def test_a_member_that_is_not_is_named_by_its_path(spec: dict[str, Any], path: str) -> None:
    assert unknown_members(HyperPodClusterSpec, spec) == (path,)


def test_keys_of_a_map_are_the_users() -> None:
    labels = {"kubernetesConfig": {"labels": {"team": "a", "cost": "b"}}}
    assert unknown_members(HyperPodClusterSpec, {"instanceGroups": [labels]}) == ()


def test_only_the_first_few_are_named_and_none_at_length() -> None:
    found = unknown_members(HyperPodClusterSpec, {f"{number:03}{'x' * 1000}": 1 for number in range(100)})
    assert len(found) == 5
    assert all(len(path) <= PATH_MOST for path in found)


@pytest.mark.parametrize("spec", [None, [], "text", 1, {"instanceGroups": "text"}, {"vpcConfig": [1]}])
def test_what_has_another_type_is_for_the_parser_to_say(spec: Any) -> None:
    assert unknown_members(HyperPodClusterSpec, spec) == ()


def test_members_of_lists_and_maps_have_their_path() -> None:
    leaf = {"type": "object", "properties": {"c": {"type": "string"}}}
    schema = {"properties": {"a": {"items": leaf}, "b": {"additionalProperties": leaf}}}
    assert list(members(schema)) == ["a", "a[].c", "b", "b{}.c"]


def test_every_definition_has_members() -> None:
    for crd in all_crds().values():
        found = set(members(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))
        assert {"spec", "status", "status.conditions[].message"} <= found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_a_model_has_the_members_of_its_schema(kind: Kind, part: str) -> None:
    (version,) = all_crds()[kind.file_name()]["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"][part]
    assert sorted(model_members(getattr(kind, part), part)) == sorted(members(schema, part))
