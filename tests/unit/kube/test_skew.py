"""Installed definitions against the built-in ones."""

import copy
from typing import Any

import pytest

from hyperpod_operator.api.crd import all_crds
from hyperpod_operator.api.kinds import CLUSTER, VOLUME_CLAIM
from hyperpod_operator.api.names import GROUP, VERSION
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.skew import look

BOTH = (CLUSTER, VOLUME_CLAIM)


def published() -> dict[str, Any]:
    """The API server's document with exactly the built-in definitions."""
    schemas = {}
    for crd in all_crds().values():
        kind, schema = (
            crd["spec"]["names"]["kind"],
            copy.deepcopy(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]),
        )
        schema["x-kubernetes-group-version-kind"] = [{"group": GROUP, "version": VERSION, "kind": kind}]
        schemas[f"dev.{kind}"] = schema
        schemas[f"dev.{kind}List"] = {"properties": {"items": {}}, "type": "object"}
    return {"components": {"schemas": schemas}}


@pytest.fixture
def document(server: Any) -> dict[str, Any]:
    made = published()
    server.default = (200, made)
    return made


def spec(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]["dev.HyperPodCluster"]["properties"]["spec"]["properties"]
    return found


@pytest.mark.usefixtures("document")
async def test_equal_definitions_are_no_news(api: ApiServer, server: Any) -> None:
    assert await look(api, kinds=BOTH) == ()
    assert server.requests[0].path == f"/openapi/v3/apis/{GROUP}/{VERSION}"


async def test_an_older_definition_lacks_a_member(api: ApiServer, document: dict[str, Any]) -> None:
    del spec(document)["vpcConfig"]
    (skew,) = await look(api, kinds=BOTH)
    assert (skew.kind, skew.missing, skew.unknown) == ("HyperPodCluster", ("spec.vpcConfig",), ())
    assert "drops what you write there" in str(skew)
    assert "kubectl apply --server-side" in str(skew)


async def test_a_newer_definition_has_a_member_more(api: ApiServer, document: dict[str, Any]) -> None:
    spec(document)["instanceGroups"]["items"]["properties"]["fabric"] = {"properties": {"a": {}}}
    (skew,) = await look(api, kinds=BOTH)
    assert (skew.missing, skew.unknown) == ((), ("spec.instanceGroups[].fabric",))
    assert "Upgrade the operator" in str(skew)


async def test_both_at_once_are_both_said(api: ApiServer, document: dict[str, Any]) -> None:
    spec(document)["future"] = spec(document).pop("vpcConfig")
    (skew,) = await look(api, kinds=BOTH)
    assert "lacks members" in str(skew)
    assert "it also has members" in str(skew)


async def test_a_kind_that_is_not_served_is_not_compared(api: ApiServer, document: dict[str, Any]) -> None:
    spec(document).clear()
    assert await look(api, kinds=(VOLUME_CLAIM,)) == ()


async def test_many_members_are_counted_and_not_listed(api: ApiServer, document: dict[str, Any]) -> None:
    spec(document).update({f"future{number:02}": {} for number in range(30)})
    (skew,) = await look(api, kinds=BOTH)
    assert "future04 and 25 more" in str(skew)


async def test_a_server_that_does_not_publish_it_is_an_error(api: ApiServer, server: Any) -> None:
    server.default = (404, {})
    with pytest.raises(KubernetesError):
        await look(api, kinds=BOTH)
