"""The models of AWS services in operator and image: all that is called, exactly as botocore has it, and no more."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.regions import EndpointResolver
from tools.service_models import (
    CREDENTIALS,
    SERVICES,
    actions,
    carried,
    endpoint_prefix,
    endpoints,
    kept,
    reduced,
)

from hyperpod_operator.aws import models

POLICIES = sorted((Path(__file__).parents[2] / "docs" / "iam").glob("*.json"))


@cache
def full(service: str) -> dict[str, Any]:
    return dict(botocore.loaders.Loader().load_service_model(service, "service-2"))


def listed(service: str) -> frozenset[str]:
    """What the policies name and the API has; AttachVolume, for one, is only an action to SageMaker's callers."""
    return kept(full(service), policies=POLICIES, service=service)


def members(shape: Shape | None, seen: tuple[str, ...] = ()) -> Iterator[tuple[str, str, str]]:
    """Everything below a shape, with the types, down to where it repeats itself."""
    if shape is None or shape.name in seen:
        return
    for name, member in getattr(shape, "members", {}).items():
        yield shape.name, name, json.dumps([member.type_name, member.serialization, member.metadata], sort_keys=True)
        yield from members(member, (*seen, shape.name))
    for part in ("member", "key", "value"):
        if shape.type_name in ("list", "map") and hasattr(shape, part):
            yield from members(getattr(shape, part), (*seen, shape.name))


SENT = (
    "http", "http_checksum", "auth", "auth_type", "resolved_auth_type", "unsigned_payload", "idempotent_members",
    "static_context_parameters", "context_parameters", "operation_context_parameters", "request_compression",
    "endpoint", "endpoint_discovery", "has_streaming_output", "has_event_stream_output", "has_streaming_input",
)  # fmt: skip
"""What of an operation decides how botocore sends it and reads the answer (`model.py`, OperationModel)."""


def sent(operation: OperationModel) -> dict[str, str]:
    def plain(value: object) -> object:
        return vars(value) if hasattr(value, "__dict__") and not isinstance(value, Mapping) else value

    values = {name: getattr(operation, name) for name in SENT}
    return {
        name: json.dumps([plain(one) for one in value] if isinstance(value, list) else plain(value), default=str)
        for name, value in values.items()
    }


def image(service: str) -> dict[str, Any]:
    """What the Dockerfile leaves of botocore's."""
    return reduced(full(service), operations=listed(service))


def on_disk(service: str) -> dict[str, Any]:
    """What the operator carries, before botocore changes it in memory, as it does with S3's paths."""
    return dict(models.carried.__wrapped__(service))


@pytest.mark.parametrize("model", [image, on_disk])
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
        assert sent(ours) == sent(theirs), f"{service} {name}"
    contexts = [[(one.name, one.type) for one in each.client_context_parameters] for each in (part, whole)]
    assert contexts[0] == contexts[1]


def test_the_operator_carries_the_models_that_are_reduced() -> None:
    assert models.CARRIED == SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_what_it_carries_follows_from_botocore_and_the_policies(service: str) -> None:
    text = carried(full(service), operations=listed(service))
    assert written(service) == text, "run make chart and commit the result"


def written(name: str) -> str:
    return (Path(models.__file__).parent / f"{name}.json").read_text()


def test_the_table_of_endpoints_follows_from_botocore() -> None:
    loader = botocore.loaders.Loader()
    prefixes = frozenset(endpoint_prefix(loader, service) for service in (*SERVICES, *CREDENTIALS))
    text = endpoints(loader.load_data("endpoints"), prefixes=prefixes)
    assert written(models.ENDPOINTS) == text, "run make chart and commit the result"


def resolvers() -> tuple[EndpointResolver, EndpointResolver]:
    """Of botocore's table and of ours."""
    return EndpointResolver(botocore.loaders.Loader().load_data("endpoints")), EndpointResolver(
        models.carried(models.ENDPOINTS)
    )


@pytest.mark.parametrize("service", [*SERVICES, *CREDENTIALS])
def test_each_region_of_each_partition_has_the_endpoint_that_botocore_gives_it(service: str) -> None:
    whole, part = resolvers()
    prefix = endpoint_prefix(botocore.loaders.Loader(), service)
    for partition in whole.get_available_partitions():
        for region in whole.get_available_endpoints("ec2", partition):
            assert part.construct_endpoint(prefix, region) == whole.construct_endpoint(prefix, region), region
            assert part.get_partition_for_region(region) == whole.get_partition_for_region(region)


@pytest.mark.parametrize("service", models.CARRIED)
@pytest.mark.parametrize("part", ["endpoint-rule-set-1", "paginators-1"])
def test_what_belongs_to_a_model_is_that_of_botocore(service: str, part: str) -> None:
    loader = models.ReducedModels(botocore.loaders.Loader())
    assert loader.load_service_model(service, part) == botocore.loaders.Loader().load_service_model(service, part)


def test_what_belongs_to_a_model_in_a_data_path_counts(tmp_path: Path) -> None:
    folder = tmp_path / "sts" / models.carried("sts")["metadata"]["apiVersion"]
    folder.mkdir(parents=True)
    (folder / "paginators-1.json").write_text('{"pagination": {"Own": {}}}')
    loader = models.ReducedModels(botocore.loaders.Loader(extra_search_paths=[str(tmp_path)]))
    assert loader.load_service_model("sts", "paginators-1") == {"pagination": {"Own": {}}}


def test_what_belongs_to_a_model_is_plain_and_not_kept() -> None:
    loader = models.ReducedModels(botocore.loaders.Loader())
    first, second = (loader.load_service_model("sts", "endpoint-rule-set-1") for _ in range(2))
    assert (type(first), first is second) == (dict, False)


def test_no_directory_of_services_is_listed_for_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    session = botocore.session.Session()
    loader = models.ReducedModels(botocore.loaders.Loader())
    session.register_component("data_loader", loader)

    def listed(*_: object) -> None:
        raise AssertionError("botocore looks for a service")

    monkeypatch.setattr(botocore.loaders.Loader, "list_available_services", listed)
    for service in models.CARRIED:
        session.create_client(service, region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="y")


def test_a_table_of_endpoints_in_a_data_path_counts(tmp_path: Path) -> None:
    table = {"partitions": [], "version": 3}
    (tmp_path / "endpoints.json").write_text(json.dumps(table))
    loader = models.ReducedModels(botocore.loaders.Loader(extra_search_paths=[str(tmp_path)]))
    assert loader.load_data_with_path(models.ENDPOINTS) == (table, str(tmp_path / "endpoints"))


def test_credentials_come_from_operations_that_are_there() -> None:
    """IRSA, roles of a profile, and what botocore asks of a bucket by itself."""
    identities = models.carried("sts")["operations"].keys()
    assert {"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"} <= identities
    assert {"HeadBucket", "CreateSession"} <= models.carried("s3")["operations"].keys()


def test_a_member_may_be_called_documentation() -> None:
    shape = {
        "type": "structure",
        "documentation": "x",
        "members": {"documentation": {"shape": "S", "documentation": "y"}},
    }
    model = {"operations": {"Sing": {"input": {"shape": "T"}}}, "shapes": {"T": shape, "S": {"type": "string"}}}
    kept = json.loads(carried({"metadata": {}, **model}, operations=frozenset({"Sing"})))["shapes"]["T"]
    assert kept == {"type": "structure", "members": {"documentation": {"shape": "S"}}}


@pytest.mark.parametrize("service", ["ec2", "sagemaker"])
def test_most_of_a_model_goes(service: str) -> None:
    assert len(reduced(full(service), operations=listed(service))["shapes"]) < len(full(service)["shapes"]) / 5


def test_a_service_of_which_nothing_is_called_is_an_error() -> None:
    with pytest.raises(ValueError, match="none of"):
        reduced(full("sagemaker"), operations=frozenset({"Sing"}))


def test_one_action_alone_in_a_statement_counts(tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"Statement": [{"Action": "ec2:DescribeVolumes"}, {"Action": ["sagemaker:ListTags"]}]}')
    assert actions([policy], service="ec2") == {"DescribeVolumes"}
