"""The preflight when the API server cannot even be asked."""

from typing import Any

from hyperpod_operator.kube import preflight
from hyperpod_operator.kube.client import ApiServer


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
    server.answers = [(200, {"resources": [{"name": "hyperpodclusters"}, {"name": "hyperpodclusters/status"}]})]
    server.default = (201, {"status": {"allowed": False}})
    problems = await preflight.check(api)
    assert len(problems) == 3
    assert problems[0].what.startswith("The operator may not get, list, watch and patch")
    assert "--user=NAME" in problems[0].fix
