"""A refusal of a whole call and one of a group stand equally long, and not equally long for all objects."""

import pytest
from tests.unit.core.builders import cluster, resource, scaled, seen, snapshot_of

from hyperpod_operator.api.cluster.status import RejectedGroup
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.parts import pause
from hyperpod_operator.core.cluster.pauses import refusal_pause
from hyperpod_operator.core.engine.pauses import growing

HOUR = 3600.0


def snapshot(uid: str = "uid-1") -> ClusterSnapshot:
    owner = resource(spec=scaled(), uid=uid)
    return snapshot_of(owner, seen(owner, cluster()))


@pytest.mark.parametrize("attempts", [None, 1, 2, 5, 10**6])
def test_a_refused_group_stands_as_long_as_a_refused_call(attempts: int | None) -> None:
    group = RejectedGroup(instanceGroupName="gpu", fingerprint="mark", reason="SpecRejected", attempts=attempts)
    assert pause(snapshot(), group) == refusal_pause(snapshot(), mark="mark", attempts=attempts)


@pytest.mark.parametrize(("attempts", "whole"), [(None, 0.5), (1, 0.5), (2, 1.0), (4, 4.0), (5, 6.0), (10**6, 6.0)])
def test_a_refusal_stands_twice_as_long_each_time_up_to_six_hours(attempts: int | None, whole: float) -> None:
    assert refusal_pause(snapshot(), mark="mark", attempts=attempts) == pytest.approx(whole * HOUR, rel=0.1)


def test_objects_that_one_cause_refused_are_not_sent_again_together() -> None:
    pauses = {refusal_pause(snapshot(f"uid-{number}"), mark="mark", attempts=1) for number in range(50)}
    assert max(pauses) - min(pauses) > 120


def test_passes_of_one_object_agree() -> None:
    assert len({refusal_pause(snapshot(), mark="mark", attempts=3) for _ in range(5)}) == 1


@pytest.mark.parametrize("attempts", [0, -5, None, 1])
def test_a_number_of_attempts_that_cannot_be_counts_as_the_first(attempts: int | None) -> None:
    assert growing(first=300.0, most=3600.0, attempts=attempts) == 300.0
