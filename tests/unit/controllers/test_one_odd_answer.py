"""One odd answer of AWS releases no object: what it paid for would go on without it."""

from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two

from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.core.outcome import Gone
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
