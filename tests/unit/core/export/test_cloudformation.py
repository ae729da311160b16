"""Templates: what they say themselves is resolved, and what only a stack knows is said."""

from typing import Any

import pytest
from tests.unit.core.export.payloads import cluster, group

from hyperpod_operator.core.export.cloudformation import WORK_MOST, Context, is_template, sources
from hyperpod_operator.core.export.cluster import manifest
from hyperpod_operator.core.export.model import DocumentError, LeftOut, Manifest, Source, Unresolved

CONTEXT = Context(region="us-west-2", account="111122223333")
GROUP = group("gpu", "ml.p5.48xlarge", 2)


def template(properties: Any, **sections: Any) -> dict[str, Any]:
    return {
        "Resources": {"Cluster": {"Type": "AWS::SageMaker::Cluster", "Properties": properties}},
        "Parameters": {
            "Name": {"Type": "String", "Default": "ml"},
            "Count": {"Type": "Number", "Default": 4},
            "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>", "Default": "subnet-1, subnet-2"},
            "Given": {"Type": "String"},
            "Secret": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a/b"},
        },
        "Mappings": {"Types": {"us-west-2": {"Gpu": "ml.p5.48xlarge"}}},
        "Conditions": {
            "Yes": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-west-2"]},
            "No": {"Fn::Not": [{"Condition": "Yes"}]},
            "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
            "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "Unknown"}]},
            "Unknown": {"Fn::Equals": [{"Ref": "Given"}, "x"]},
            "Loop": {"Condition": "Loop"},
        },
        **sections,
    }


def value(expression: Any, *, context: Context = CONTEXT) -> Any:
    (source,) = sources(template({"X": expression}), context=context, label="t")
    assert isinstance(source, Source)
    return source.members.get("X", "absent")


@pytest.mark.parametrize(
    ("expression", "resolved"),
    [
        ({"Ref": "Name"}, "ml"),
        ({"Ref": "Count"}, 4),
        ({"Ref": "Subnets"}, ["subnet-1", "subnet-2"]),
        ({"Ref": "AWS::AccountId"}, "111122223333"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::NoValue"}, "absent"),
        ({"Fn::Sub": "arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:cluster/${Name}"},
         "arn:aws:eks:us-west-2:111122223333:cluster/ml"),
        ({"Fn::Sub": ["${A}-${Name}", {"A": {"Ref": "Count"}}]}, "4-ml"),
        ({"Fn::Sub": "${!Literal} costs $5 {}"}, "${Literal} costs $5 {}"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 3]]}, "a-ml-3"),
        ({"Fn::Select": ["1", {"Ref": "Subnets"}]}, "subnet-2"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "AWS::Region"}]}]}, "us"),
        ({"Fn::FindInMap": ["Types", {"Ref": "AWS::Region"}, "Gpu"]}, "ml.p5.48xlarge"),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"Fn::If": ["No", "a", {"Ref": "AWS::NoValue"}]}, "absent"),
        ({"Fn::If": ["Both", "a", "b"]}, "b"),
        ({"Fn::If": ["Either", "a", "b"]}, "a"),
        ({"a": [{"Ref": "AWS::NoValue"}, {"Ref": "Name"}]}, {"a": ["ml"]}),
        ({"Fn": "no function"}, {"Fn": "no function"}),
    ],
)  # fmt: skip
def test_what_the_template_says_is_resolved(expression: Any, resolved: Any) -> None:
    assert value(expression) == resolved


@pytest.mark.parametrize(
    ("expression", "text", "remedy"),
    [
        ({"Fn::GetAtt": ["Role", "Arn"]}, 'Fn::GetAtt ["Role", "Arn"]', "Only the stack knows it"),
        ({"Fn::ImportValue": "vpc"}, "Fn::ImportValue vpc", "Only the stack knows it"),
        ({"Ref": "Given"}, "Ref Given", "--parameter Given=VALUE"),
        ({"Ref": "Secret"}, "Ref Secret", "--parameter Secret=VALUE"),
        ({"Ref": "Cluster"}, "Ref Cluster", "Only the stack knows it"),
        ({"Ref": "Nothing"}, "Ref Nothing", "no such parameter or resource"),
        ({"Fn::Sub": "a-${Role.Arn}"}, "Fn::Sub a-${Role.Arn}", "Only the stack knows it"),
        ({"Fn::Sub": "a-${Given}"}, "Fn::Sub a-${Given}", "--parameter Given=VALUE"),
        ({"Fn::Join": [",", ["a", {"Ref": "Given"}]]}, "Fn::Join", "--parameter Given=VALUE"),
        ({"Fn::Select": [7, {"Ref": "Subnets"}]}, "Fn::Select", "not written as CloudFormation has it"),
        ({"Fn::FindInMap": ["Types", "eu-west-1", "Gpu"]}, "Fn::FindInMap", "not written as CloudFormation has it"),
        ({"Fn::If": ["Unknown", "a", "b"]}, "Fn::If Unknown", "--parameter Given=VALUE"),
        ({"Fn::If": ["Loop", "a", "b"]}, "Fn::If Loop", "does not define it"),
        ({"Fn::Transform": {"Name": "x"}}, "Fn::Transform", "Only the stack knows it"),
        ({"Fn::Join": 3}, "Fn::Join 3", "not written as CloudFormation has it"),
        ({"Fn::Sub": {}}, "Fn::Sub {}", "not written as CloudFormation has it"),
        ({"Fn::If": []}, "Fn::If []", "not written as CloudFormation has it"),
    ],
)
def test_what_only_the_stack_knows_is_said_and_how_to_give_it(expression: Any, text: str, remedy: str) -> None:
    found = value(expression)
    assert isinstance(found, Unresolved)
    assert text in found.text
    assert remedy in found.remedy


@pytest.mark.parametrize("default", [True, "true"])
@pytest.mark.parametrize("compared", [True, "true"])
def test_a_boolean_of_yaml_is_the_word(default: Any, compared: Any) -> None:
    """CloudFormation has no booleans in parameters: an unquoted true is the text."""
    document = template(
        {
            "X": {"Fn::If": ["Spot", "spot", "on demand"]},
            "Y": {"Fn::Sub": "${Use}"},
            "Z": {"Fn::Join": ["-", ["use", {"Ref": "Use"}]]},
        },
        Parameters={"Use": {"Type": "String", "Default": default}},
        Conditions={"Spot": {"Fn::Equals": [{"Ref": "Use"}, compared]}},
    )
    for context in (CONTEXT, Context(parameters={"Use": "true"})):
        (source,) = sources(document, context=context, label="t")
        assert isinstance(source, Source)
        assert source.members == {"X": "spot", "Y": "true", "Z": "use-true"}


def test_clusters_of_a_loop_are_said_to_be_left_out() -> None:
    document = template(cluster("a", GROUP))
    body = {"Cluster${Name}": {"Type": "AWS::SageMaker::Cluster", "Properties": cluster("b", GROUP)}}
    document["Resources"]["Fn::ForEach::Clusters"] = ["Name", ["x", "y"], body]
    left, kept = sorted(sources(document, context=CONTEXT, label="t"), key=lambda one: isinstance(one, Source))
    assert isinstance(kept, Source)
    assert isinstance(left, LeftOut)
    assert "Fn::ForEach" in left.reason


def test_a_function_among_members_is_to_do() -> None:
    members = {**cluster("a", GROUP), "Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://x"}}}
    (source,) = sources(template(members), context=CONTEXT, label="t")
    assert isinstance(source, Source)
    made = manifest(source)
    assert isinstance(made, Manifest)
    assert [note.path for note in made.notes if note.to_do] == ["spec.Fn::Transform"]


def test_a_value_that_is_given_counts_more_than_a_default() -> None:
    context = Context(parameters={"Given": "x", "Name": "other", "Subnets": "subnet-9"})
    assert value({"Ref": "Given"}, context=context) == "x"
    assert value({"Ref": "Name"}, context=context) == "other"
    assert value({"Ref": "Subnets"}, context=context) == ["subnet-9"]


def test_without_a_region_the_pseudo_parameters_have_no_value() -> None:
    found = value({"Ref": "AWS::Region"}, context=Context())
    assert isinstance(found, Unresolved)
    assert "--region" in found.remedy


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    assert value({"Ref": "AWS::Partition"}, context=Context(region=region)) == partition


def test_a_cluster_whose_condition_is_false_is_left_out() -> None:
    document = template(cluster("a", GROUP))
    document["Resources"]["Cluster"]["Condition"] = "No"
    (found,) = sources(document, context=CONTEXT, label="t")
    assert isinstance(found, LeftOut)
    assert found.reason == "its condition No is false"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("AWS::S3::Bucket", "has no AWS::SageMaker::Cluster. Export the cluster itself"),
        ("Custom::HyperPod", "the templates of the SageMaker console"),
        ("AWS::CloudFormation::CustomResource", "the templates of the SageMaker console"),
        ("AWS::CloudFormation::Stack", "export that template"),
    ],
)
def test_a_template_without_a_cluster_says_what_to_do(kind: str, words: str) -> None:
    document = {"Resources": {"A": {"Type": kind}}}
    assert is_template(document)
    with pytest.raises(DocumentError, match=words):
        list(sources(document, context=CONTEXT, label="t"))


def test_a_template_that_grows_without_bound_is_refused() -> None:
    document = template({"X": [{"Ref": "Name"}] * 2000})
    document["Parameters"]["Name"]["Default"] = "x" * (WORK_MOST // 1000)
    with pytest.raises(DocumentError, match="grows without bound"):
        list(sources(document, context=CONTEXT, label="t"))
