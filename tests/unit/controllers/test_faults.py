"""Faults of the table in docs/reliability.md that have no home among the other tests of the controller."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two

from hyperpod_operator.api.names import ABANDON
from hyperpod_operator.core.outcome import Done, Failed, Gone
from hyperpod_operator.core.ports import KubernetesError, StaleObject
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow


class Failing:
    """A port's method that fails for the first so many calls."""

    def __init__(self, call: Callable[..., Awaitable[Any]], *, error: Exception, times: int) -> None:
        self._call, self._error, self.left = call, error, times

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.left:
            self.left -= 1
            raise self._error
        return await self._call(*args, **kwargs)


@pytest.mark.fault(5)
async def test_nodes_that_a_list_leaves_out_are_neither_replaced_nor_forgotten(rig: Rig) -> None:
    clusters = rig.cloud.clusters(region="")
    whole, chance = clusters.nodes, random.Random(5)

    async def lossy(*, name: str) -> tuple[Any, ...]:
        found = list(await whole(name=name))
        if found:
            found.pop(chance.randrange(len(found)))
        return tuple(found)

    clusters.nodes = lossy  # type: ignore[method-assign]
    rig.apply(two())
    await rig.rest()
    rig.apply(two(5))
    await rig.rest()
    await rig.idle(4 * 3600)
    assert rig.operations() == ["CreateCluster", "UpdateCluster"]
    assert rig.condition("Ready")["status"] == "True"
    assert rig.status["nodes"]["summary"] == "7/7"


@pytest.mark.fault(6)
async def test_throttling_for_a_while_changes_no_status_back_and_forth(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.faults.add(Fault(operation="*", kind="throttle", probability=0.9))
    before = len(rig.objects.writes)
    await rig.idle(900)
    rig.simulator.faults.clear()
    # It may say so once and take it back once for each time that AWS answered in between; never every pass.
    assert len(rig.objects.writes) - before <= 6
    await rig.rest()
    assert rig.condition("Ready")["status"] == "True"
    assert rig.operations() == ["CreateCluster"]


class TestTheFinalizer:
    pytestmark = pytest.mark.fault(16)

    async def test_a_cluster_that_is_gone_lets_go(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.world.delete_out_of_band("research", at_once=True)
        rig.simulator.clock.advance(3600)
        rig.objects.delete(KEY)
        assert isinstance(await rig.rest(), Gone)
        assert rig.operations() == ["CreateCluster"]

    async def test_a_refused_deletion_keeps_it_and_says_what_is_missing(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.access.deny("DeleteCluster")
        rig.objects.delete(KEY)
        await rig.idle(3600)
        assert rig.has_finalizer
        assert rig.condition("Stalled")["reason"] == "PermissionDenied"
        assert "DeleteCluster" in rig.condition("Stalled")["message"]
        assert "PermissionDenied" in rig.reasons()
        rig.simulator.access.clear()
        assert isinstance(await rig.rest(), Gone)
        assert [call.code for call in rig.calls("DeleteCluster")].count("OK") == 1

    async def test_the_policy_retain_lets_go_of_what_stays(self, rig: Rig) -> None:
        rig.apply(two(management={"deletionPolicy": "Retain"}))
        await rig.rest()
        rig.objects.delete(KEY)
        assert isinstance(await rig.rest(), Gone)
        assert not rig.calls("DeleteCluster")

    async def test_a_persons_word_lets_go_when_aws_cannot_be_asked(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.access.expire("TESTBED")
        rig.objects.delete(KEY)
        await rig.idle(600)
        assert rig.has_finalizer
        rig.apply(two(), annotations={ABANDON: "research"})
        calls = len(rig.simulator.log.calls())
        assert isinstance(await rig.once(), Gone)
        assert not rig.objects.exists(KEY)
        assert len(rig.simulator.log.calls()) == calls
        assert rig.recorder.events[-1].type == "Warning"
        assert "cluster/" in rig.recorder.events[-1].message

    @pytest.mark.parametrize("word", ["", "true", "other"])
    async def test_no_other_word_does(self, rig: Rig, word: str) -> None:
        rig.apply(two(), annotations={ABANDON: word})
        await rig.rest()
        rig.objects.delete(KEY)
        await rig.step()
        assert rig.objects.exists(KEY)

    async def test_nor_does_the_word_on_an_object_that_lives(self, rig: Rig) -> None:
        rig.apply(two(), annotations={ABANDON: "research"})
        assert isinstance(await rig.rest(), Done)
        assert rig.has_finalizer


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    "error",
    [
        StaleObject("somebody was faster"),
        KubernetesError(status=429, message="too many requests"),
        KubernetesError(status=0, message="no answer"),
    ],
    ids=["conflict", "429", "no answer"],
)
async def test_a_status_that_cannot_be_written_costs_no_second_call(rig: Rig, error: Exception) -> None:
    rig.apply(two())
    await rig.once()
    rig.objects.write_status = Failing(rig.objects.write_status, error=error, times=4)  # type: ignore[method-assign]
    rig.restart()
    await rig.rest()
    rig.objects.write_status = Failing(rig.objects.write_status, error=error, times=4)  # type: ignore[method-assign]
    rig.apply(two(5))
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "UpdateCluster"]
    assert rig.condition("Ready")["status"] == "True"


REFUSED = "PATCH …/status: HTTP 500: etcdserver: request is too large."


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KubernetesError(status=500, message=REFUSED), "Make the object smaller"),
        (KubernetesError(status=422, message="spec.x: Invalid value"), "spec.x: Invalid value"),
        (KubernetesError(status=403, message="admission webhook kyverno denied it"), "kyverno denied it"),
    ],
    ids=["too large", "invalid", "a policy"],
)
async def test_a_status_that_is_refused_is_told_in_an_event(rig: Rig, error: KubernetesError, said: str) -> None:
    rig.objects.write_status = Failing(rig.objects.write_status, error=error, times=1)  # type: ignore[method-assign]
    rig.apply(two())
    assert isinstance(await rig.once(), Failed)
    (event,) = [one for one in rig.recorder.events if one.reason == "StatusRefused"]
    assert event.type == "Warning"
    assert said in event.message
    await rig.rest()
    assert rig.operations() == ["CreateCluster"]


@pytest.mark.fault(20)
async def test_a_status_that_has_to_wait_makes_no_event(rig: Rig) -> None:
    error = KubernetesError(status=500, message="etcd has no leader")
    rig.objects.write_status = Failing(rig.objects.write_status, error=error, times=1)  # type: ignore[method-assign]
    rig.apply(two())
    assert isinstance(await rig.once(), Failed)
    assert [one for one in rig.recorder.events if one.reason == "StatusRefused"] == []


@pytest.mark.fault(24)
async def test_expired_credentials_are_told_and_a_renewal_is_picked_up(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.access.expire("TESTBED")
    for _ in range(4):
        assert isinstance(await rig.step(), Failed)
    assert rig.condition("Ready")["reason"] == "CredentialsInvalid"
    assert rig.condition("Provisioned")["status"] == "True"
    rig.simulator.access.renew("TESTBED")
    assert isinstance(await rig.rest(), Done)
    assert rig.operations() == ["CreateCluster"]
