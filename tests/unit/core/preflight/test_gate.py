"""Which calls wait for checks, for how long, and what status remembers of them."""

from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import Any

import pytest
from tests.unit.core import builders
from tests.unit.core.builders import NOW, cluster, group_spec, resource, snapshot_of
from tests.unit.core.builders import spec as cluster_spec

from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.plan import AddTags, CreateCluster, DeleteCluster, UpdateCluster
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.preflight.gate import Due, due, due_of_calls, held, stands
from hyperpod_operator.core.preflight.model import Area, Checked, Preflight, Result
from hyperpod_operator.core.preflight.modes import ENFORCE, MODES, OFF, WARN
from hyperpod_operator.core.preflight.record import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    STANDS,
    left,
    max_age,
    passed,
    pause,
    recorded,
)

CREATE = CreateCluster(request={})
UPDATE = UpdateCluster(request={})


def result(*results: Result) -> Preflight:
    return Preflight(
        checks=tuple(
            Checked(name=f"Check{number}", area=Area.EKS, result=one, message=f"{one} {number}.")
            for number, one in enumerate(results)
        )
    )


def absent(**management: Any) -> ClusterSnapshot:
    return snapshot_of(resource(spec=cluster_spec(management=management)), Observed(cluster=None))


def adding(**fields: Any) -> ClusterSnapshot:
    wanted = cluster_spec()
    wanted["instanceGroups"].append(group_spec("new", 1))
    return snapshot_of(resource(spec=wanted, **fields), Observed(cluster=cluster(), tags={}))


def wanted(about: ClusterSnapshot, action: Any = CREATE) -> Due:
    found = due(about, action, mode=ENFORCE)
    assert found is not None
    return found


def test_a_creation_is_checked() -> None:
    about = wanted(absent())
    assert (about.subject.new, len(about.subject.groups)) == (True, 2)


def test_an_added_group_is_checked_alone() -> None:
    assert [group.name for group in wanted(adding(), UPDATE).subject.groups] == ["new"]


@pytest.mark.parametrize(("policy", "kept"), [("Auto", set()), ("ApproveDisruptive", {"cpu"})])
def test_a_removed_group_that_waits_counts_beside_the_one_that_is_added(policy: str, kept: set[str]) -> None:
    exchanged = cluster_spec(instanceGroups=[group_spec(), group_spec("new", 2)], management={"changePolicy": policy})
    owner = resource(spec=exchanged, status=builders.recorded())
    about = snapshot_of(owner, Observed(cluster=cluster(), tags=builders.our_tags(owner)))
    assert {held.name for held in wanted(about, UPDATE).subject.holds} == {"gpu"} | kept


@pytest.mark.parametrize(
    ("policy", "kept"), [("Auto", set()), ("ApproveDisruptive", {"cpu"}), ("ApproveAll", set()), ("PlanOnly", set())]
)
def test_a_preview_counts_what_leaves_together_with_what_comes(policy: str, kept: set[str]) -> None:
    exchanged = cluster_spec(instanceGroups=[group_spec(), group_spec("new", 2)], management={"changePolicy": policy})
    owner = resource(spec=exchanged, status=builders.recorded())
    about = snapshot_of(owner, Observed(cluster=cluster(), tags=builders.our_tags(owner)))
    assert about.plan is not None
    found = due_of_calls(about, about.plan.calls, mode=ENFORCE)
    assert found is not None
    assert {held.name for held in found.subject.holds} == {"gpu"} | kept


@pytest.mark.parametrize("action", [UPDATE, DeleteCluster(arn="a"), AddTags(arn="a", tags={})], ids=type)
def test_a_call_that_brings_nothing_new_is_not_checked(action: Any) -> None:
    assert due(snapshot_of(resource(), Observed(cluster=cluster(), tags={})), action, mode=ENFORCE) is None


def test_nothing_is_checked_where_it_is_off() -> None:
    assert due(absent(preflight=OFF), CREATE, mode=ENFORCE) is None
    assert due(absent(), CREATE, mode=OFF) is None


def test_a_cluster_may_ask_for_checks_that_are_off_by_default() -> None:
    assert due(absent(preflight=ENFORCE), CREATE, mode=OFF) is not None


def status(*results: Result, about: Due, before: PreflightStatus | None = None, **fields: Any) -> PreflightStatus:
    return recorded(
        result(*results), mark=about.mark, call=about.call, before=before, now=fields.pop("now", NOW), **fields
    )


def test_a_failure_holds_the_call_with_its_message() -> None:
    about = wanted(absent())
    hold = held(status(Result.FAIL, Result.PASS, about=about), about, mode=ENFORCE, now=NOW)
    assert hold is not None
    assert (hold.reason, hold.stalled, hold.after) == (Reason.PREFLIGHT_FAILED, True, FIRST_PAUSE)
    assert "CreateCluster is not sent because 1 check fails: Fail 0." in hold.message


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != ENFORCE])
def test_a_failure_holds_nothing_unless_it_is_enforced(mode: str) -> None:
    about = wanted(absent())
    assert held(status(Result.FAIL, about=about), about, mode=mode, now=NOW) is None


@pytest.mark.parametrize("one", [result for result in Result if result is not Result.FAIL])
def test_only_a_failure_holds_a_call(one: Result) -> None:
    about = wanted(absent())
    assert held(status(one, about=about), about, mode=ENFORCE, now=NOW) is None


def test_the_message_is_the_same_in_every_pass_of_a_pause() -> None:
    about = wanted(absent())
    failed = status(Result.FAIL, about=about)
    holds = [held(failed, about, mode=ENFORCE, now=NOW + timedelta(seconds=age)) for age in (0, 30)]
    assert {hold.message for hold in holds if hold} == {holds[0].message if holds[0] else ""}
    assert [hold.after for hold in holds if hold] == [60.0, 30.0]


def test_pauses_grow_while_the_same_fails() -> None:
    about, before, pauses = wanted(absent()), None, []
    for _ in range(8):
        before = status(Result.FAIL, about=about, before=before)
        pauses.append(pause(before))
    assert pauses == [60, 120, 240, 480, 960, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_pauses_begin_again_when_a_person_asks() -> None:
    about = wanted(absent())
    before = status(Result.FAIL, about=about, before=status(Result.FAIL, about=about))
    assert pause(status(Result.FAIL, about=about, before=before, requested=True)) == FIRST_PAUSE


def test_pauses_begin_again_when_something_else_is_checked() -> None:
    about = wanted(absent())
    other = status(Result.FAIL, about=replace(about, mark="other"))
    assert pause(status(Result.FAIL, about=about, before=other)) == FIRST_PAUSE


def test_what_passed_stands_for_a_while() -> None:
    about = wanted(absent())
    fine = status(Result.PASS, about=about)
    assert left(fine, mark=about.mark, now=NOW) == STANDS
    assert left(fine, mark=about.mark, now=NOW + timedelta(seconds=STANDS)) == 0


def test_a_time_to_come_holds_nothing() -> None:
    about = wanted(absent())
    forged = status(Result.FAIL, about=about, now=NOW + timedelta(days=1))
    assert left(forged, mark=about.mark, now=NOW) == 0


def test_an_edit_is_checked_at_once() -> None:
    before = wanted(absent())
    owner = resource(
        spec=cluster_spec(nodeRecovery="None"),
        status={"preflight": status(Result.FAIL, about=before).model_dump(mode="json", exclude_none=True)},
    )
    edited = snapshot_of(owner, Observed(cluster=None))
    assert not stands(edited, wanted(edited))


def test_an_edit_of_management_or_tags_changes_nothing_that_is_checked() -> None:
    tagged = snapshot_of(resource(spec=cluster_spec(tags=[{"key": "a", "value": "b"}])), Observed(cluster=None))
    assert wanted(tagged).mark == wanted(absent(preflight=WARN)).mark


@pytest.mark.parametrize(("requested", "expected"), [("", True), ("now", False)])
def test_a_request_by_annotation_checks_again(requested: str, expected: bool) -> None:
    before = status(Result.FAIL, about=wanted(absent())).model_dump(mode="json", exclude_none=True)
    owner = resource(spec=cluster_spec(), status={"preflight": before}, reconcile_requested_at=requested)
    about = snapshot_of(owner, Observed(cluster=None))
    assert stands(about, wanted(about)) is expected


@pytest.mark.parametrize(
    ("found", "requested", "seconds", "expected"),
    [
        (None, False, 0.0, inf),
        (Result.PASS, False, 700.0, inf),
        (Result.UNKNOWN, False, 700.0, inf),
        (Result.PASS, True, 700.0, 0.0),
        (Result.FAIL, True, 700.0, 0.0),
        (Result.FAIL, False, 60.0, 30.0),
        (Result.FAIL, False, 1800.0, 1770.0),
        (Result.FAIL, False, 1.0, 30.0),
    ],
)
def test_answers_by_which_a_check_failed_do_not_count_when_it_is_repeated(
    found: Result | None, requested: bool, seconds: float, expected: float
) -> None:
    before = status(found, about=wanted(absent())) if found is not None else None
    assert max_age(before, requested=requested, now=NOW + timedelta(seconds=seconds)) == expected


def test_failures_come_first_and_passes_are_only_counted() -> None:
    made = status(Result.PASS, Result.UNKNOWN, Result.FAIL, Result.WARN, about=wanted(absent()))
    assert [check.result for check in made.checks or []] == ["Fail", "Warn", "Unknown"]
    assert all(check.message for check in made.checks or [])
    assert (made.passed, made.warnings, made.failures, made.unknown) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        ((Result.PASS, Result.WARN, Result.UNKNOWN), "1 check passed, 1 warns, 1 is unknown. Warn 1."),
        ((Result.WARN, Result.WARN), "0 checks passed, 2 warn, 0 are unknown. Warn 0. Warn 1."),
    ],
)
def test_warnings_are_in_the_words_of_what_passed(found: tuple[Result, ...], counts: str) -> None:
    assert passed(status(*found, about=wanted(absent()))) == (True, counts)


def test_nothing_checked_says_nothing() -> None:
    assert passed(None) is None
    assert passed(PreflightStatus()) is None


def test_groups_that_the_cluster_keeps_are_known_with_their_subnets() -> None:
    held = wanted(adding(), UPDATE).subject.holds
    assert [(one.name, one.subnets) for one in held] == [("gpu", ("subnet-1",)), ("cpu", ("subnet-1",))]


def test_the_time_of_the_checks_is_recorded() -> None:
    assert status(Result.PASS, about=wanted(absent())).checkedAt == stamp(NOW)
