"""Who may read /metrics, as the API server answers it."""

from typing import Any

import pytest

from hyperpod_operator.core.ports import Access, KubernetesError
from hyperpod_operator.kube.access import MetricsReaders
from hyperpod_operator.kube.client import ApiServer

WHO = {"username": "system:serviceaccount:monitoring:prometheus", "uid": "u", "groups": ["g"], "extra": {"a": ["b"]}}


def known(user: dict[str, Any]) -> tuple[int, Any]:
    return 201, {"status": {"authenticated": True, "user": user}}


async def test_a_user_that_may_get_the_page(api: ApiServer, server: Any) -> None:
    server.answers = [known(WHO), (201, {"status": {"allowed": True}})]
    assert await MetricsReaders(api).review("t") == Access(authenticated=True, allowed=True, user=WHO["username"])
    token, access = server.requests
    assert token.body["spec"] == {"token": "t"}
    assert access.body["spec"] == {
        "user": WHO["username"],
        "uid": "u",
        "groups": ["g"],
        "extra": {"a": ["b"]},
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    }


async def test_a_user_that_may_not(api: ApiServer, server: Any) -> None:
    server.answers = [known(WHO), (201, {"status": {"allowed": False}})]
    assert await MetricsReaders(api).review("t") == Access(authenticated=True, allowed=False, user=WHO["username"])


@pytest.mark.parametrize("status", [{"authenticated": False}, {}, None, "odd"])
async def test_a_token_of_nobody_is_not_asked_about_further(api: ApiServer, server: Any, status: Any) -> None:
    server.answers = [(201, {"status": status})]
    assert await MetricsReaders(api).review("t") == Access(authenticated=False, allowed=False)
    assert len(server.requests) == 1


async def test_a_user_without_a_name_may_nothing_by_accident(api: ApiServer, server: Any) -> None:
    server.answers = [known({}), (201, {"status": {}})]
    assert not (await MetricsReaders(api).review("t")).allowed


async def test_a_refused_review_is_an_error_and_no_answer(api: ApiServer, server: Any) -> None:
    server.default = (403, {"kind": "Status", "message": "no"})
    with pytest.raises(KubernetesError, match="no"):
        await MetricsReaders(api).review("t")


async def test_a_standby_may_ask_too(api: ApiServer, server: Any) -> None:
    """A review changes nothing, so the leadership guard does not stop it."""

    def guard() -> None:
        raise AssertionError("guarded")

    api.guard_writes(guard)
    server.answers = [known(WHO), (201, {"status": {"allowed": True}})]
    assert (await MetricsReaders(api).review("t")).allowed
