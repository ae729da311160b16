"""Moments of an operation's status that have not come: they count from now on."""

from datetime import timedelta

import pytest
from tests.unit.core.nodeoperation.builders import NOW, entry

from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus, OperationMemory
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.clocks import with_moments_until
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.nodeoperation.timings import OperationTimings

LATER, BEFORE = stamp(NOW + timedelta(days=1)), stamp(NOW - timedelta(minutes=1))
TIMINGS = OperationTimings()
OF_ENTRY, OF_MEMORY = ("startTime", "sentTime", "completionTime"), ("missingSince", "leftToAwsSince", "askedLast")


def counted(**fields: str) -> HyperPodNodeOperationStatus:
    status = HyperPodNodeOperationStatus(nodes=[entry(state=State.DRAINING, **fields)], startTime=BEFORE)
    return with_moments_until(status, now=NOW, timings=TIMINGS)


@pytest.mark.parametrize("member", [*OF_ENTRY, *OF_MEMORY])
def test_what_lies_ahead_counts_from_now_on(member: str) -> None:
    (found,) = counted(**{member: LATER}).nodes or []
    assert getattr(found if member in OF_ENTRY else found.remembered, member) == stamp(NOW)


@pytest.mark.parametrize("member", [*OF_ENTRY, *OF_MEMORY])
def test_what_was_stays(member: str) -> None:
    (found,) = counted(**{member: BEFORE}).nodes or []
    assert getattr(found if member in OF_ENTRY else found.remembered, member) == BEFORE


def test_a_retry_is_due_within_the_longest_pause() -> None:
    (found,) = counted(retryTime=LATER).nodes or []
    assert found.remembered.retryTime == stamp(NOW + timedelta(seconds=TIMINGS.retry_most))
    soon = stamp(NOW + timedelta(seconds=TIMINGS.retry))
    (found,) = counted(retryTime=soon).nodes or []
    assert found.remembered.retryTime == soon


def test_the_time_of_the_operation_itself_counts_from_now_on() -> None:
    memory = OperationMemory(cutOffSince=LATER)
    status = HyperPodNodeOperationStatus(startTime=LATER, completionTime=LATER, memory=memory)
    found = with_moments_until(status, now=NOW, timings=TIMINGS)
    assert (found.startTime, found.completionTime) == (stamp(NOW), stamp(NOW))
    assert found.remembered.cutOffSince == stamp(NOW)
