"""Evictions: a pod by its uid, a gang whole, and what each answer means."""

from typing import Any

import pytest
from tests.unit.core.drain.pods import pod
from tests.unit.kube.conftest import FakeServer

from hyperpod_operator.core.drain.ports import Answer
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.pods.eviction import PodEvictor


def status(code: int, message: str, **details: Any) -> tuple[int, dict[str, Any]]:
    return code, {"kind": "Status", "status": "Failure", "code": code, "message": message, "details": details}


BUDGET = status(
    429,
    "Cannot evict pod as it would violate the pod's disruption budget.",
    causes=[
        {"reason": "DisruptionBudget", "message": "The disruption budget a needs 2 healthy pods and has 2 currently"}
    ],
)


async def test_a_pod_is_evicted_by_its_uid(api: ApiServer, server: FakeServer) -> None:
    (answer,) = await PodEvictor(api).evict([pod("a")])
    assert answer.answer is Answer.ACCEPTED
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/v1/namespaces/research/pods/a/eviction")
    assert request.body["kind"] == "Eviction"
    assert request.body["deleteOptions"] == {"preconditions": {"uid": "uid-a"}}


@pytest.mark.parametrize(
    ("reply", "answer", "words"),
    [
        (BUDGET, Answer.BUDGET, "The disruption budget a needs 2 healthy pods"),
        (status(429, "too many requests"), Answer.FAILED, "too many requests"),
        (status(404, "not found", name="a", kind="pods"), Answer.GONE, ""),
        (status(409, "Precondition failed: UID in precondition: x, UID in object meta: y"), Answer.GONE, ""),
        (status(409, "Operation cannot be fulfilled"), Answer.FAILED, "cannot be fulfilled"),
        (status(403, "pods is forbidden"), Answer.DENIED, "forbidden"),
        (status(500, "This pod has more than one PodDisruptionBudget"), Answer.FAILED, "more than one"),
    ],
)
async def test_each_answer_has_its_meaning(
    api: ApiServer, server: FakeServer, reply: tuple[int, Any], answer: Answer, words: str
) -> None:
    server.answers = [reply]
    (found,) = await PodEvictor(api).evict([pod("a")])
    assert found.answer is answer
    assert words in found.message


async def test_no_answer_is_a_failure_and_no_exception(api: ApiServer, server: FakeServer) -> None:
    api._configuration.host = "http://127.0.0.1:9"
    (found,) = await PodEvictor(api).evict([pod("a")])
    assert found.answer is Answer.FAILED


async def test_a_gang_is_asked_about_before_it_is_evicted(api: ApiServer, server: FakeServer) -> None:
    answers = await PodEvictor(api).evict([pod("a"), pod("b")])
    assert [one.answer for one in answers] == [Answer.ACCEPTED] * 2
    dry = [request.body["deleteOptions"].get("dryRun") for request in server.requests]
    assert dry == [["All"], ["All"], None, None]


async def test_a_gang_of_which_one_pod_is_refused_stays_whole(api: ApiServer, server: FakeServer) -> None:
    server.answers = [(200, {}), BUDGET]
    answers = await PodEvictor(api).evict([pod("a"), pod("b")])
    assert [one.answer for one in answers] == [Answer.BUDGET]
    assert all("dryRun" in request.body["deleteOptions"] for request in server.requests)


async def test_a_pod_of_a_gang_that_is_gone_holds_up_nothing(api: ApiServer, server: FakeServer) -> None:
    gone = status(404, "not found", name="a", kind="pods")
    server.answers = [gone, (200, {}), gone, (200, {})]
    answers = await PodEvictor(api).evict([pod("a"), pod("b")])
    assert sorted(one.answer for one in answers) == [Answer.ACCEPTED, Answer.GONE]
