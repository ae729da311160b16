"""Members in every spelling find their place in the spec, and what has none is told."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.unit.core.export.payloads import PAYLOADS, cluster, group

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.members import spec_schema
from hyperpod_operator.core.export.members import OTHER_NAMES, OURS, UNSET, Shaper, key
from hyperpod_operator.core.export.model import Unresolved

SCHEMA = spec_schema(HyperPodClusterSpec)


def shaped(document: Any) -> tuple[Any, Shaper]:
    shaper = Shaper()
    return shaper.shaped(document, SCHEMA, "spec"), shaper


def objects(schema: Mapping[str, Any], path: str = "spec") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object of the schema that has members."""
    if "properties" in schema:
        yield path, schema["properties"]
        for name, below in schema["properties"].items():
            yield from objects(below, f"{path}.{name}")
    if "items" in schema:
        yield from objects(schema["items"], f"{path}[]")


OBJECTS = dict(objects(SCHEMA))


@pytest.mark.parametrize("path", OBJECTS)
def test_no_two_members_of_an_object_are_the_same_without_case_and_separators(path: str) -> None:
    names = [key(name) for name in OBJECTS[path]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", OBJECTS)
def test_no_member_is_taken_for_another_one(path: str) -> None:
    names = {key(name) for name in OBJECTS[path]}
    assert not names & OTHER_NAMES.keys()
    assert not {f"desired{name}" for name in names} & names
    assert not {f"current{name}" for name in names} & names


def snake(value: Any, *, keys: bool = True) -> Any:
    """A request as awscc keeps it: members in snake case, names of labels as they are."""
    if isinstance(value, list):
        return [snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for name, item in value.items():
        text = name
        if keys:
            text = "".join(
                f"_{letter.lower()}" if letter.isupper() and i and not name[i - 1].isupper() else letter.lower()
                for i, letter in enumerate(name)
            )
        made[text] = snake(item, keys=name not in {"Labels"})
    return made


def lowered(value: Any) -> Any:
    if isinstance(value, list):
        return [lowered(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name[:1].lower() + name[1:]: item if name == "Labels" else lowered(item) for name, item in value.items()}


@pytest.mark.parametrize("name", PAYLOADS)
def test_every_spelling_is_the_same_spec(name: str) -> None:
    plain, shaper = shaped(PAYLOADS[name])
    assert not shaper.notes
    assert shaped(snake(PAYLOADS[name]))[0] == plain
    assert shaped(lowered(PAYLOADS[name]))[0] == plain


def test_an_unknown_member_is_told_with_its_path_and_value() -> None:
    _, shaper = shaped(cluster("a", group("gpu", "ml.p5.48xlarge", 1, Brightness={"Level": 3})))
    (note,) = shaper.notes
    assert str(note) == ('spec.instanceGroups[gpu].Brightness: this version has no such field; left out: {"Level": 3}')
    assert not note.to_do


def test_members_of_the_operator_cannot_come_from_a_document() -> None:
    made, shaper = shaped({**cluster("a"), "Management": {"deletionPolicy": "Delete"}})
    assert OURS not in made
    assert "spec.Management" in str(shaper.notes[0])


def test_what_reports_state_is_listed_and_no_difference() -> None:
    _, shaper = shaped({**cluster("a"), "ClusterStatus": "InService", "FailureMessage": None})
    assert shaper.read_only == ["spec.ClusterStatus", "spec.FailureMessage"]
    assert not shaper.notes


def test_the_desired_side_of_an_answer_counts() -> None:
    made, _ = shaped(
        {
            "InstanceGroups": [
                {
                    "InstanceGroupName": "gpu",
                    "CurrentCount": 1,
                    "TargetCount": 4,
                    "MinCount": 2,
                    "KubernetesConfig": {"CurrentLabels": {"a": "old"}, "DesiredLabels": {"a": "new"}},
                }
            ]
        }
    )
    (made_group,) = made["instanceGroups"]
    assert made_group == {
        "instanceGroupName": "gpu",
        "instanceCount": 4,
        "minInstanceCount": 2,
        "kubernetesConfig": {"labels": {"a": "new"}},
    }


@pytest.mark.parametrize("value", [None, "", [], {}, [{}]])
def test_an_empty_value_means_unset(value: Any) -> None:
    made, shaper = shaped({"InstanceGroups": value, "VpcConfig": value, "ClusterRole": None, "NodeRecovery": ""})
    assert made is UNSET
    assert not shaper.notes


@pytest.mark.parametrize("spot", [{}, "{}", [{}]])
def test_an_empty_object_that_is_a_choice_stays(spot: Any) -> None:
    made, _ = shaped({"InstanceGroups": [{"CapacityRequirements": {"Spot": spot}}]})
    assert made["instanceGroups"][0]["capacityRequirements"] == {"spot": {}}


@pytest.mark.parametrize("count", ["4", 4, 4.0, " 4 "])
def test_numbers_are_read_from_what_templates_and_states_have(count: Any) -> None:
    assert shaped({"InstanceGroups": [{"InstanceCount": count}]})[0]["instanceGroups"] == [{"instanceCount": 4}]


@pytest.mark.parametrize("count", ["four", 4.5, True, [4, 4], {"Ref": "Count"}, "9" * 1000])
def test_what_is_no_number_is_to_do(count: Any) -> None:
    _, shaper = shaped({"InstanceGroups": [{"InstanceGroupName": "gpu", "InstanceCount": count}]})
    (note,) = shaper.notes
    assert note.to_do
    assert note.path == "spec.instanceGroups[gpu].instanceCount"


@pytest.mark.parametrize(("value", "truth"), [(True, True), ("true", True), ("False", False)])
def test_truth_is_read_from_text(value: Any, truth: bool) -> None:
    storage = {"EbsVolumeConfig": {"RootVolume": value}}
    made, _ = shaped({"InstanceGroups": [{"InstanceStorageConfigs": [storage]}]})
    assert made["instanceGroups"][0]["instanceStorageConfigs"] == [{"ebsVolumeConfig": {"rootVolume": truth}}]


def test_tags_come_as_a_map_too() -> None:
    assert shaped({"tags": {"team": "research", "key": "x"}})[0]["tags"] == [
        {"key": "team", "value": "research"},
        {"key": "key", "value": "x"},
    ]


def test_blocks_of_terraform_are_lists_of_one() -> None:
    made, _ = shaped(
        {
            "instance_group": [{"instance_group_name": "gpu", "lifecycle_config": [{"on_create": "a.sh"}]}],
            "vpc_config": [{"subnets": ["subnet-1"]}],
        }
    )
    assert made["instanceGroups"] == [{"instanceGroupName": "gpu", "lifeCycleConfig": {"onCreate": "a.sh"}}]
    assert made["vpcConfig"] == {"subnets": ["subnet-1"]}


@pytest.mark.parametrize(
    "text", ["${EKS_CLUSTER_ARN}", "s3://$BUCKET/x", "<your-bucket>", "$(aws eks describe-cluster)", "'$ROLE'"]
)
def test_a_placeholder_stays_and_is_to_do(text: str) -> None:
    made, shaper = shaped({"ClusterRole": text})
    assert made == {"clusterRole": text}
    assert [note.to_do for note in shaper.notes] == [True]


def test_a_word_that_the_schema_does_not_have_is_to_do() -> None:
    made, shaper = shaped({"NodeRecovery": "Sometimes"})
    assert made is UNSET
    assert str(shaper.notes[0]) == "spec.nodeRecovery: Sometimes is none of Automatic, None; left out"


def test_a_value_that_only_a_stack_knows_is_to_do() -> None:
    _, shaper = shaped({"ClusterRole": Unresolved(text="Fn::GetAtt Role.Arn", remedy="Put it in.")})
    assert str(shaper.notes[0]) == "spec.clusterRole: has no value here (Fn::GetAtt Role.Arn). Put it in."
    assert shaper.notes[0].to_do


def test_two_groups_of_one_name_are_to_do() -> None:
    twice = [{"InstanceGroupName": "gpu", "InstanceCount": count} for count in (1, 2)]
    made, shaper = shaped({"InstanceGroups": twice})
    assert made["instanceGroups"] == [{"instanceGroupName": "gpu", "instanceCount": 1}]
    assert shaper.notes[0].to_do
    assert '"instanceCount": 2' in shaper.notes[0].text


def test_an_item_of_a_set_stays_once() -> None:
    made, shaper = shaped({"VpcConfig": {"Subnets": ["subnet-1", "subnet-1"]}})
    assert made == {"vpcConfig": {"subnets": ["subnet-1"]}}
    assert "stands twice" in shaper.notes[0].text


def test_two_spellings_of_one_member_that_disagree_are_to_do() -> None:
    made, shaper = shaped({"ClusterName": "a", "clusterName": "b"})
    assert made == {"clusterName": "a"}
    assert shaper.notes[0].to_do


@pytest.mark.parametrize("value", ["text", 3, ["a", "b"], True])
def test_text_in_the_place_of_an_object_is_to_do(value: Any) -> None:
    made, shaper = shaped({"VpcConfig": value})
    assert made is UNSET
    assert "has no members" in shaper.notes[0].text
