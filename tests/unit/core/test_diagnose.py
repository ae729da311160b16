"""Why a group is short of its target, told from AWS's words."""

from datetime import timedelta

import pytest
from tests.unit.core.builders import (
    NOW,
    ago,
    cluster,
    decision,
    group,
    group_spec,
    held,
    recorded,
    resource,
    spec,
    with_group,
)

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.diagnose import Shortfall, said
from hyperpod_operator.core.observed import ObservedEvent, ObservedNode


class TestShortGroups:
    @pytest.mark.parametrize(
        ("words", "reason", "stalled"),
        [
            ("Insufficient capacity in us-west-2a", Reason.CAPACITY_SHORTAGE, False),
            ("We currently do not have sufficient capacity", Reason.CAPACITY_SHORTAGE, False),
            ("Lifecycle scripts did not run successfully", Reason.LIFECYCLE_SCRIPT_FAILED, True),
            ("EFA health checks did not run successfully", Reason.EFA_CHECK_FAILED, True),
            ("network misconfiguration", Reason.NETWORK_MISCONFIGURED, True),
            ("something nobody has seen", Reason.SCALING, False),
        ],
    )
    def test_awss_words_name_the_cause(self, words: str, reason: Reason, stalled: bool) -> None:
        short = with_group(cluster(), group(group_spec(), current=1))
        event = ObservedEvent(event_id="1", at=NOW, level="Error", description=words, group="gpu")
        answer = held(decision(resource(status=recorded()), short, events=(event,)))
        assert (answer.reason, answer.stalled) == (reason, stalled)
        assert f"{words}." in answer.message or answer.message.endswith(words)

    def test_events_from_before_the_change_are_history(self) -> None:
        short = with_group(cluster(), group(group_spec(), current=1))
        old = NOW - timedelta(hours=2)
        event = ObservedEvent(event_id="1", at=old, level="Error", description="insufficient capacity", group="gpu")
        last = {"operation": "UpdateCluster", "state": "Applied", "time": ago(3600), "fingerprint": "x"}
        answer = held(decision(resource(status=recorded(last=last)), short, events=(event,)))
        assert answer.reason is Reason.SCALING

    @pytest.mark.parametrize(
        ("status", "reason"), [("Failed", Reason.GROUP_FAILED), ("Degraded", Reason.GROUP_DEGRADED)]
    )
    def test_a_groups_status_tells_too(self, status: str, reason: Reason) -> None:
        troubled = with_group(cluster(), group(group_spec(), status=status))
        assert held(decision(resource(status=recorded()), troubled)).reason is reason

    @pytest.mark.parametrize(
        ("listed", "words"),
        [
            (4, "group gpu 4/4: AWS reports the group as Degraded."),
            (3, "group gpu 4/4: AWS reports the group as Degraded, counts 4 and lists 3 of its instances."),
        ],
    )
    def test_a_group_in_trouble_without_a_word_of_aws_has_one(self, listed: int, words: str) -> None:
        """A failed instance may be left out of the list."""
        nodes = tuple(
            ObservedNode(instance_id=f"i-{number}", group="gpu", instance_type="x", status="Running")
            for number in range(listed)
        )
        troubled = with_group(cluster(), group(group_spec(), status="Degraded"))
        answer = held(decision(resource(status=recorded()), troubled, nodes=nodes))
        assert answer.message == f"{words} HyperPod replaces failed instances."

    def test_without_recovery_a_person_is_asked_to_replace_what_failed(self) -> None:
        wanted = spec(nodeRecovery="None")
        troubled = with_group(cluster(wanted=wanted), group(group_spec(), status="Degraded"))
        answer = held(decision(resource(spec=wanted, status=recorded()), troubled))
        assert "HyperPodNodeOperation" in answer.message

    def test_deep_health_checks_are_told_apart_from_scaling(self) -> None:
        checked = group_spec(onStartDeepHealthChecks=["InstanceStress"])
        wanted = spec(instanceGroups=[checked, group_spec("cpu", 2, instanceType="ml.m5.4xlarge")])
        short = with_group(cluster(), group(checked, current=0))
        node = ObservedNode(instance_id="i-1", group="gpu", instance_type="x", status="DeepHealthCheckInProgress")
        answer = held(decision(resource(spec=wanted, status=recorded()), short, nodes=(node,)))
        assert answer.reason is Reason.DEEP_HEALTH_CHECKS


def lacking(name: str, count: int, detail: str = "") -> Shortfall:
    found = group(group_spec(name, count), current=0)
    return Shortfall(found, Reason.SCALING, detail, "", stalled=False)


def test_groups_with_the_same_cause_share_it() -> None:
    assert said([lacking("a", 4, "no capacity"), lacking("b", 2, "no capacity")]) == "groups a 0/4, b 0/2: no capacity"


def test_causes_beyond_the_fifth_are_counted() -> None:
    short = [lacking(f"g{number}", 1, f"cause {number}") for number in range(7)]
    assert said(short).endswith("group g4 0/1: cause 4; and 2 more")


def test_groups_beyond_the_fifth_are_counted() -> None:
    assert said([lacking(f"g{number}", 1) for number in range(7)]).endswith("g4 0/1 and 2 more")
