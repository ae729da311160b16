"""The models of AWS services in operator and image: all that is called, exactly as botocore has it, and no more."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest
from botocore.model import ServiceModel, Shape
from tools.service_models import SERVICES, actions, carried, reduced

from hyperpod_operator.aws import models

POLICIES = sorted((Path(__file__).parents[2] / "docs" / "iam").glob("*.json"))


@cache
def full(service: str) -> dict[str, Any]:
    return dict(botocore.loaders.Loader().load_service_model(service, "service-2"))


def listed(service: str) -> frozenset[str]:
    """What the policies name and the API has; AttachVolume, for one, is only an action to SageMaker's callers."""
    return actions(POLICIES, service=service) & full(service)["operations"].keys()


def members(shape: Shape | None, seen: tuple[str, ...] = ()) -> Iterator[tuple[str, str, str]]:
    """Everything below a shape, with the types, down to where it repeats itself."""
    if shape is None or shape.name in seen:
        return
    for name, member in getattr(shape, "members", {}).items():
        yield shape.name, name, f"{member.type_name} {member.serialization} {member.metadata}"
        yield from members(member, (*seen, shape.name))
    for part in ("member", "key", "value"):
        if shape.type_name in ("list", "map") and hasattr(shape, part):
            yield from members(getattr(shape, part), (*seen, shape.name))


def image(service: str) -> dict[str, Any]:
    """What the Dockerfile leaves of botocore's."""
    return reduced(full(service), operations=listed(service))


@pytest.mark.parametrize("model", [image, models.carried])
@pytest.mark.parametrize("service", SERVICES)
def test_each_operation_is_in_it_as_botocore_has_it(service: str, model: Callable[[str], dict[str, Any]]) -> None:
    whole = ServiceModel(full(service), service)
    part = ServiceModel(model(service), service)
    assert part.metadata == whole.metadata
    assert set(part.operation_names) == listed(service)
    for name in part.operation_names:
        ours, theirs = part.operation_model(name), whole.operation_model(name)
        for side in ("input_shape", "output_shape"):
            assert list(members(getattr(ours, side))) == list(members(getattr(theirs, side))), f"{service} {name}"
        assert [shape.name for shape in ours.error_shapes] == [shape.name for shape in theirs.error_shapes]


def test_the_operator_carries_the_models_that_are_reduced() -> None:
    assert models.CARRIED == SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_what_it_carries_follows_from_botocore_and_the_policies(service: str) -> None:
    written = (Path(models.__file__).parent / f"{service}.json").read_text()
    assert written == carried(full(service), operations=listed(service)), "run make chart and commit the result"


def test_a_member_may_be_called_documentation() -> None:
    shape = {
        "type": "structure",
        "documentation": "x",
        "members": {"documentation": {"shape": "S", "documentation": "y"}},
    }
    model = {"operations": {"Sing": {"input": {"shape": "T"}}}, "shapes": {"T": shape, "S": {"type": "string"}}}
    kept = json.loads(carried({"metadata": {}, **model}, operations=frozenset({"Sing"})))["shapes"]["T"]
    assert kept == {"type": "structure", "members": {"documentation": {"shape": "S"}}}


@pytest.mark.parametrize("service", SERVICES)
def test_most_of_a_model_goes(service: str) -> None:
    assert len(reduced(full(service), operations=listed(service))["shapes"]) < len(full(service)["shapes"]) / 5


def test_a_service_of_which_nothing_is_called_is_an_error() -> None:
    with pytest.raises(ValueError, match="none of"):
        reduced(full("sagemaker"), operations=frozenset({"Sing"}))


def test_one_action_alone_in_a_statement_counts(tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"Statement": [{"Action": "ec2:DescribeVolumes"}, {"Action": ["sagemaker:ListTags"]}]}')
    assert actions([policy], service="ec2") == {"DescribeVolumes"}
