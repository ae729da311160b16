"""Which calls wait, and what an approval opens."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange
from hyperpod_operator.core.plan.digest import Target, items, names
from hyperpod_operator.core.plan.gate import (
    REMEMBERED_MOST,
    Approval,
    Approved,
    ChangePolicy,
    Gate,
    Open,
    Stale,
    Waiting,
    approve,
    gate,
    scale_ins,
)

HERE = Target(cluster_arn="arn:cluster", creation_time="2026-01-01T00:00:00Z")


def step(part: str, effect: Effect = Effect.DESTROYS, *, exempt: bool = False) -> PlannedCall:
    change = PlannedChange(path=f"instanceGroups[{part}]", effect=effect)
    return PlannedCall(
        operation="UpdateCluster", effect=effect, fingerprint=part, changes=(change,), part=part, exempt=exempt
    )


A, B, C = step("a"), step("b"), step("c")


def judged(
    *calls: PlannedCall,
    policy: ChangePolicy = ChangePolicy.APPROVE_ALL,
    given: str = "",
    record: Approved | None = None,
) -> Gate:
    approvals = (Approval(digest=given, via="Annotation"),) if given else ()
    return gate(policy=policy, calls=calls, target=HERE, approvals=approvals, record=record)


def opened(*calls: PlannedCall, sent: tuple[PlannedCall, ...] = (), done: bool = False) -> Approved:
    """The record of an approved plan of these calls, some of them sent."""
    found = judged(*calls, given=judged(*calls).digest)
    assert isinstance(found, Open)
    made = approve(calls=calls, target=HERE, opened=found, record=None)
    carried = frozenset(name for one in sent for name in names(one, target=HERE))
    return Approved(digest=made.digest, changes=made.changes, sent=carried, done=done)


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        (ChangePolicy.AUTO, set()),
        (ChangePolicy.APPROVE_DISRUPTIVE, {Effect.DISRUPTS, Effect.DESTROYS}),
        (ChangePolicy.APPROVE_ALL, set(Effect)),
        (ChangePolicy.PLAN_ONLY, set(Effect)),
    ],
)
def test_a_policy_holds_calls_by_their_effect(policy: ChangePolicy, waits: set[Effect]) -> None:
    calls = [step(effect, effect) for effect in Effect]
    assert {call.effect for call in judged(*calls, policy=policy).held} == waits


@pytest.mark.parametrize("policy", ChangePolicy)
def test_an_exempt_call_never_waits(policy: ChangePolicy) -> None:
    assert isinstance(judged(step("tags", exempt=True), policy=policy), Open)


def test_an_approval_opens_the_plan_that_it_names() -> None:
    found = judged(A, B, given=judged(A, B).digest)
    assert isinstance(found, Open)
    assert not found.held


def test_an_approval_of_another_plan_opens_nothing() -> None:
    found = judged(A, B, given=judged(A).digest)
    assert isinstance(found, Stale)
    assert found.held == {A, B}


def test_an_approval_does_not_open_a_plan_of_another_target() -> None:
    elsewhere = Target(cluster_arn="arn:other", creation_time=HERE.creation_time)
    name = gate(policy=ChangePolicy.APPROVE_ALL, calls=(A,), target=elsewhere).digest
    assert isinstance(judged(A, given=name), Stale)


def test_a_plan_only_policy_takes_no_approval() -> None:
    name = judged(A, policy=ChangePolicy.PLAN_ONLY).digest
    assert isinstance(judged(A, policy=ChangePolicy.PLAN_ONLY, given=name), Waiting)


def test_what_needs_no_approval_is_no_part_of_the_digest_of_what_does() -> None:
    policy = ChangePolicy.APPROVE_DISRUPTIVE
    alone = judged(A, policy=policy).digest
    assert judged(A, step("more", Effect.ADDS), policy=policy).digest == alone


def test_the_rest_of_an_approved_plan_stays_approved() -> None:
    record = opened(A, B, sent=(A,))
    found = judged(B, given=record.digest, record=record)
    assert isinstance(found, Open)
    assert found.digest == record.digest


def test_a_call_whose_effect_is_not_shown_yet_stays_approved() -> None:
    record = opened(A, B, sent=(A,))
    assert isinstance(judged(A, B, given=record.digest, record=record), Open)


def test_an_edit_that_takes_a_part_of_the_plan_away_ends_the_approval() -> None:
    record = opened(A, B, C, sent=(A,))
    assert not isinstance(judged(B, given=record.digest, record=record), Open)


def test_an_edit_that_adds_to_the_rest_of_the_plan_ends_the_approval() -> None:
    record = opened(A, B, sent=(A,))
    assert not isinstance(judged(B, C, given=record.digest, record=record), Open)


def test_an_approval_is_used_once() -> None:
    record = opened(A, sent=(A,), done=True)
    assert not isinstance(judged(A, given=record.digest, record=record), Open)


def test_the_same_change_made_again_is_approved_by_another_digest() -> None:
    record = opened(A, sent=(A,), done=True)
    again = judged(A, record=record).digest
    assert again != record.digest
    assert isinstance(judged(A, given=again, record=record), Open)


def test_a_used_approval_that_is_left_on_the_object_is_not_stale() -> None:
    record = opened(A, sent=(A,), done=True)
    assert isinstance(judged(B, given=record.digest, record=record), Waiting)


def test_an_approval_that_was_not_used_counts_again_when_its_plan_comes_back() -> None:
    record = opened(A)
    assert isinstance(judged(B, given=record.digest, record=record), Stale)
    assert isinstance(judged(A, given=record.digest, record=record), Open)


def test_the_rest_of_a_plan_whose_approval_was_withdrawn_waits() -> None:
    record = opened(A, B, sent=(A,))
    assert isinstance(judged(B, record=record), Waiting)


def test_a_large_plan_is_approved_call_by_call() -> None:
    calls = tuple(step(f"group-{index}") for index in range(REMEMBERED_MOST + 1))
    record = opened(*calls)
    assert not record.changes
    assert not record.proves(items(calls=calls[1:], target=HERE))


steps = st.lists(st.sampled_from([A, B, C]), unique=True)


@given(approved=steps.filter(bool), due=steps, sent=steps)
def test_whatever_is_sent_was_approved(
    approved: list[PlannedCall], due: list[PlannedCall], sent: list[PlannedCall]
) -> None:
    record = opened(*approved, sent=tuple(one for one in sent if one in approved))
    found = judged(*due, given=record.digest, record=record)
    if due and isinstance(found, Open):
        assert set(due) <= set(approved)
        assert set(approved) - set(sent) <= set(due)


def scale_in(observed: int, wanted: int = 4, *, group: str = "gpu") -> PlannedCall:
    change = PlannedChange(
        path=f"instanceGroups[{group}].instanceCount", effect=Effect.DESTROYS, observed=observed, wanted=wanted
    )
    return PlannedCall(
        operation="UpdateCluster", effect=Effect.DESTROYS, fingerprint=group, changes=(change,), part=group
    )


def begun(*calls: PlannedCall, sent: tuple[PlannedCall, ...]) -> Approved:
    record = opened(*calls, sent=sent)
    return replace(record, counts=scale_ins(calls))


@pytest.mark.parametrize("left", [5, 6, 7])
def test_the_rest_of_a_scale_in_that_has_begun_stays_approved(left: int) -> None:
    record = begun(scale_in(8), A, sent=(scale_in(8),))
    found = judged(scale_in(left), A, given=record.digest, record=record)
    assert isinstance(found, Open)
    assert found.digest == record.digest


def test_a_scale_in_that_has_not_begun_is_another_plan_at_another_count() -> None:
    record = begun(scale_in(8), scale_in(8, group="cpu"), sent=(scale_in(8),))
    found = judged(scale_in(6), scale_in(6, group="cpu"), given=record.digest, record=record)
    assert not isinstance(found, Open)


@pytest.mark.parametrize("other", [scale_in(9), scale_in(6, 3), scale_in(6, 5)])
def test_more_nodes_or_another_count_than_approved_is_another_plan(other: PlannedCall) -> None:
    record = begun(scale_in(8), sent=(scale_in(8),))
    assert not isinstance(judged(other, given=record.digest, record=record), Open)


def test_an_approval_remembers_the_scale_ins_that_it_covers() -> None:
    found = judged(scale_in(8), A, given=judged(scale_in(8), A).digest)
    assert isinstance(found, Open)
    record = approve(calls=(scale_in(8), A), target=HERE, opened=found, record=None)
    assert record.counts == {"instanceGroups[gpu].instanceCount": (8, 4)}


@pytest.mark.parametrize("policy", ChangePolicy)
def test_a_call_that_needs_an_approval_waits_under_every_policy(policy: ChangePolicy) -> None:
    call = replace(step("a", Effect.ADDS), needs_approval=True)
    assert judged(call, policy=policy).held == {call}
