"""When the training plans of a cluster's groups end, in status and metrics, against the simulator's plans."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.aws.facts.plans import AGAIN, AwsTrainingPlans
from hyperpod_operator.core.preflight.facts import TrainingPlan
from hyperpod_operator.core.preflight.model import Unread
from hyperpod_testbed.simulator import Fault

ASKED = "DescribeTrainingPlan"
ARN = "arn:aws:sagemaker:us-west-2:111122223333:training-plan/research"
END = 4_000_000_000


def wanted() -> dict[str, Any]:
    return spec(instanceGroups=[group_spec(count=2, trainingPlanArn=ARN)])


@pytest.fixture
def planned(make_rig: Callable[..., Rig]) -> Rig:
    plan = {"instance_type": "ml.p5.48xlarge", "instances": 4, "start": END - 360_000, "end": END}
    rig = make_rig(prerequisites={"training_plan": {"research": plan}})
    rig.training_plans = rig.cloud.training_plans
    rig.restart()
    return rig


async def test_status_and_metrics_have_the_end_of_a_plan(planned: Rig) -> None:
    planned.apply(wanted())
    await planned.rest()
    (found,) = planned.status["trainingPlans"]
    times = (found["startTime"], found["endTime"])
    assert (found["arn"], times) == (ARN, ("2096-09-28T03:06:40Z", "2096-10-02T07:06:40Z"))
    start = planned.recorder.gauges(CLUSTER, KEY, "training_plan_start_timestamp_seconds")
    assert start == {("research",): END - 360_000.0}
    assert planned.recorder.gauges(CLUSTER, KEY, "training_plan_end_timestamp_seconds") == {("research",): float(END)}


async def test_a_settled_cluster_asks_about_its_plan_once(planned: Rig) -> None:
    planned.apply(wanted())
    await planned.rest()
    before = len(planned.simulator.log.calls(ASKED))
    await planned.idle(7200)
    assert len(planned.simulator.log.calls(ASKED)) == before == 1


async def test_a_cluster_without_plans_asks_about_none(planned: Rig) -> None:
    planned.apply(spec())
    await planned.rest()
    assert planned.simulator.log.calls(ASKED) == []
    assert "trainingPlans" not in planned.status


async def test_without_the_right_the_end_is_not_known_and_everything_else_works(planned: Rig) -> None:
    planned.simulator.access.deny(ASKED)
    planned.apply(wanted())
    await planned.rest()
    assert planned.condition("Ready")["status"] == "True"
    assert planned.status["trainingPlans"] == [{"arn": ARN}]
    assert planned.recorder.gauges(CLUSTER, KEY, "training_plan_end_timestamp_seconds") == {}


async def test_what_was_known_stands_while_a_plan_cannot_be_read(planned: Rig) -> None:
    planned.apply(wanted())
    await planned.rest()
    known = planned.status["trainingPlans"]
    planned.simulator.access.deny(ASKED)
    planned.training_plans = AwsTrainingPlans(caller=lambda region: planned.cloud._caller("sagemaker", region))
    planned.restart()
    await planned.idle(1200)
    assert planned.status["trainingPlans"] == known


async def test_a_read_that_failed_for_a_moment_is_repeated_within_hours(planned: Rig) -> None:
    moment = 0.0
    plans = AwsTrainingPlans(caller=lambda region: planned.cloud._caller("sagemaker", region), monotonic=lambda: moment)
    planned.simulator.faults.add(Fault(operation=ASKED, kind="error", code="InternalFailure", status=500, times=2))
    assert isinstance((await plans.plans(region="us-west-2", arns=[ARN]))[ARN], Unread)
    moment = AGAIN
    assert isinstance((await plans.plans(region="us-west-2", arns=[ARN]))[ARN], TrainingPlan)


async def test_a_plan_that_one_answer_does_not_know_is_asked_about_again_within_hours(planned: Rig) -> None:
    moment = 0.0
    plans = AwsTrainingPlans(caller=lambda region: planned.cloud._caller("sagemaker", region), monotonic=lambda: moment)
    planned.simulator.faults.add(Fault(operation=ASKED, kind="error", code="ResourceNotFound", status=400, times=1))
    assert (await plans.plans(region="us-west-2", arns=[ARN]))[ARN] is None
    moment = AGAIN
    assert isinstance((await plans.plans(region="us-west-2", arns=[ARN]))[ARN], TrainingPlan)
