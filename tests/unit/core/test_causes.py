"""Which events explain a short group, whose details are read, and what the words say."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import NOW, cluster, group, group_spec, with_group

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.causes import (
    CAUSES,
    HINT,
    HORIZON,
    cause_of,
    explaining,
    far_enough,
    is_noise,
    short_groups,
    to_read,
    words,
)
from hyperpod_operator.core.cluster.diagnose import shortfalls
from hyperpod_operator.core.observed import Observed, ObservedEvent, ObservedNode

FAILED = "Failed to provision EC2 Instance in Cluster research and InstanceGroup gpu"
CREATION = "Instance creation in Cluster research and InstanceGroup gpu failed"
NOISE = "3 node(s) lost orchestration-ready status. Current: 1/4"
CAPACITY = "We currently do not have sufficient capacity to launch new ml.g5.8xlarge instances. Please try again."


def event(number: int, *, ago: float = 0.0, **parts: Any) -> ObservedEvent:
    given = {"level": "Error", "description": FAILED, "group": "gpu", **parts}
    return ObservedEvent(event_id=f"e{number}", at=NOW - timedelta(seconds=ago), **given)


def observed(*events: ObservedEvent, nodes: Sequence[ObservedNode] = (), **parts: Any) -> Observed:
    """A cluster whose group gpu has one of four nodes."""
    short = with_group(cluster(), group(group_spec(), current=1, **parts))
    return Observed(cluster=short, events=events, nodes=tuple(nodes))


def said(looked: Observed) -> str:
    assert looked.cluster is not None
    short = looked.cluster.group("gpu")
    assert short is not None
    return words(short, observed=looked, since=None, updating=False)


class TestWords:
    @pytest.mark.parametrize("key", CAUSES)
    def test_each_fragment_is_found_in_a_sentence(self, key: tuple[str, ...]) -> None:
        assert cause_of(f"AWS: {' (x) '.join(key).title()}.") == CAUSES[key]

    @pytest.mark.parametrize(
        ("text", "reason", "stalled"),
        [
            (CAPACITY, Reason.CAPACITY_SHORTAGE, False),
            ("Cannot provision requested instances", Reason.CAPACITY_SHORTAGE, False),
            ("No subnets in the capacity AZ", Reason.NETWORK_MISCONFIGURED, True),
            ("The security group 'sg-0a' does not exist", Reason.NETWORK_MISCONFIGURED, True),
            ("Lifecycle script timed out", Reason.LIFECYCLE_SCRIPT_FAILED, True),
            ("The instance timed out", Reason.LIFECYCLE_SCRIPT_FAILED, False),
            ("hardware failure", Reason.GROUP_DEGRADED, False),
        ],
    )
    def test_recorded_words_name_their_cause(self, text: str, reason: Reason, stalled: bool) -> None:
        found = cause_of(text)
        assert found is not None
        assert (found.reason, found.stalled) == (reason, stalled)

    def test_a_cause_goes_before_a_description(self) -> None:
        assert (
            said(observed(event(1, description="Something else", ago=0), event(2, cause=CAPACITY, ago=5))) == CAPACITY
        )

    def test_of_a_pair_the_words_that_are_known_count(self) -> None:
        pair = (event(1, cause="The workflow ended."), event(2, cause=CAPACITY, ago=1))
        assert said(observed(*pair)) == CAPACITY

    def test_of_two_faults_the_newer_counts(self) -> None:
        assert said(observed(event(1, cause="Something new."), event(2, cause=CAPACITY, ago=600))) == "Something new."

    def test_noise_does_not_hide_a_cause(self) -> None:
        noise = event(1, level="Warn", description=NOISE, cause="Request to service failed. If failure persists …")
        assert said(observed(noise, event(2, cause=CAPACITY, ago=30))) == CAPACITY

    def test_a_node_explains_more_than_a_generic_event(self) -> None:
        node = ObservedNode(instance_id="i-1", group="gpu", instance_type="x", status="Failure", message="Bad disk.")
        assert said(observed(event(1), event(2, description=CREATION), nodes=[node])) == "i-1: Bad disk."

    def test_a_telling_description_goes_before_a_node(self) -> None:
        node = ObservedNode(instance_id="i-1", group="gpu", instance_type="x", status="Failure", message="Bad disk.")
        assert said(observed(event(1, description="The role is gone."), nodes=[node])) == "The role is gone."

    def test_a_generic_beginning_does_not_hide_the_cause_that_follows(self) -> None:
        node = ObservedNode(instance_id="i-1", group="gpu", instance_type="x", status="Failure", message="Bad disk.")
        both = f"{FAILED}: {CAPACITY}"
        assert said(observed(event(1, description=both), nodes=[node])) == both

    def test_a_generic_event_is_better_than_nothing(self) -> None:
        assert said(observed(event(1))) == FAILED

    def test_without_the_right_the_words_say_what_is_missing(self) -> None:
        looked = Observed(cluster=observed().cluster, events=(event(1),), causes_denied=True)
        assert said(looked) == f"{FAILED} ({HINT})"

    def test_an_event_of_the_whole_cluster_explains_a_group_without_its_own(self) -> None:
        assert said(observed(event(1, group="", cause="The subnet is full."))) == "The subnet is full."
        assert said(observed(event(1, group="", cause="x", ago=1), event(2, cause=CAPACITY, ago=9))) == CAPACITY


class TestSoftwareUpdates:
    @pytest.mark.parametrize("status", ["Updating", "SystemUpdating"])
    @pytest.mark.parametrize("update", ["Pending", "InProgress", "RollbackInProgress"])
    def test_a_message_of_an_earlier_try_is_no_failed_script(self, status: str, update: str) -> None:
        sticky = ObservedNode(
            instance_id="i-1",
            group="gpu",
            instance_type="x",
            status="SystemUpdating",
            message="Lifecycle scripts did not run successfully.",
        )
        looked = observed(nodes=[sticky], status=status, software_update_status=update)
        (found,) = shortfalls(looked, since=None)
        assert (found.reason, found.stalled, "ifecycle" in found.detail) == (Reason.UPDATING_SOFTWARE, False, False)

    def test_after_a_failed_update_the_message_tells_why(self) -> None:
        sticky = ObservedNode(
            instance_id="i-1", group="gpu", instance_type="x", status="Failure", message="Lifecycle scripts failed."
        )
        looked = observed(nodes=[sticky], software_update_status="Failed")
        assert shortfalls(looked, since=None)[0].reason is Reason.LIFECYCLE_SCRIPT_FAILED

    @pytest.mark.parametrize(
        ("current", "desired", "over"),
        [
            ({"release_version": "1.0.0"}, {"imageReleaseVersion": "1.0.0"}, True),
            ({"release_version": "1.0.0"}, {"imageReleaseVersion": "1.1.0"}, False),
            ({"release_version": "1.0.0", "id": "ami-2"}, {"imageReleaseVersion": "1.0.0", "imageId": "ami-1"}, False),
            ({"id": "ami-1"}, {"imageId": "ami-1"}, True),
            ({}, {}, False),
        ],
    )
    def test_a_failed_update_that_is_rolled_back_is_over_when_the_images_are_one(
        self, current: dict[str, str], desired: dict[str, str], over: bool
    ) -> None:
        running = {f"current_image_{name}": value for name, value in current.items()}
        found = group({**group_spec(), **desired}, software_update_status="Failed", **running)
        short = shortfalls(Observed(cluster=with_group(cluster(), found)), since=None)
        assert [one.reason for one in short] == ([] if over else [Reason.GROUP_FAILED])


class TestReading:
    def test_the_newest_errors_and_the_newest_warning_of_a_group_are_read(self) -> None:
        events = [event(number, ago=number) for number in range(9)]
        events += [event(number, ago=number, level="Warn") for number in range(9, 12)]
        assert to_read(observed(*events), since=None) == ("e0", "e1", "e2", "e9")

    def test_groups_take_turns(self) -> None:
        both = with_group(observed().cluster or cluster(), group(group_spec("cpu", 2), current=0))
        events = (event(1), event(2), event(3, group="cpu"))
        assert to_read(Observed(cluster=both, events=events), since=None) == ("e1", "e3", "e2")

    @pytest.mark.parametrize(
        "parts", [{"level": "Info"}, {"description": NOISE}, {"group": "cpu"}, {"ago": 99.0}], ids=str
    )
    def test_what_explains_nothing_is_not_read(self, parts: dict[str, Any]) -> None:
        assert to_read(observed(event(1, **parts)), since=NOW - timedelta(seconds=60)) == ()

    def test_a_group_at_its_target_asks_for_nothing(self) -> None:
        assert to_read(Observed(cluster=cluster(), events=(event(1),)), since=None) == ()
        assert short_groups(cluster()) == ()

    def test_noise_is_told_by_its_description(self) -> None:
        assert is_noise(event(1, description=NOISE))
        assert not is_noise(event(1))
        assert explaining([event(1, description=NOISE)], group="gpu", since=None) == ()


class TestPaging:
    def test_events_are_read_back_to_the_last_change(self) -> None:
        other = [event(number, group="cpu", ago=number) for number in range(100)]
        since = NOW - timedelta(seconds=200)
        assert not far_enough(other, groups=["gpu"], since=since)
        assert far_enough([*other, event(100, group="cpu", ago=201)], groups=["gpu"], since=since)

    def test_an_event_of_each_short_group_is_enough(self) -> None:
        assert far_enough([event(1)], groups=["gpu"], since=None)
        assert not far_enough([event(1)], groups=["gpu", "cpu"], since=None)

    def test_without_a_short_group_one_page_is_enough(self) -> None:
        assert far_enough([event(1)], groups=[], since=None)

    def test_without_a_known_change_an_hour_is_enough(self) -> None:
        old = event(2, group="cpu", ago=HORIZON.total_seconds() + 1)
        assert far_enough([event(1, group="cpu"), old], groups=["gpu"], since=None)

    def test_an_empty_history_is_read(self) -> None:
        assert far_enough([], groups=["gpu"], since=None)
