"""Lists that come in pages, and answers that the real API server gives too seldom to wait for."""

from typing import Any

import pytest

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.core.ports import Key, KubernetesError
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.objects import CustomObjects

EXPIRED = (410, {"kind": "Status", "reason": "Expired", "message": "The provided continue parameter is too old"})


def page(*names: str, token: str = "") -> tuple[int, dict[str, Any]]:
    items = [
        {"metadata": {"namespace": "team", "name": name, "uid": name, "resourceVersion": "1"}, "spec": {}}
        for name in names
    ]
    return 200, {"metadata": {"continue": token}, "items": items}


async def test_pages_are_asked_for_in_chunks_of_500_until_the_last(api: ApiServer, server: Any) -> None:
    server.answers = [page("a", "b", token="next"), page("c")]
    found = await CustomObjects(api, CLUSTER).list()
    assert [stored.key.name for stored in found] == ["a", "b", "c"]
    assert [request.query for request in server.requests] == [{"limit": "500"}, {"limit": "500", "continue": "next"}]


async def test_every_given_namespace_is_listed_and_no_other(api: ApiServer, server: Any) -> None:
    server.answers = [page("a"), page("b")]
    await CustomObjects(api, CLUSTER, namespaces=("one", "two")).list()
    assert [request.path.split("/")[5] for request in server.requests] == ["one", "two"]


async def test_a_list_that_expired_between_two_pages_starts_again(api: ApiServer, server: Any) -> None:
    server.answers = [page("a", token="next"), EXPIRED, page("a", token="new"), page("b")]
    found = await CustomObjects(api, CLUSTER).list()
    assert [stored.key.name for stored in found] == ["a", "b"]


async def test_a_list_that_expires_again_and_again_is_an_error(api: ApiServer, server: Any) -> None:
    server.default = EXPIRED
    with pytest.raises(KubernetesError) as caught:
        await CustomObjects(api, CLUSTER).list()
    assert caught.value.status == 410
    assert len(server.requests) == 2


async def test_items_of_a_list_know_their_kind(api: ApiServer, server: Any) -> None:
    server.answers = [page("a")]
    (stored,) = await CustomObjects(api, CLUSTER).list()
    assert stored.body["kind"] == "HyperPodCluster"


async def test_a_kind_that_is_not_served_does_not_look_like_objects_that_are_gone(api: ApiServer, server: Any) -> None:
    server.default = (404, "404 page not found")
    with pytest.raises(KubernetesError):
        await CustomObjects(api, CLUSTER).read(Key("team", "blue"))
