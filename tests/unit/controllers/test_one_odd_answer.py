"""One odd answer of AWS releases no object: what it paid for would go on without it."""

from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two
from tests.unit.controllers.wrong_answers import Wire

from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.core.outcome import Failed, Gone
from hyperpod_testbed.simulator import Fault


def tags_read_as_empty(monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """The next reads of tags find none; the cluster keeps them."""
    run, left = Caller._run, [None] * times

    async def answer(self: Caller, operation: str, *args: Any, **options: Any) -> Any:
        found = await run(self, operation, *args, **options)
        if operation == "ListTags" and left:
            left.pop()
            return {"Tags": []}
        return found

    monkeypatch.setattr(Caller, "_run", answer)


async def test_a_tag_that_the_user_dropped_is_no_leave_to_let_go(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.apply(two(tags=[{"key": "team", "value": "a"}]))
    await rig.rest()
    rig.apply(two())
    await rig.rest()
    assert rig.operations()[-1] == "DeleteTags"
    await rig.idle(86400)
    rig.objects.delete(KEY)
    tags_read_as_empty(monkeypatch, times=1)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations()[-1] == "DeleteCluster"


async def test_a_cluster_that_was_let_go_stays(rig: Rig) -> None:
    rig.apply(two(management={"deletionPolicy": "Retain"}))
    await rig.rest()
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations() == ["CreateCluster", "DeleteTags"]


def not_found(rig: Rig, *, times: int) -> None:
    code = "ResourceNotFound"
    rig.simulator.faults.add(Fault(operation="DescribeCluster", kind="error", status=400, code=code, times=times))


async def test_a_deletion_that_never_arrived_is_not_believed_at_once(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.objects.delete(KEY)
    rig.simulator.faults.add(Fault(operation="DeleteCluster", kind="drop", times=1))
    await rig.step()
    not_found(rig, times=1)
    assert isinstance(await rig.rest(), Gone)
    assert await rig.cloud.clusters(region="").describe(name="research") is None


async def test_a_deletion_whose_answer_was_lost_ends_after_a_second_look(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.objects.delete(KEY)
    rig.simulator.faults.add(Fault(operation="DeleteCluster", kind="commit_then_drop", times=1))
    assert isinstance(await rig.rest(), Gone)
    assert await rig.cloud.clusters(region="").describe(name="research") is None


def answers(monkeypatch: pytest.MonkeyPatch, **instead: Any) -> None:
    """Until further notice these operations answer so; a function is given what AWS answered."""
    run = Caller._run

    async def answer(self: Caller, operation: str, *args: Any, **options: Any) -> Any:
        if operation not in instead:
            return await run(self, operation, *args, **options)
        given = instead[operation]
        return given(await run(self, operation, *args, **options)) if callable(given) else given

    monkeypatch.setattr(Caller, "_run", answer)


def with_arn(arn: str) -> Any:
    return lambda answer: {**answer, "ClusterArn": arn}


ANOTHER = "arn:aws:sagemaker:us-west-2:123456789012:cluster/zzzzzzzzzzzz"


async def test_another_cluster_under_the_name_does_not_make_the_recorded_one_forgotten(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.apply(two())
    await rig.rest()
    before = rig.status["clusterArn"]
    with monkeypatch.context() as odd:
        answers(odd, DescribeCluster=with_arn(ANOTHER), ListTags={})
        await rig.step()
    assert rig.status["clusterArn"] == before
    rig.objects.delete(KEY)
    not_found(rig, times=1)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations()[-1] == "DeleteCluster"


@pytest.mark.parametrize("wrong", [{"ClusterArn": "x"}, {"ClusterArn": f"{ANOTHER} "}, {"ClusterName": "another"}])
async def test_an_answer_about_no_cluster_or_another_one_is_none(rig: Rig, wrong: dict[str, str]) -> None:
    rig.apply(two())
    await rig.rest()
    before = rig.status["clusterArn"]
    wire = await Wire.of(rig, repeats=False)
    wire.wrong("DescribeCluster", lambda answer: answer.update(wrong))
    rig.objects.delete(KEY)
    assert isinstance(await rig.step(), Failed)
    assert rig.status["clusterArn"] == before
    assert rig.operations() == ["CreateCluster"]


async def test_a_cluster_that_others_made_anew_is_believed_after_a_second_look(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    rig.simulator.world.create_foreign_cluster("research")
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations() == ["CreateCluster"]
    assert await rig.cloud.clusters(region="").describe(name="research") is not None


@pytest.mark.parametrize("status", ["InService", "Failed"])
async def test_a_release_whose_call_had_no_effect_is_tried_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    rig.apply(two(management={"deletionPolicy": "Retain"}))
    await rig.rest()
    wire = await Wire.of(rig, repeats=False)
    wire.wrong("DescribeCluster", lambda answer: answer.update(ClusterStatus=status, FailureMessage="x"))
    rig.objects.delete(KEY)
    with monkeypatch.context() as odd:
        answers(odd, DeleteTags={})
        await rig.step()
    await rig.idle(86400)
    assert not rig.objects.exists(KEY)
    assert rig.operations() == ["CreateCluster", "DeleteTags"]


async def test_who_answers_for_sts_does_not_decide_for_ever_which_account_this_is(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.apply(two())
    with monkeypatch.context() as odd:
        answers(odd, GetCallerIdentity={"Account": "sign in first", "Arn": "sign in first"})
        await rig.step()
    await rig.rest()
    assert rig.condition("Ready")["reason"] == "ClusterReady"
