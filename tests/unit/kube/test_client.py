"""Calls to the API server: what is sent, and what each failure is called."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.kube import client as client_module
from hyperpod_operator.kube import configuration
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.leadership.guard import LeadershipGuard, LeadershipLost
from hyperpod_operator.kube.leadership.lease import LeaseLock
from hyperpod_operator.runtime.clock import SystemClock


def refusal(status: int, reason: str, **details: str) -> tuple[int, dict[str, Any]]:
    return status, {"kind": "Status", "code": status, "reason": reason, "message": f"said {reason}", "details": details}


async def test_a_call_carries_the_token_and_our_name(api: ApiServer, server: Any) -> None:
    server.default = (200, {"kind": "Thing"})
    assert await api.get("/apis/x", query={"limit": "5"}) == {"kind": "Thing"}
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer secret-token"
    assert request.headers["User-Agent"].startswith("hyperpod-operator/")
    assert request.query == {"limit": "5"}


async def test_patches_have_their_own_content_types(api: ApiServer, server: Any) -> None:
    await api.merge_patch("/x", {"status": {"gone": None}})
    await api.json_patch("/x", ({"op": "test", "path": "/a", "value": 1},))
    merge, json_patch = server.requests
    assert (merge.method, merge.headers["Content-Type"]) == ("PATCH", "application/merge-patch+json")
    assert merge.body == {"status": {"gone": None}}
    assert json_patch.headers["Content-Type"] == "application/json-patch+json"
    assert json_patch.body == [{"op": "test", "path": "/a", "value": 1}]


async def test_an_object_that_is_not_there_is_gone(api: ApiServer, server: Any) -> None:
    server.default = refusal(404, "NotFound", name="blue")
    with pytest.raises(ObjectGone):
        await api.get("/apis/x/blue")


async def test_a_kind_that_is_not_served_is_not_an_object_that_is_gone(api: ApiServer, server: Any) -> None:
    server.default = (404, "404 page not found\n")
    with pytest.raises(KubernetesError, match="CustomResourceDefinitions are installed") as caught:
        await api.get("/apis/x/blue")
    assert caught.value.status == 404


async def test_a_conflict_is_a_stale_object(api: ApiServer, server: Any) -> None:
    server.default = refusal(409, "Conflict", name="blue")
    with pytest.raises(StaleObject, match="said Conflict"):
        await api.merge_patch("/x", {})


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "service account token"), (403, "ClusterRole"), (422, "content"), (429, "rate"), (500, "fault of its own")],
)
async def test_a_refusal_says_what_to_do(api: ApiServer, server: Any, status: int, advice: str) -> None:
    server.default = refusal(status, "Reason")
    with pytest.raises(KubernetesError, match=advice) as caught:
        await api.get("/apis/x")
    assert caught.value.status == status
    assert "GET /apis/x" in str(caught.value)
    assert "said Reason" in str(caught.value)


async def test_an_answer_that_is_no_json_is_refused(api: ApiServer, server: Any) -> None:
    server.default = (200, "<html>a proxy's page</html>")
    with pytest.raises(KubernetesError, match="not JSON"):
        await api.get("/apis/x")


async def test_no_answer_within_the_timeout_has_status_0(
    server: Any, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "REQUEST_TIMEOUT", 0.1)
    api = await ApiServer.connect(kubeconfig=kubeconfig)
    server.delay = 0.5
    with pytest.raises(KubernetesError, match="no answer") as caught:
        await api.get("/apis/x")
    assert caught.value.status == 0
    await api.close()


async def test_nobody_at_the_address_has_status_0(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "a",
                "contexts": [{"name": "a", "context": {"cluster": "a"}}],
                "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:9"}}],
                "users": [],
            }
        )
    )
    api = await ApiServer.connect(kubeconfig=str(path))
    with pytest.raises(KubernetesError, match="Check that the API server runs") as caught:
        await api.get("/apis/x")
    assert caught.value.status == 0
    await api.close()


async def test_credentials_are_plain_data_that_hides_its_token(api: ApiServer, server: Any) -> None:
    found = await api.credentials()
    assert (found.server, found.authorization) == (server.url, "Bearer secret-token")
    assert "secret" not in repr(found)


async def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubernetesError, match="nowhere"):
        await ApiServer.connect(kubeconfig=str(tmp_path / "nowhere"))


@pytest.mark.parametrize("content", ["", "[]", "{", "current-context: nope\ncontexts: []\n"])
async def test_a_kubeconfig_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(KubernetesError, match="cannot be used"):
        await ApiServer.connect(kubeconfig=str(path))


async def test_an_unknown_context_is_named(kubeconfig: str) -> None:
    with pytest.raises(KubernetesError, match="context there"):
        await ApiServer.connect(kubeconfig=kubeconfig, context="there")


async def test_a_pod_without_a_token_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(KubernetesError, match="automountServiceAccountToken"):
        await ApiServer.connect()


async def test_kubeconfig_wins_over_the_pod(kubeconfig: str, server: Any) -> None:
    found = await configuration.load(environ={"KUBECONFIG": kubeconfig, "KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    assert found.host == server.url


@pytest.mark.looptime
async def test_a_rotated_token_in_a_kubeconfig_is_picked_up(tmp_path: Path) -> None:
    token, path = tmp_path / "token", tmp_path / "kubeconfig"
    token.write_text("one")
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "a",
                "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:9"}}],
                "users": [{"name": "a", "user": {"tokenFile": str(token)}}],
            }
        )
    )
    found = await configuration.load(kubeconfig=str(path))
    token.write_text("two")
    assert (await configuration.credentials(found)).authorization == "Bearer one"
    await asyncio.sleep(301)
    assert (await configuration.credentials(found)).authorization == "Bearer two"


async def test_a_guard_stops_writes_and_lets_reads_pass(api: ApiServer, server: Any) -> None:
    def refuse() -> None:
        raise LeadershipLost("not leading")

    api.guard_writes(refuse)
    await api.get("/x")
    for write in (api.create, api.replace, api.merge_patch):
        with pytest.raises(LeadershipLost):
            await write("/x", {})
    with pytest.raises(LeadershipLost):
        await api.json_patch("/x", [])
    await api.replace("/lease", {}, leader_only=False)
    assert [(request.method, request.path) for request in server.requests] == [("GET", "/x"), ("PUT", "/lease")]


async def test_each_write_is_told_when_it_ended_and_reads_are_not(api: ApiServer, server: Any) -> None:
    told: list[tuple[str, str, str]] = []
    api.watch_writes(lambda *, method, path, code, seconds: told.append((method, path, code)))
    server.answers = [(200, {}), (200, {}), refusal(409, "Conflict", name="x"), refusal(404, "NotFound", name="x")]
    server.answers.append(refusal(403, "Forbidden"))
    await api.get("/read")
    await api.create("/made", {})
    for path in ("/stale", "/gone", "/refused"):
        with pytest.raises((StaleObject, ObjectGone, KubernetesError)):
            await api.merge_patch(path, {})
    assert told == [
        ("POST", "/made", "OK"), ("PATCH", "/stale", "409"), ("PATCH", "/gone", "404"), ("PATCH", "/refused", "403"),
    ]  # fmt: skip


class TestManyConnections:
    """Watches hold theirs for minutes, and calls wait for each other."""

    @pytest.fixture
    async def watched(self, api: ApiServer, server: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
        """The client while it reads more watches than it makes calls at once."""
        # A call that waits for a connection that no watch gives back fails soon.
        monkeypatch.setattr(api, "_timeout", aiohttp.ClientTimeout(total=5.0, connect=0.5))
        async with AsyncExitStack() as watches:
            for number in range(2 * client_module.CALLS_AT_ONCE):
                await watches.enter_async_context(api.stream(f"/endless/{number}"))
            yield api

    async def test_any_number_of_watches_leaves_calls_their_connections(self, watched: ApiServer, server: Any) -> None:
        server.default = (200, {"kind": "Thing"})
        answers = await asyncio.gather(*(watched.get("/x") for _ in range(2 * client_module.CALLS_AT_ONCE)))
        assert answers == [{"kind": "Thing"}] * len(answers)

    async def test_a_call_that_waits_for_others_is_not_given_up(
        self, api: ApiServer, server: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api, "_timeout", aiohttp.ClientTimeout(total=2.0, connect=1.0))
        server.delay = 0.3
        most = client_module.CALLS_AT_ONCE
        async with asyncio.timeout(60.0):
            await asyncio.gather(*(api.get("/x") for _ in range(8 * most)))
        assert server.most_at_once == most

    async def test_the_lease_is_renewed_while_every_place_is_taken(self, api: ApiServer, server: Any) -> None:
        server.delay = 0.5
        calls = [asyncio.create_task(api.merge_patch("/x", {})) for _ in range(2 * client_module.CALLS_AT_ONCE)]
        await server.until_arrived(client_module.CALLS_AT_ONCE)
        await api.replace("/lease", {}, leader_only=False)
        await asyncio.gather(*calls)
        assert [request.method for request in server.requests].index("PUT") == client_module.CALLS_AT_ONCE

    async def test_the_lease_is_read_while_every_place_is_taken(self, api: ApiServer, server: Any) -> None:
        """Each renewal begins with a read: calls that hang would cost the leader its lease."""
        server.delay = 0.5
        calls = [asyncio.create_task(api.merge_patch("/x", {})) for _ in range(2 * client_module.CALLS_AT_ONCE)]
        await server.until_arrived(client_module.CALLS_AT_ONCE)
        clock = SystemClock()
        guard = LeadershipGuard(clock=clock, on_lost=lambda why: None)
        lease = LeaseSettings(namespace="team", name="here")
        await LeaseLock(api, lease=lease, identity="me", clock=clock, guard=guard).get("here", "team")
        await asyncio.gather(*calls)
        assert [request.method for request in server.requests].index("GET") == client_module.CALLS_AT_ONCE

    async def test_a_write_that_waited_is_not_sent_once_leadership_is_lost(self, api: ApiServer, server: Any) -> None:
        server.delay, leads = 0.2, True

        def guard() -> None:
            if not leads:
                raise RuntimeError("not the leader")

        api.guard_writes(guard)
        calls = [asyncio.create_task(api.merge_patch("/x", {})) for _ in range(client_module.CALLS_AT_ONCE + 1)]
        await server.until_arrived(client_module.CALLS_AT_ONCE)
        leads = False
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert len(server.requests) == client_module.CALLS_AT_ONCE
        assert isinstance(ends[-1], RuntimeError)


async def test_a_question_stores_nothing_whatever_else_it_says(api: ApiServer, server: Any) -> None:
    server.default = (200, {})
    assert (await api.ask("POST", "/x", {"a": 1}, query={"dryRun": "", "fieldValidation": "Strict"})).status == 200
    (request,) = server.requests
    assert request.query == {"dryRun": "All", "fieldValidation": "Strict"}


@pytest.mark.parametrize("status", [403, 409, 422, 503])
async def test_what_is_answered_to_a_question_is_the_answer_and_no_error(
    api: ApiServer, server: Any, status: int
) -> None:
    server.default = refusal(status, "Reason", name="blue")
    found = await api.ask("PUT", "/x", {}, query={})
    assert (found.status, found.message) == (status, "said Reason")
