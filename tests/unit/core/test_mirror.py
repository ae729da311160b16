"""HyperPod's own events become Kubernetes Events, once each."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import NOW, cluster, resource, snapshot_of

from hyperpod_operator.api.cluster.memory import ClusterMemory, MirroredEvents
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.core.cluster.mirror import MOST, mirrored
from hyperpod_operator.core.cluster.pass_record import PassRecord
from hyperpod_operator.core.observed import Observed, ObservedEvent


def event(number: int, *, ago: float = 60.0, level: str = "Error", **parts: Any) -> ObservedEvent:
    at = NOW - timedelta(seconds=ago)
    return ObservedEvent(event_id=f"e-{number}", at=at, level=level, description=f"event {number}", **parts)


def tell(*events: ObservedEvent, mark: MirroredEvents | None = None) -> tuple[MirroredEvents | None, list[str]]:
    owner = resource(status=HyperPodClusterStatus(memory=ClusterMemory(mirroredEvents=mark)))
    given = snapshot_of(owner, Observed(cluster=cluster(), events=events))
    new, told = mirrored(PassRecord(snapshot=given))
    return new, [f"{event.message} ({event.reference})" if event.reference else event.message for event in told]


def test_a_warning_is_told_with_its_place() -> None:
    _, (message,) = tell(event(1, group="gpu", instance_id="i-0123456789abcdef0"))
    assert message == "HyperPod says about gpu, i-0123456789abcdef0: event 1 (e-1)"


def test_a_cause_is_told_after_the_description() -> None:
    _, (message,) = tell(event(1, cause="No capacity."))
    assert message == "HyperPod says: event 1: No capacity. (e-1)"


NOISE = "3 node(s) lost orchestration-ready status. Current: 1/4"


def test_what_every_scaling_brings_is_not_told() -> None:
    assert tell(replace(event(1), description=NOISE)) == (None, [])


def test_an_event_without_words_is_not_told() -> None:
    assert tell(replace(event(1), description="")) == (None, [])


def test_what_a_large_scaling_brings_does_not_crowd_out_a_cause() -> None:
    noise = (replace(event(number, ago=60 - number), description=NOISE) for number in range(2, MOST + 5))
    _, told = tell(event(1), *noise)
    assert told == ["HyperPod says: event 1 (e-1)"]


def test_what_was_told_is_not_told_again() -> None:
    mark, first = tell(event(1), event(2, ago=30))
    again, second = tell(event(1), event(2, ago=30), mark=mark)
    assert len(first) == 2
    assert second == []
    assert again == mark


def test_a_late_one_of_the_same_second_is_told() -> None:
    mark, _ = tell(event(1, ago=30))
    _, second = tell(event(1, ago=30), event(2, ago=30), mark=mark)
    assert second == ["HyperPod says: event 2 (e-2)"]


def test_news_without_loud_ones_writes_nothing() -> None:
    """A settled cluster is not written to, whatever HyperPod reports at Info."""
    assert tell(event(1, level="Info")) == (None, [])


def test_old_history_is_left_alone_when_events_are_first_read() -> None:
    assert tell(event(1, ago=7200)) == (None, [])


def test_a_storm_is_summed_up() -> None:
    _, told = tell(*(event(number, ago=100 - number) for number in range(MOST + 5)))
    assert len(told) == MOST + 1
    assert told[0].startswith("5 more warnings")


@pytest.mark.parametrize("time", [None, "garbled"])
def test_a_garbled_mark_counts_as_none(time: str | None) -> None:
    _, told = tell(event(1), mark=MirroredEvents(time=time))
    assert len(told) == 1
