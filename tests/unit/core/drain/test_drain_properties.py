"""What holds for every drain: who is never evicted, no gang is broken up, and it ends."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.drain.pods import START

from hyperpod_operator.api.common.drain import Drain, DrainRule
from hyperpod_operator.core.drain.pod import Pod, occupants
from hyperpod_operator.core.drain.rules import Behavior, DrainRules, drain_rules
from hyperpod_operator.core.drain.step import step

KEYS = st.sampled_from(["app", "team"])
VALUES = st.sampled_from(["a", "b", ""])
LABELS = st.dictionaries(KEYS, VALUES, max_size=2)
SELECTORS = st.none() | st.fixed_dictionaries({"matchLabels": LABELS})
RULES = st.fixed_dictionaries(
    {
        "podSelector": SELECTORS,
        "namespaceSelector": SELECTORS,
        "behavior": st.sampled_from(["Drain", "Skip", "WaitCompleted"]),
    }
).map(DrainRule.model_validate)
SECONDS = st.none() | st.integers(min_value=0, max_value=300)
BLOCKS = st.builds(
    Drain,
    rules=st.lists(RULES, max_size=3),
    defaultBehavior=st.sampled_from([None, "Drain", "Skip", "WaitCompleted"]),
    gangAtomic=st.sampled_from([None, True, False]),
    waitCompletedTimeoutSeconds=SECONDS,
    drainTimeoutSeconds=SECONDS,
)
PODS = st.lists(
    st.builds(
        Pod,
        namespace=st.sampled_from(["one", "two"]),
        name=st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=3),
        uid=st.uuids().map(str),
        node=st.sampled_from(["n1", "n2"]),
        labels=LABELS,
        namespace_labels=st.none() | LABELS,
        gang=st.sampled_from(["", "Job one/a", "JobSet one/b"]),
        is_daemon=st.booleans(),
        is_static=st.booleans(),
        is_finished=st.booleans(),
        deleting_since=st.sampled_from([None, START]),
    ),
    max_size=8,
)
ELAPSED = st.integers(min_value=0, max_value=600)


@given(pods=PODS, block=BLOCKS, elapsed=ELAPSED)
def test_what_stays_or_is_skipped_or_cannot_be_judged_is_never_evicted(
    pods: list[Pod], block: Drain, elapsed: int
) -> None:
    rules = drain_rules(block)
    now = START + timedelta(seconds=elapsed)
    for pod in step(pods=pods, rules=rules, started_at=START, now=now).evict:
        assert not pod.stays
        assert pod.deleting_since is None
        assert rules.behavior(pod) in {Behavior.DRAIN, Behavior.WAIT_COMPLETED}


@given(pods=PODS, block=BLOCKS, elapsed=ELAPSED)
def test_a_gang_is_never_broken_up(pods: list[Pod], block: Drain, elapsed: int) -> None:
    rules = drain_rules(block)
    now = START + timedelta(seconds=elapsed)
    found = step(pods=pods, rules=rules, started_at=START, now=now)
    evicted = {pod.uid for pod in found.evict}
    for gang in _gangs(pods, rules).values():
        here = {pod.uid for pod in gang}
        assert not rules.gang_atomic or here <= evicted or not here & evicted


@given(pods=PODS, block=BLOCKS, elapsed=ELAPSED)
def test_each_pod_that_has_to_leave_is_evicted_or_awaited_and_never_both(
    pods: list[Pod], block: Drain, elapsed: int
) -> None:
    rules = drain_rules(block)
    found = step(pods=pods, rules=rules, started_at=START, now=START + timedelta(seconds=elapsed))
    evicted, awaited = {pod.uid for pod in found.evict}, {one.pod.uid for one in found.waiting}
    assert not evicted & awaited
    wanted = {pod.uid for pod in pods if not pod.stays and rules.behavior(pod) is not Behavior.SKIP}
    assert evicted | awaited == wanted


@given(pods=PODS, block=BLOCKS)
def test_a_drain_ends_once_its_pods_obey(pods: list[Pod], block: Drain) -> None:
    """Each evicted pod goes, and each one that is waited for completes by itself: there is nothing left to do."""
    rules = drain_rules(block)
    for round_ in range(3):
        found = step(pods=pods, rules=rules, started_at=START, now=START + timedelta(seconds=round_))
        if found.done or found.timed_out:
            return
        gone = {pod.uid for pod in found.evict} | {one.pod.uid for one in found.waiting if one.pod.deleting_since}
        pods = [replace(pod, is_finished=pod.uid not in gone) for pod in pods if pod.uid not in gone]
    raise AssertionError(f"still {found}")


@given(pods=PODS, block=BLOCKS)
def test_a_drain_with_a_timeout_is_over_when_that_is_over(pods: list[Pod], block: Drain) -> None:
    rules = drain_rules(block)
    if rules.drain_timeout is None:
        return
    found = step(pods=pods, rules=rules, started_at=START, now=START + rules.drain_timeout)
    assert found.done != found.timed_out
    assert not found.evict


@given(pods=PODS)
def test_an_idle_node_has_nothing_to_drain(pods: list[Pod]) -> None:
    if not occupants(pods):
        assert step(pods=pods, rules=drain_rules(None), started_at=START, now=START).done


def _gangs(pods: Iterable[Pod], rules: DrainRules) -> dict[str, list[Pod]]:
    """Those pods of each gang that have to leave and do not yet."""
    gangs: dict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        if pod.gang and not pod.stays and not pod.deleting_since and rules.behavior(pod) is not Behavior.SKIP:
            gangs[pod.gang].append(pod)
    return gangs
