"""Why a group is short, read from the details of events: through the simulator, as AWS has them."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import plain
from tests.unit.core.builders import NOW, cluster, group, group_spec, spec

from hyperpod_operator.aws.sagemaker.clusters import SageMaker
from hyperpod_operator.controllers.cluster.causes import Causes
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import Observed, ObservedCluster, ObservedEvent
from hyperpod_testbed.simulator.faults import Fault

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


@pytest.mark.parametrize("kind", [ErrorKind.INVALID, ErrorKind.MALFORMED])
async def test_an_event_with_odd_details_hides_no_cause_of_another(kind: ErrorKind) -> None:
    class OneOdd:
        async def cause(self, *, name: str, event_id: str) -> str:
            if event_id == "newest":
                raise CloudError(kind=kind, operation="DescribeClusterEvent", code="Odd", message="of this event")
            return "We currently do not have sufficient capacity."

    events = tuple(
        ObservedEvent(event_id=name, at=NOW - timedelta(seconds=age), level="Error", description="", group="gpu")
        for age, name in enumerate(("newest", "older"))
    )
    seen = Observed(cluster=cluster(groups=(group(group_spec(), current=1),)), events=events)
    explained = await Causes(monotonic=lambda: 0.0).explained(clusters=OneOdd(), observed=seen, since=None)  # type: ignore[arg-type]
    assert [event.cause for event in explained.events] == ["", "We currently do not have sufficient capacity."]


async def test_details_that_cannot_be_read_fail_no_pass(rig: Rig) -> None:
    rig.simulator.faults.add(Fault("DescribeClusterEvent", "error", code="InternalFailure", times=3))
    await short_of_capacity(rig)
    assert rig.failures == 0


@pytest.mark.parametrize("operation", ["ListClusterEvents", "ListClusterNodes"])
async def test_what_only_explains_and_cannot_be_read_holds_up_no_edit_and_no_deletion(rig: Rig, operation: str) -> None:
    """It says why a group is short; a pass does without it when it failed for a while."""
    await short_of_capacity(rig)
    rig.simulator.faults.add(Fault(operation=operation, kind="error"))
    rig.apply({**plain(5), **CONTINUOUS})
    await rig.idle(300)
    assert [call.parameters["InstanceGroups"][0]["InstanceCount"] for call in rig.calls("UpdateCluster")] == [5]
    rig.objects.delete(KEY)
    await rig.rest()
    assert not rig.objects.exists(KEY)


async def test_a_group_that_aws_does_not_show_is_not_added_while_its_nodes_cannot_be_listed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it has nodes it is there, whatever DescribeCluster says of it."""
    rig.apply(spec(instanceGroups=[group_spec("gpu", 2), group_spec("cpu", 2)]))
    await rig.rest()
    described = SageMaker.describe

    async def half(sagemaker: SageMaker, *, name: str) -> ObservedCluster | None:
        found = await described(sagemaker, name=name)
        return found and replace(found, groups=tuple(one for one in found.groups if one.name != "cpu"))

    monkeypatch.setattr(SageMaker, "describe", half)
    await rig.idle(1800)
    rig.simulator.faults.add(Fault(operation="ListClusterNodes", kind="error"))
    await rig.idle(3600)
    assert rig.operations() == ["CreateCluster"]
    rig.objects.delete(KEY)
    await rig.idle(1800)
    assert rig.operations() == ["CreateCluster", "DeleteCluster"]
