"""A CreateCluster whose outcome is not on record, and a cluster whose tags AWS does not show yet."""

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two
from tests.unit.controllers.test_one_odd_answer import tags_read_as_empty

from hyperpod_operator.core.outcome import Gone
from hyperpod_testbed.simulator import Fault


async def test_its_resource_is_not_released_while_tags_may_lag(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.simulator.faults.add(Fault(operation="CreateCluster", kind="commit_then_drop", times=1))
    rig.apply(two())
    await rig.once()
    rig.objects.delete(KEY)
    tags_read_as_empty(monkeypatch, times=2)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations() == ["CreateCluster", "DeleteCluster"]


async def test_nor_after_a_crash_between_the_call_and_its_record(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.apply(two())
    await rig.once()
    intended = rig.status["operations"][0] | {"state": "Intended"}
    rig.objects.set_status(KEY, {"operations": [intended]})
    rig.restart()
    rig.objects.delete(KEY)
    tags_read_as_empty(monkeypatch, times=2)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations() == ["CreateCluster", "DeleteCluster"]


async def test_one_of_others_is_told_after_that_time(rig: Rig) -> None:
    rig.simulator.world.create_foreign_cluster("research")
    rig.apply(two())
    await rig.once()
    sent = {"concern": "Cluster", "operation": "CreateCluster", "state": "Unanswered", "fingerprint": "x"}
    moment = rig.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    rig.objects.set_status(KEY, {"operations": [sent | {"attempts": 1, "time": moment}]})
    await rig.step()
    assert rig.condition("Ready")["reason"] == "AwaitingVisibility"
    await rig.idle(400)
    assert rig.condition("Ready")["reason"] == "NotOwned"
    assert not rig.operations()
