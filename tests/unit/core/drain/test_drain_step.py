"""Which pods are evicted, which are waited for, and when a drain is over."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.drain.pods import START, budget, look, pod, rules

from hyperpod_operator.core.drain.pod import Pod, occupants
from hyperpod_operator.core.drain.rules import Behavior, OnTimeout, drain_rules
from hyperpod_operator.core.drain.step import DrainStep

WAIT = {"podSelector": {"matchLabels": {"wait": "yes"}}, "behavior": "WaitCompleted"}
SKIP = {"podSelector": {"matchLabels": {"skip": "yes"}}, "behavior": "Skip"}
LATER = START + timedelta(minutes=5)


def named(step: DrainStep) -> list[list[str]]:
    return [[one.name for one in gang] for gang in step.gangs]


def reasons(step: DrainStep) -> dict[str, str]:
    return {waiting.pod.name: waiting.why for waiting in step.waiting}


def test_a_pod_that_no_rule_names_is_evicted() -> None:
    assert named(look(pod("a"))) == [["a"]]


def test_nothing_to_drain_is_done() -> None:
    assert look().done


@pytest.mark.parametrize("kind", ["is_daemon", "is_static", "is_finished"])
def test_what_cannot_leave_or_has_ended_is_neither_evicted_nor_awaited(kind: str) -> None:
    staying = pod("a", **{kind: True})
    assert look(staying).done
    assert look(staying, chosen=rules(defaultBehavior="WaitCompleted")).done
    assert not occupants([staying])


def test_any_other_pod_keeps_a_node_from_being_idle() -> None:
    assert occupants([pod("a", is_daemon=True), pod("b")])
    assert occupants([pod("a", deleting_since=LATER)])


def test_the_first_rule_that_matches_applies() -> None:
    both = {"skip": "yes", "wait": "yes"}
    assert look(pod("a", labels=both), chosen=rules(SKIP, WAIT)).done
    assert "completes" in reasons(look(pod("a", labels=both), chosen=rules(WAIT, SKIP)))["a"]


def test_a_skipped_pod_is_not_waited_for() -> None:
    assert look(pod("a", labels={"skip": "yes"}), chosen=rules(SKIP)).done


def test_the_default_applies_where_no_rule_matches() -> None:
    assert look(pod("a"), chosen=rules(WAIT, defaultBehavior="Skip")).done


def test_a_pod_about_which_a_rule_cannot_be_evaluated_is_waited_for() -> None:
    teams = {"namespaceSelector": {"matchLabels": {"team": "a"}}, "behavior": "Skip"}
    assert "namespace" in reasons(look(pod("a"), chosen=rules(teams)))["a"]
    assert named(look(pod("a", namespace_labels={}), chosen=rules(teams))) == [["a"]]


def test_waiting_for_completion_ends_with_its_timeout() -> None:
    patient = rules(WAIT, waitCompletedTimeoutSeconds=60)
    job = pod("a", labels={"wait": "yes"})
    assert look(job, chosen=patient, after=59).waiting
    assert look(job, chosen=patient, after=59).wake_after == 1
    assert named(look(job, chosen=patient, after=60)) == [["a"]]


def test_without_a_timeout_completion_is_waited_for_until_the_drain_ends() -> None:
    job = pod("a", labels={"wait": "yes"})
    assert look(job, chosen=rules(WAIT), after=3599).waiting
    assert look(job, chosen=rules(WAIT), after=3600).timed_out


def test_after_the_drain_timeout_nothing_is_evicted() -> None:
    over = look(pod("a"), chosen=rules(drainTimeoutSeconds=60), after=60)
    assert over.timed_out
    assert not over.evict
    assert list(reasons(over)) == ["a"]


def test_a_drain_that_is_done_has_not_timed_out() -> None:
    assert look(pod("a", is_daemon=True), after=1e6).done
    assert not look(after=1e6).timed_out


def test_a_timeout_of_zero_is_none() -> None:
    assert not look(pod("a"), chosen=rules(drainTimeoutSeconds=0), after=1e9).timed_out


def test_a_pod_that_is_being_deleted_is_awaited_and_not_evicted_again() -> None:
    leaving = look(pod("a", deleting_since=LATER))
    assert not leaving.evict
    assert reasons(leaving)["a"].endswith("2026-11-23T12:05:00Z")


def test_a_pod_that_is_being_deleted_on_a_dead_node_is_waited_for_until_its_grace_period_is_over() -> None:
    lost, over = pod("a", deleting_since=LATER), (LATER - START).total_seconds()
    assert not look(lost, unreachable=frozenset({"n1"}), after=over - 1).done
    assert look(lost, unreachable=frozenset({"n1"}), after=over).done
    assert not look(lost, unreachable=frozenset({"n2"}), after=over).done
    assert not look(pod("a"), unreachable=frozenset({"n1"}), after=over).done


def test_a_pod_that_stays_after_its_grace_period_says_what_ends_it() -> None:
    lost, over = pod("a", deleting_since=LATER), (LATER - START).total_seconds()
    assert "its grace period ends at" in reasons(look(lost, after=over))["a"]
    said = reasons(look(lost, after=over + 60))["a"]
    assert "--force" in said
    assert "which ended at 2026-11-23T12:05:00Z" in said


def test_a_pod_that_comes_back_each_time_is_evicted_ever_more_seldom() -> None:
    """It tolerates the taint, and a Job that lost as many pods as it may has failed."""
    born, evictions = 0.0, 0
    for second in range(0, 3600, 5):
        found = look(pod("a", created_at=START + timedelta(seconds=born)), after=second)
        if found.evict:
            evictions, born = evictions + 1, second + 1.0
        else:
            assert "came after the drain began" in reasons(found)["a"]
    assert 2 < evictions <= 15


def test_a_pod_that_came_late_is_asked_before_its_node_goes_by_force() -> None:
    chosen = rules(drainTimeoutSeconds=600, onTimeout="Force")
    late = pod("a", created_at=START + timedelta(seconds=500))
    assert not look(late, chosen=chosen, after=599).evict
    assert named(look(late, chosen=chosen, after=600)) == [["a"]]


def test_a_gang_waits_for_the_one_of_its_pods_that_came_back() -> None:
    back = pod("a0", gang="Job research/a", created_at=START + timedelta(seconds=60))
    other = pod("a1", gang="Job research/a", node="n2", created_at=START - timedelta(days=1))
    assert not look(back, other, after=100).evict
    assert named(look(back, other, after=120)) == [["a0", "a1"]]


def test_a_pod_on_a_node_that_is_not_seen_is_awaited_and_holds_its_gang() -> None:
    there, here = pod("a0", gang="Job research/a"), pod("a1", gang="Job research/a", node="n2")
    found = look(there, here, pod("b", node="n2"), unseen=frozenset({"n1"}))
    assert named(found) == [["b"]]
    assert set(reasons(found)) == {"a0", "a1"}


def test_the_pods_of_one_gang_are_evicted_together() -> None:
    step = look(pod("a0", gang="Job research/a"), pod("b"), pod("a1", gang="Job research/a", node="n2"))
    assert named(step) == [["a0", "a1"], ["b"]]


def test_a_gang_waits_for_the_one_of_its_pods_that_is_waited_for() -> None:
    first = pod("a0", gang="Job research/a", labels={"wait": "yes"})
    step = look(first, pod("a1", gang="Job research/a"), chosen=rules(WAIT))
    assert not step.evict
    assert "research/a0" in reasons(step)["a1"]


def test_a_gang_that_is_leaving_already_leaves_whole() -> None:
    step = look(pod("a0", gang="Job research/a", deleting_since=LATER), pod("a1", gang="Job research/a"))
    assert named(step) == [["a1"]]


def test_a_skipped_pod_is_no_part_of_its_gang() -> None:
    step = look(
        pod("a0", gang="Job research/a", labels={"skip": "yes"}), pod("a1", gang="Job research/a"), chosen=rules(SKIP)
    )
    assert named(step) == [["a1"]]


def test_without_gangs_each_pod_leaves_by_itself() -> None:
    one_by_one = rules(WAIT, gangAtomic=False)
    step = look(
        pod("a0", gang="Job research/a", labels={"wait": "yes"}), pod("a1", gang="Job research/a"), chosen=one_by_one
    )
    assert named(step) == [["a1"]]


def gang(size: int, **labels: str) -> list[Pod]:
    return [pod(f"a{index}", gang="Job research/a", labels=labels) for index in range(size)]


def test_a_gang_that_its_budget_would_break_up_stays_whole() -> None:
    step = look(*gang(3, app="a"), budgets=[budget(2, matchLabels={"app": "a"})])
    assert {one.blocked for one in step.waiting} == {True}
    assert not step.evict
    assert "allows 2" in reasons(step)["a0"]
    assert "3 pods" in reasons(step)["a0"]


@pytest.mark.parametrize(
    "more",
    [
        {"budgets": [budget(3, matchLabels={"app": "a"})]},
        {"budgets": [budget(0, matchLabels={"app": "b"})]},
        {"budgets": [budget(0, namespace="other", matchLabels={"app": "a"})]},
    ],
)
def test_a_budget_that_allows_it_or_is_about_other_pods_does_not_matter(more: dict[str, Any]) -> None:
    assert len(look(*gang(3, app="a"), **more).evict) == 3


def two_gangs() -> list[Pod]:
    return [pod(f"{name}{index}", gang=f"Job research/{name}") for name in "ab" for index in range(2)]


@pytest.mark.parametrize("after", range(10))
def test_of_two_gangs_that_share_a_budget_the_second_one_waits_whole(after: int) -> None:
    step = look(*two_gangs(), budgets=[budget(3)], after=after)
    assert len(step.gangs) == 1
    assert len({one.pod.gang for one in step.waiting}) == 1
    assert [one.blocked for one in step.waiting] == [True, True]
    assert "allows 3 disruptions now (2 of them for pods that leave first), and 2 pods" in step.waiting[0].why


def test_each_of_two_gangs_that_share_a_budget_is_first_at_some_time() -> None:
    looks = [look(*two_gangs(), budgets=[budget(3)], after=after) for after in range(0, 300, 10)]
    assert {step.gangs[0][0].gang for step in looks} == {"Job research/a", "Job research/b"}


def test_gangs_that_a_budget_allows_together_leave_together() -> None:
    assert len(look(*two_gangs(), budgets=[budget(4)]).gangs) == 2


def test_what_single_pods_take_of_a_budget_is_not_promised_to_a_gang() -> None:
    pods = [*two_gangs()[:2], pod("x"), pod("y")]
    for after in range(0, 300, 10):
        step = look(*pods, budgets=[budget(3)], after=after)
        sizes = [len(one) for one in step.gangs]
        assert sizes in ([1, 1], [1, 2, 1], [2, 1, 1]), "two pods before the gang leave it one disruption"


def test_what_a_drain_leaves_of_a_budget_is_what_another_one_of_the_pass_gets() -> None:
    first, second = two_gangs()[:2], two_gangs()[2:]
    step = look(*first, budgets=[budget(3)])
    assert step.evict
    assert not look(*second, budgets=step.budgets).evict


def test_an_empty_selector_of_a_budget_selects_every_pod() -> None:
    assert not look(*gang(2, app="a"), budgets=[budget(1)]).evict


def test_a_single_pod_is_left_to_the_api_server() -> None:
    assert look(pod("a"), budgets=[budget(0)]).evict


def test_more_budgets_than_any_workload_needs_are_left_to_the_api_server() -> None:
    assert look(*gang(2), budgets=[budget(0)] * 51).evict


def test_an_absent_block_drains_everything_within_an_hour() -> None:
    chosen = drain_rules(None)
    assert (chosen.default, chosen.gang_atomic, chosen.on_timeout) == (Behavior.DRAIN, True, OnTimeout.ABORT)
    assert chosen.drain_timeout == timedelta(hours=1)
    assert chosen.wait_completed_timeout is None
    assert not chosen.needs_namespaces


def test_pods_that_no_container_of_runs_yet_need_no_budget() -> None:
    """Of a gang that hangs on a broken node: the API server evicts pending pods whatever a budget allows."""
    gang = [pod(f"p{number}", gang="job", labels={"app": "a"}, is_pending=True) for number in range(3)]
    found = look(*gang, budgets=(budget(0, matchLabels={"app": "a"}),))
    assert len(found.gangs) == 1
    running = pod("p3", gang="job", labels={"app": "a"})
    assert look(*gang, running, budgets=(budget(0, matchLabels={"app": "a"}),)).gangs == ()
    assert len(look(*gang, running, budgets=(budget(1, matchLabels={"app": "a"}),)).gangs) == 1


@pytest.mark.parametrize(("spares", "ready", "leaves"), [(True, 0, True), (False, 0, False), (True, 1, False)])
def test_pods_that_are_not_ready_need_no_budget_that_spares_them(*, spares: bool, ready: int, leaves: bool) -> None:
    """Of a gang that runs on a broken node and does not respond: the API server evicts these whatever is allowed."""
    pods = [pod(f"p{number}", gang="job", is_ready=number < ready) for number in range(3)]
    assert bool(look(*pods, budgets=(budget(0, spares_unready=spares),)).gangs) is leaves
