"""Our spec against the SageMaker API model: every member, enum, range, pattern and required mark.

The two trees are walked side by side. What differs is collected and must be exactly what the tables below name,
each with its reason: when AWS adds a member or moves a bound, this test fails, and somebody looks and decides.
Patterns are compared as text, after anchoring AWS's (which are matched against the whole value) and writing
digits as RE2 wants them; the one pattern that RE2 cannot express is compared by what it accepts.
"""

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from pydantic import TypeAdapter, ValidationError

from hyperpod_operator.api.common import bounds
from hyperpod_operator.api.crd import crd
from hyperpod_operator.api.kinds import CLUSTER

Node = dict[str, Any]
Difference = tuple[str, str, Any, Any]
"""Path, aspect, AWS's value, ours."""

LEFT_OUT = {
    "Orchestrator.Slurm": "this operator serves clusters on EKS",
    "InstanceGroups[].SlurmConfig": "this operator serves clusters on EKS",
    "InstanceGroupsToDelete": "a request, not a state: the operator derives it from groups that left the spec",
}
CREATE_ONLY = {
    "VpcConfig": "fixed at creation; UpdateCluster has no such member",
    "Tags": "after creation AddTags and DeleteTags change them",
}
OURS = {
    "region": "chooses the endpoint, not part of any request",
    "management": "the operator's own settings",
    "instanceGroups[].management": "the operator's own settings",
    "restrictedInstanceGroups[].management": "the operator's own settings",
}

INSTANCE_TYPES = (
    "InstanceGroups[].InstanceType",
    "InstanceGroups[].InstanceRequirements.InstanceTypes[]",
    "RestrictedInstanceGroups[].InstanceType",
)
ALARM_NAMES = (
    "InstanceGroups[].ScheduledUpdateConfig.DeploymentConfig.AutoRollbackConfiguration[].AlarmName",
    "InstanceGroups[].AutoPatchConfig.DeploymentConfig.AutoRollbackConfiguration[].AlarmName",
    "RestrictedInstanceGroups[].ScheduledUpdateConfig.DeploymentConfig.AutoRollbackConfiguration[].AlarmName",
)
SHORT_IDS = (
    *(
        f"{place}.{ids}[]"
        for place in ("VpcConfig", "InstanceGroups[].OverrideVpcConfig", "RestrictedInstanceGroups[].OverrideVpcConfig")
        for ids in ("SecurityGroupIds", "Subnets")
    ),
    "InstanceGroups[].ImageId",
)
PATCH_DATE = "InstanceGroups[].AutoPatchConfig.PatchSchedule.NextPatchDate"
DIFFERENT = {
    (PATCH_DATE, "type"): "a text with a pattern: of the format date-time the API server takes lists, too",
    ("ClusterName", "required"): "unset, it is the object's name",
    ("Orchestrator", "required"): "without it AWS makes a Slurm cluster",
    ("Orchestrator.Eks", "required"): "the only orchestrator here",
    ("VpcConfig", "required"): "AWS demands it for EKS clusters",
    ("Tags", "max"): "AWS takes 50 tags and the operator adds its ownership tags",
    **{(path, "enum"): "grows with every launch: only the form is checked" for path in INSTANCE_TYPES},
    **{(path, "pattern"): "form of an instance type, instead of the enum" for path in INSTANCE_TYPES},
    **{(path, "min"): "shortest instance type, instead of the enum" for path in INSTANCE_TYPES},
    **{(path, "max"): "bound of a string, instead of the enum" for path in INSTANCE_TYPES},
    **{(path, "max"): "a rule in words has the bound, so that it is told" for path in SHORT_IDS},
    **{(path, "pattern"): "AWS looks ahead, RE2 cannot" for path in ALARM_NAMES},
}


@pytest.fixture(scope="module")
def model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


@pytest.fixture(scope="module")
def spec() -> Node:
    version = crd(CLUSTER)["spec"]["versions"][0]
    found: Node = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def lowered(name: str) -> str:
    """The naming rule: AWS's name with its first letter lowered."""
    return name[0].lower() + name[1:]


def differences(shape: Shape, node: Node | None, path: str) -> Iterator[Difference]:
    if node is None:
        yield path, "missing", shape.name, None
    elif isinstance(shape, StructureShape):
        yield from _structure(shape, node, path)
    elif isinstance(shape, ListShape):
        yield from _bounds(shape, node, path, kind="array", least="minItems", most="maxItems")
        yield from differences(shape.member, node["items"], f"{path}[]")
    elif isinstance(shape, MapShape):
        yield from _bounds(shape, node, path, kind="object", least="minProperties", most="maxProperties")
        yield from differences(shape.value, node["additionalProperties"], f"{path}{{}}")
    elif isinstance(shape, StringShape):
        yield from _string(shape, node, path)
    elif shape.type_name == "integer":
        yield from _bounds(shape, node, path, kind="integer", least="minimum", most="maximum")
    elif shape.type_name == "boolean":
        yield from _differ(path, "type", "boolean", node["type"])
    elif shape.type_name == "timestamp":
        yield from _differ(path, "type", ("string", "date-time"), (node["type"], node.get("format")))
    else:
        yield path, "type", shape.type_name, node["type"]


def _structure(shape: StructureShape, node: Node, path: str) -> Iterator[Difference]:
    prefix = f"{path}." if path else ""
    properties = node.get("properties", {})
    for name, member in shape.members.items():
        here = prefix + name
        yield from _differ(here, "required", name in shape.required_members, lowered(name) in node.get("required", []))
        yield from differences(member, properties.get(lowered(name)), here)
    known = {lowered(name) for name in shape.members}
    for name in properties:
        if name not in known:
            yield prefix + name, "ours", None, name


def _string(shape: StringShape, node: Node, path: str) -> Iterator[Difference]:
    yield from _differ(path, "enum", sorted(shape.enum), sorted(node.get("enum", [])))
    pattern = shape.metadata.get("pattern")
    rewritten = None if pattern is None else "^" + pattern.replace(r"\d", "[0-9]").replace(r"\/", "/") + "$"
    yield from _differ(path, "pattern", rewritten, node.get("pattern"))
    if "enum" not in node:
        yield from _bounds(shape, node, path, kind="string", least="minLength", most="maxLength")


def _bounds(shape: Shape, node: Node, path: str, *, kind: str, least: str, most: str) -> Iterator[Difference]:
    yield from _differ(path, "type", kind, node["type"])
    floor = None if kind == "integer" else 0
    yield from _differ(path, "min", shape.metadata.get("min", floor), node.get(least, floor))
    yield from _differ(path, "max", shape.metadata.get("max"), node.get(most))


def _differ(path: str, aspect: str, theirs: Any, own: Any) -> Iterator[Difference]:
    if theirs != own:
        yield path, aspect, theirs, own


def explained(difference: Difference) -> bool:
    path, aspect, _, _ = difference
    if aspect == "missing":
        return path in LEFT_OUT
    if aspect == "ours":
        return ".".join(lowered(part) for part in path.split(".")) in OURS
    return (path, aspect) in DIFFERENT


@pytest.mark.parametrize("operation", ["CreateCluster", "UpdateCluster"])
def test_every_member_of_the_request_is_ours_alike_or_named_here(
    model: ServiceModel, spec: Node, operation: str
) -> None:
    found = list(differences(model.operation_model(operation).input_shape, spec, ""))
    if operation == "UpdateCluster":
        # Known by name or ARN, and the members that only creation has.
        found = [each for each in found if each[0] != "ClusterName"]
        found = [each for each in found if each[0] not in {lowered(name) for name in CREATE_ONLY}]
    assert [each for each in found if not explained(each)] == []


def test_every_listed_exception_still_is_one(model: ServiceModel, spec: Node) -> None:
    """A difference that went away must leave the tables, or they would hide the next one."""
    found = [
        *differences(model.operation_model("CreateCluster").input_shape, spec, ""),
        *differences(model.operation_model("UpdateCluster").input_shape, spec, ""),
    ]
    missing = {path for path, aspect, _, _ in found if aspect == "missing"}
    ours = {".".join(map(lowered, path.split("."))) for path, aspect, _, _ in found if aspect == "ours"}
    rest = {(path, aspect) for path, aspect, _, _ in found}
    assert missing == set(LEFT_OUT)
    assert ours == set(OURS) | set(map(lowered, CREATE_ONLY))
    assert set(DIFFERENT) <= rest


def test_every_instance_type_of_today_has_the_form_that_we_check(model: ServiceModel) -> None:
    check: TypeAdapter[str] = TypeAdapter(bounds.InstanceType)
    types = model.shape_for("ClusterInstanceType").enum
    assert len(types) > 200
    assert [check.validate_python(each) for each in types] == types


@pytest.mark.parametrize("name", ["alarm", "two words", " padded ", "", " ", "\t ", "a" * 255, "a" * 256])
def test_alarm_names_are_accepted_as_aws_accepts_them(model: ServiceModel, name: str) -> None:
    shape = model.shape_for("AlarmName")
    fits = shape.metadata["min"] <= len(name) <= shape.metadata["max"]
    aws = fits and re.fullmatch(shape.metadata["pattern"], name) is not None
    try:
        TypeAdapter(bounds.AlarmName).validate_python(name)
        ours = True
    except ValidationError:
        ours = False
    assert ours == aws


def test_label_keys_follow_the_pattern_of_aws(model: ServiceModel, spec: Node) -> None:
    """A map's keys have no schema of their own, so the pattern sits in a CEL rule."""
    shape = model.shape_for("ClusterKubernetesLabelKey")
    config = spec["properties"]["instanceGroups"]["items"]["properties"]["kubernetesConfig"]
    (found,) = [each["rule"] for each in config["x-kubernetes-validations"] if "matches" in each["rule"]]
    assert "^" + shape.metadata["pattern"].replace(r"\.", "[.]") + "$" in found
    assert f"k.size() <= {shape.metadata['max']}" in found
