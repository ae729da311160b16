"""Passes that end before they ask AWS: what was known stands, and a request for a pass is answered all the same."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two
from tests.unit.controllers.test_tenancy import restrict

ASKED = {"hyperpod-operator.dev/reconcile-requested-at": "now"}


def invalid(rig: Rig) -> dict[str, Any]:
    return two() | {"instanceGroups": "none"}


def elsewhere(rig: Rig) -> dict[str, Any]:
    return two(orchestrator={"eks": {"clusterArn": "arn:aws:eks:us-west-2:444455556666:cluster/ml"}})


def region_refused(rig: Rig) -> dict[str, Any]:
    return two(region="eu-west-1")


def not_allowed(rig: Rig) -> dict[str, Any]:
    restrict(rig)
    return two(tags=[{"key": "hyperpod-operator.dev/owner-uid", "value": "x"}])


ENDS = {
    "InvalidSpec": invalid,
    "WrongAccountOrRegion": elsewhere,
    "RegionNotAllowed": region_refused,
    "NotAllowed": not_allowed,
}
"""By the reason with which the pass ends, what makes it end so."""


@pytest.mark.parametrize("reason", ENDS)
async def test_a_request_for_a_pass_is_answered_by_one_that_ends_early(rig: Rig, reason: str) -> None:
    made: Callable[[Rig], dict[str, Any]] = ENDS[reason]
    rig.apply(made(rig), annotations=ASKED)
    await rig.once()
    assert rig.condition("Stalled")["reason"] == reason
    assert rig.status["lastHandledReconcileAt"] == "now"
    assert rig.simulator.log.calls("DescribeCluster") == []


@pytest.mark.parametrize("reason", ENDS)
async def test_what_was_known_stands_when_a_pass_ends_early(rig: Rig, reason: str) -> None:
    rig.apply(two())
    await rig.rest()
    before = rig.status
    rig.apply(ENDS[reason](rig))
    await rig.once()
    told = {"conditions", "observedGeneration", "lastHandledReconcileAt", "actor", "shortMessage"}
    kept = {name: value for name, value in before.items() if name not in told}
    assert kept == {name: value for name, value in rig.status.items() if name not in told}


async def test_a_request_that_met_no_answer_of_aws_is_still_open(rig: Rig) -> None:
    rig.simulator.stop()
    rig.apply(two(), annotations=ASKED)
    await rig.once()
    assert "lastHandledReconcileAt" not in rig.status


@pytest.mark.parametrize("region", [None, "us-west-2"])
async def test_status_names_the_region_whether_the_spec_does_or_not(rig: Rig, region: str | None) -> None:
    rig.controller._settings = rig.controller._settings.__class__(
        timings=rig.timings, allowed_regions=frozenset({"us-west-2"})
    )
    rig.apply(two() if region is None else two(region=region))
    await rig.rest()
    assert rig.status["region"] == "us-west-2"
    assert rig.objects.exists(KEY)
