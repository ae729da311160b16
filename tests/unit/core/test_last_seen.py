"""The last status of a cluster that vanished: what a pass waits for does not make it one that never was."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.core.builders import (
    ARN,
    FORMER,
    NOW,
    OTHERS,
    after,
    cluster,
    held,
    managed,
    recorded,
    resource,
    seen,
    snapshot_of,
)

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.pass_record import PassRecord
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.observed import Observed


def waited(owner: Resource, reason: Reason) -> Resource:
    """The object after a pass that saw no cluster and waited for something else."""
    verdict = Wait(reason=reason, message="for something else.", after=60.0)
    ended = PassRecord(snapshot=snapshot_of(owner, seen(owner, None)), decision=verdict)
    return replace(owner, status=report(ended).status)


@pytest.mark.parametrize("reason", [Reason.AWS_UNREACHABLE, Reason.NOT_ALLOWED, Reason.PAUSED, Reason.DELETED_OUTSIDE])
def test_it_outlives_whatever_the_pass_waits_for(reason: Reason) -> None:
    assert waited(resource(status=recorded()), reason).status.clusterStatus == "NotFound"


def test_a_cluster_that_may_be_there_is_not_told_as_gone() -> None:
    """One odd answer, or an account that nobody knows."""
    owner = resource(status=recorded())
    assert after(owner, None).status.clusterStatus == "InService"
    unknown = replace(snapshot_of(owner, seen(owner, None)), here=Location(region="us-west-2"))
    ended = PassRecord(snapshot=unknown, decision=decide(unknown))
    assert report(ended).status.clusterStatus == "InService"


def test_the_policy_holds_after_such_a_wait() -> None:
    later = waited(resource(status=recorded()), Reason.AWS_UNREACHABLE)
    answer = decide(snapshot_of(later, seen(later, None), now=NOW + timedelta(seconds=60)))
    assert held(answer).reason is Reason.DELETED_OUTSIDE


@pytest.mark.parametrize("arn", [ARN, f"{ARN}2"])
@pytest.mark.parametrize("tags", [OTHERS, FORMER, {}])
def test_the_policy_holds_after_others_took_the_cluster_over_and_deleted_it(tags: dict[str, str], arn: str) -> None:
    owner, now = resource(status=recorded()), NOW
    for found in [*[replace(cluster(), arn=arn)] * 3, *[None] * 3]:
        seen_now = Observed(cluster=found, tags=tags if found is not None else None)
        snapshot = snapshot_of(owner, seen_now, now=now)
        verdict = decide(snapshot)
        assert not isinstance(verdict, Act)
        owner = replace(owner, status=report(PassRecord(snapshot=snapshot, decision=verdict)).status)
        now += timedelta(seconds=60)
    assert held(verdict).reason is Reason.DELETED_OUTSIDE


def test_a_cluster_of_others_is_none_that_was_ours() -> None:
    assert after(resource(), cluster(), tags=OTHERS).status.clusterStatus is None


def test_it_ends_with_a_creation_that_is_sent() -> None:
    assert after(resource(), None).status.clusterStatus is None


@pytest.mark.parametrize("state", ["Accepted", "Applied", "Unanswered"])
def test_it_ends_with_a_deletion_of_ours(state: str) -> None:
    last = {"operation": "DeleteCluster", "state": state, "time": "2026-11-23T11:50:00Z"}
    owner = resource(spec=managed(onCreateFailure="Recreate"), status=recorded(last=last, createFailures=1))
    assert waited(owner, Reason.RECREATING).status.clusterStatus is None
