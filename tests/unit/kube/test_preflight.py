"""The preflight when the API server cannot even be asked."""

from typing import Any

import pytest

from hyperpod_operator.kube import preflight
from hyperpod_operator.kube.client import ApiServer

SERVED = (200, {"resources": [{"name": "hyperpodclusters"}, {"name": "hyperpodclusters/status"}]})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PAUSES", (0.01, 0.01, 0.01))


@pytest.mark.parametrize("status", [429, 500, 503, 504])
async def test_a_question_that_the_server_has_no_time_for_is_asked_again(
    api: ApiServer, server: Any, status: int
) -> None:
    busy = (status, {"kind": "Status", "message": "slow"})
    server.answers = [busy, SERVED, *[busy] * 3]
    server.default = (201, {"status": {"allowed": True}})
    assert await preflight.check(api) == ()


async def test_a_refusal_is_not_asked_again(api: ApiServer, server: Any) -> None:
    server.default = (403, {"kind": "Status", "message": "no"})
    assert len(await preflight.check(api)) == 1
    assert len(server.requests) == 1


async def test_an_api_server_in_trouble_is_one_problem(api: ApiServer, server: Any) -> None:
    server.default = (500, {"kind": "Status", "message": "etcd is away"})
    (problem,) = await preflight.check(api)
    assert "etcd is away" in str(problem)
    assert "kubectl cluster-info" in problem.fix


async def test_a_kind_without_its_status_subresource_is_told(api: ApiServer, server: Any) -> None:
    server.answers = [(200, {"resources": [{"name": "hyperpodclusters"}]})]
    server.default = (201, {"status": {"allowed": True}})
    (problem,) = await preflight.check(api)
    assert "hyperpodclusters/status of API version" in problem.what


async def test_who_is_missing_rights_is_left_open_when_the_server_does_not_say(api: ApiServer, server: Any) -> None:
    server.answers = [SERVED]
    server.default = (201, {"status": {"allowed": False}})
    problems = await preflight.check(api)
    assert len(problems) == 3
    assert problems[0].what.startswith("The operator may not get, list, watch and patch")
    assert "--user=NAME" in problems[0].fix
