"""Why a group is short, read from the details of events: through the simulator, as AWS has them."""

import logging

import pytest
from tests.unit.controllers.rig import Rig
from tests.unit.controllers.test_life import plain

CONTINUOUS = {"nodeProvisioningMode": "Continuous"}


def described(rig: Rig) -> list[str]:
    return [call.parameters["EventId"] for call in rig.simulator.log.calls("DescribeClusterEvent")]


async def short_of_capacity(rig: Rig) -> None:
    """One node of four, because AWS has no more."""
    rig.simulator.world.limit_capacity("research", "gpu", 1)
    rig.apply({**plain(4), **CONTINUOUS})
    await rig.until("CapacityShortage")


async def test_the_cause_of_a_generic_event_is_in_its_details(rig: Rig) -> None:
    await short_of_capacity(rig)
    assert "We currently do not have sufficient capacity to launch" in rig.condition("Ready")["message"]
    listed = rig.simulator.log.calls("ListClusterEvents")
    assert listed
    assert all("ClusterName" in call.parameters for call in listed)


async def test_an_event_is_read_once(rig: Rig) -> None:
    await short_of_capacity(rig)
    await rig.idle(3600)
    assert len(described(rig)) == len(set(described(rig)))


async def test_a_pass_reads_few_details(rig: Rig) -> None:
    rig.simulator.world.limit_capacity("research", "gpu", 0)
    rig.apply({**plain(20), **CONTINUOUS})
    most = 0
    for _ in range(40):
        before = len(described(rig))
        await rig.step()
        most = max(most, len(described(rig)) - before)
    assert 0 < most <= 6


async def test_a_group_at_its_target_costs_no_details(rig: Rig) -> None:
    rig.apply({**plain(2), **CONTINUOUS})
    await rig.rest()
    await rig.idle(3 * 3600)
    assert described(rig) == []


async def test_without_the_right_it_is_said_once_and_less_is_known(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.look_seldom(poll=120.0)
    rig.simulator.access.deny("DescribeClusterEvent")
    rig.simulator.world.limit_capacity("research", "gpu", 1)
    rig.apply({**plain(4), **CONTINUOUS})
    with caplog.at_level(logging.WARNING):
        await rig.idle(3 * 3600)
    assert "sagemaker:DescribeClusterEvent" in rig.condition("Ready")["message"]
    assert len([one for one in caplog.messages if "DescribeClusterEvent" in one and "denies" in one]) == 1
    assert len(described(rig)) <= 4


async def test_a_right_that_is_given_later_is_used(rig: Rig) -> None:
    rig.look_seldom(poll=120.0)
    rig.simulator.access.deny("DescribeClusterEvent")
    rig.simulator.world.limit_capacity("research", "gpu", 1)
    rig.apply({**plain(4), **CONTINUOUS})
    await rig.idle(1800)
    rig.simulator.access.allow("DescribeClusterEvent")
    await rig.idle(2 * 3600)
    assert rig.condition("Ready")["reason"] == "CapacityShortage"


async def test_details_that_cannot_be_read_fail_no_pass(rig: Rig) -> None:
    from hyperpod_testbed.simulator import Fault

    rig.simulator.faults.add(Fault("DescribeClusterEvent", "error", code="InternalFailure", times=3))
    await short_of_capacity(rig)
    assert rig.failures == 0
