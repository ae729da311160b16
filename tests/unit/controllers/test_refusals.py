"""Refusals end, and say the truth: what AWS answers to a creation, over hours of owned time."""

from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two
from tests.unit.core.builders import ROLE

from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.timings import Timings
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow

ENTRY = "An access entry with a different type already exists for arn:aws:iam::111122223333:role/x."


def invalid(message: str, operation: str = "CreateCluster", **fields: Any) -> Fault:
    return Fault(operation=operation, kind="error", status=400, code="ValidationException", message=message, **fields)


async def test_something_else_that_exists_is_a_refusal_and_sent_once(rig: Rig) -> None:
    rig.simulator.faults.add(invalid(ENTRY))
    rig.apply(two())
    assert isinstance(await rig.rest(), Blocked)
    await rig.idle(1200)
    assert rig.condition("Stalled")["reason"] == "SpecRejected"
    assert len(rig.calls("CreateCluster")) == 1


async def test_a_cause_outside_that_is_gone_ends_the_refusal_by_itself(rig: Rig) -> None:
    rig.simulator.faults.add(invalid("Amazon EKS cluster is missing one or more required dependencies."))
    rig.apply(two())
    await rig.rest()
    assert "its cause lies outside" in rig.condition("Ready")["message"]
    rig.simulator.faults.clear()
    await rig.idle(2100)
    assert isinstance(await rig.rest(), Done)


async def test_another_role_in_the_spec_ends_a_refusal_at_once(rig: Rig) -> None:
    """What changes inside of a role is not watched: that waits for the next try, or for the annotation."""
    rig.simulator.faults.add(invalid("The role cannot be used.", times=1))
    wanted = two()
    rig.apply(wanted)
    assert isinstance(await rig.rest(), Blocked)
    await rig.idle(300)
    assert len(rig.calls("CreateCluster")) == 1
    for group in wanted["instanceGroups"]:  # type: ignore[attr-defined]
        group["executionRole"] = "arn:aws:iam::111122223333:role/another"
    rig.apply(wanted)
    assert isinstance(await rig.rest(), Done)
    assert len(rig.calls("CreateCluster")) == 2


async def test_a_refusal_that_lasts_is_tried_a_few_times_a_day(rig: Rig) -> None:
    rig.simulator.faults.add(invalid("No."))
    rig.apply(two())
    await rig.idle(24 * 3600)
    assert 5 <= len(rig.calls("CreateCluster")) <= 9


@pytest.mark.parametrize(
    "message",
    [
        "Deep health checks are not supported for instance type ml.m5.xlarge.",
        "The request failed validation while checking the lifecycle script.",
    ],
)
async def test_words_about_a_state_that_never_ends_are_a_refusal_of_the_creation(rig: Rig, message: str) -> None:
    rig.simulator.faults.add(invalid(message))
    rig.apply(two())
    await rig.idle(300)
    assert rig.condition("Ready")["reason"] == "ClusterBusy"
    await rig.idle(24 * 3600)
    assert rig.condition("Stalled")["reason"] == "SpecRejected"
    assert message.rstrip(".") in rig.condition("Ready")["message"]
    assert len(rig.calls("CreateCluster")) <= 20


async def test_words_about_a_state_that_never_ends_are_a_refusal_of_the_change(rig: Rig) -> None:
    message = "ClusterRole cannot be updated while autoscaling is enabled."
    rig.apply(two())
    await rig.rest()
    rig.simulator.faults.add(invalid(message, operation="UpdateCluster"))
    rig.apply(two(7))
    await rig.idle(2 * 3600)
    assert rig.condition("Ready")["reason"] == "ClusterBusy"
    await rig.idle(24 * 3600)
    assert rig.condition("Stalled")["reason"] == "SpecRejected"
    assert len(rig.calls("UpdateCluster")) <= 200


@pytest.mark.parametrize(("operation", "kind"), [("UpdateCluster", "edited"), ("DeleteCluster", "deleted")])
async def test_a_conflict_that_nobody_can_see_is_asked_about_seldom_and_told(
    rig: Rig, operation: str, kind: str
) -> None:
    rig.timings = Timings()
    rig.restart()
    rig.apply(two())
    await rig.rest()
    conflict = Fault(operation=operation, kind="error", code="ConflictException", status=400, message="Conflict.")
    rig.simulator.faults.add(conflict)
    if kind == "edited":
        rig.apply(two(7))
    else:
        rig.objects.delete(KEY)
    await rig.idle(60)
    assert 2 <= len(rig.calls(operation)) <= 3
    assert not rig.condition("Stalled")
    await rig.idle(4 * 3600)
    assert len(rig.calls(operation)) <= 55
    assert rig.condition("Stalled")["reason"] == "ClusterBusy"
    assert "times in a row" in rig.condition("Ready")["message"]
    rig.simulator.faults.clear()
    await rig.idle(3600)
    assert not rig.objects.exists(KEY) if kind == "deleted" else rig.condition("Ready")["status"] == "True"


async def test_a_state_that_ends_in_two_hours_is_waited_for(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.faults.add(invalid("Deep health checks are in progress.", operation="UpdateCluster"))
    rig.apply(two(7))
    await rig.idle(2 * 3600)
    rig.simulator.faults.clear()
    await rig.idle(120)
    assert isinstance(await rig.rest(), Done)


@pytest.mark.parametrize(
    "lag", [45.0, 400.0, *(pytest.param(lag, marks=pytest.mark.long) for lag in (0.0, 90.0, 150.0))]
)
async def test_a_describe_that_lags_changes_nothing_about_the_end(make_rig: Any, lag: float) -> None:
    rig = make_rig(describe_lag=lag)
    rig.apply(two())
    await rig.rest()
    rig.apply(two(6))
    await rig.rest()
    assert rig.condition("Ready")["status"] == "True"
    assert "UpdateRolledBack" not in rig.reasons()
    assert [call.code for call in rig.calls("CreateCluster")].count("OK") == 1
    assert len(rig.calls("UpdateCluster")) == 1


async def test_tags_that_are_missing_once_release_nothing(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    arn = rig.status["clusterArn"]
    tags = dict(await rig.cloud.clusters(region="").tags(arn=arn))
    rig.simulator.world.set_tags("research", {})
    rig.apply(two(7))
    await rig.rest()
    rig.objects.delete(KEY)
    await rig.idle(3600)
    assert rig.has_finalizer
    assert rig.operations() == ["CreateCluster"]
    rig.simulator.world.set_tags("research", tags)
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "DeleteCluster"]


async def test_a_role_that_stays_missing_is_one_event_for_each_reason(rig: Rig) -> None:
    rig.simulator.world.remove_role(ROLE)
    rig.apply(two())
    await rig.idle(3 * 3600)
    assert len(rig.calls("CreateCluster")) > 30
    assert rig.condition("Ready")["reason"] == "PermissionDenied"
    assert sorted(rig.reasons()) == ["PermissionDenied", "RolePropagation"]


async def test_a_refused_deletion_asks_for_no_edit_of_the_spec_and_keeps_its_word(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.faults.add(invalid("Cluster research has a ClusterSchedulerConfig.", "DeleteCluster"))
    rig.objects.delete(KEY)
    await rig.until("SpecRejected")
    message = rig.condition("Ready")["message"]
    assert "has a ClusterSchedulerConfig. Remove in AWS what keeps it from being done." in message
    assert "Correct the spec" not in message
    assert "every 5 minutes" in message
    calls = len(rig.calls("DeleteCluster"))
    await rig.idle(1500)
    assert len(rig.calls("DeleteCluster")) == calls + 5
    rig.simulator.faults.clear()
    assert isinstance(await rig.rest(), Gone)
