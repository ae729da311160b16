"""Training plans that have not begun, and where the scripts of a group are."""

import pytest
from tests.unit.core.preflight.cases import PLANNED, plan
from tests.unit.core.preflight.world import PLAN, group, spec, subject

from hyperpod_operator.core.preflight.addresses import scripts_of
from hyperpod_operator.core.preflight.checks.training_plans import plan_fits
from hyperpod_operator.core.preflight.model import Result


@pytest.mark.parametrize(("count", "result"), [(4, Result.PASS), (5, Result.FAIL)])
def test_a_plan_that_has_not_begun_holds_all_that_it_reserves(count: int, result: Result) -> None:
    """AWS counts none of its instances as available before its start."""
    asked = spec(group(count=count, trainingPlanArn=PLAN))
    facts = plan(status="Scheduled", available=0, total=4)
    (found,) = plan_fits(subject(asked, facts=facts))
    assert found.result is result


def test_what_others_have_of_a_plan_may_become_free() -> None:
    """It may be of a group that leaves with the very call that adds this one under another name."""
    (found,) = plan_fits(subject(PLANNED, facts=plan(available=0, total=4)))
    assert found.result is Result.WARN


@pytest.mark.parametrize("name", ["on_create.sh", "./on_create.sh", "/on_create.sh"])
@pytest.mark.parametrize("folder", ["s3://sagemaker-x/lifecycle", "s3://sagemaker-x/lifecycle/"])
def test_a_script_is_looked_for_where_the_instance_finds_it(folder: str, name: str) -> None:
    asked = subject(spec(group(lifeCycleConfig={"sourceS3Uri": folder, "onCreate": name})))
    assert scripts_of(asked.groups[0]) == ("s3://sagemaker-x/lifecycle/on_create.sh",)
