"""How the findings of a pass become one decision: tables for each kind of block, and properties over drawn lists."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.engine.conditions import Draft
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.finding import Blocks, Chain, Concern, Decision, Finding, judge, merge

TYPES = list(ConditionType)
Found = list[tuple[Concern[None, str], Finding[str] | None]]


def draft(kind: ConditionType) -> Draft:
    return (kind, "True", Reason.IN_SYNC, "m")


def concern(name: str, *owns: ConditionType, finding: Finding[str] | None = None) -> Concern[None, str]:
    return Concern(name=name, owns=frozenset(owns), judge=lambda _: finding)


def decision(*findings: Finding[str] | None) -> Decision[str]:
    """What a list of concerns with these findings decides; the nth owns the nth type of condition."""
    return judge([concern(str(at), TYPES[at], finding=one) for at, one in enumerate(findings)], None)


def test_concerns_that_find_nothing_decide_nothing() -> None:
    found = decision(None, None)
    assert (found.action, found.acting, found.conditions, found.wake_after) == (None, "", (), None)


def test_the_first_action_is_taken_and_named() -> None:
    found = decision(None, Finding(action="tag"), Finding(action="update"))
    assert (found.action, found.acting) == ("tag", "1")


@pytest.mark.parametrize("blocks", list(Blocks))
def test_a_finding_never_blocks_its_own_action(blocks: Blocks) -> None:
    assert decision(Finding(action="delete", blocks=blocks)).action == "delete"


@pytest.mark.parametrize("blocks", list(Blocks))
def test_what_a_finding_blocks_of_those_after_it(blocks: Blocks) -> None:
    later = Finding[str](action="update", conditions=(draft(TYPES[1]),), wake_after=5.0)
    found = decision(Finding(wake_after=60.0, blocks=blocks), later)
    assert (found.action is None) is (blocks is not Blocks.NOTHING)
    assert (found.conditions == ()) is (blocks is Blocks.EVERYTHING)
    assert found.wake_after == (60.0 if blocks is Blocks.EVERYTHING else 5.0)
    assert found.judged == (("0",) if blocks is Blocks.EVERYTHING else ("0", "1"))


def test_a_concern_after_one_that_blocks_everything_is_not_asked() -> None:
    def asked(_: None) -> Finding[str]:
        raise AssertionError("asked without an answer to what comes before")

    first = concern("owner", finding=Finding(blocks=Blocks.EVERYTHING))
    assert judge([first, Concern(name="tags", owns=frozenset(), judge=asked)], None).judged == ("owner",)


def test_a_condition_of_another_concern_is_refused() -> None:
    wrong = Finding[str](conditions=(draft(ConditionType.READY),))
    with pytest.raises(ValueError, match="tags sets conditions that it does not own"):
        merge([(concern("tags", ConditionType.PAUSED), wrong)])


findings = st.lists(
    st.none()
    | st.builds(
        Finding[str],
        action=st.none() | st.sampled_from(["create", "update", "tag"]),
        wake_after=st.none() | st.floats(min_value=0.0, max_value=3600.0),
        blocks=st.sampled_from(Blocks),
    ),
    max_size=6,
)


def found_by(drawn: list[Finding[str] | None]) -> Found:
    made: Found = []
    for at, one in enumerate(drawn):
        said = (
            None
            if one is None
            else Finding(
                action=one.action, conditions=(draft(TYPES[at]),), wake_after=one.wake_after, blocks=one.blocks
            )
        )
        made.append((concern(str(at), TYPES[at]), said))
    return made


@given(findings)
def test_merging_loses_no_condition_and_no_wake_up(drawn: list[Finding[str] | None]) -> None:
    found = found_by(drawn)
    merged = merge(found)
    said = [one for _, one in found if one is not None]
    assert list(merged.conditions) == [item for one in said for item in one.conditions]
    assert all(merged.wake_after is not None for one in said if one.wake_after is not None)
    assert all(merged.wake_after <= one.wake_after for one in said if merged.wake_after and one.wake_after is not None)


@given(findings)
def test_an_action_is_taken_exactly_when_nothing_before_it_blocks_it(drawn: list[Finding[str] | None]) -> None:
    free = None
    for one in drawn:
        if one is not None and one.action is not None:
            free = one.action
            break
        if one is not None and one.blocks is not Blocks.NOTHING:
            break
    assert merge(found_by(drawn)).action == free


@given(st.lists(st.none() | st.floats(min_value=0.0, max_value=3600.0), max_size=4))
def test_conditions_and_wake_up_do_not_depend_on_the_order(wakes: list[float | None]) -> None:
    found = found_by([Finding(wake_after=wake) for wake in wakes])
    merged = [merge(list(order)) for order in permutations(found)]
    assert len({(frozenset(one.conditions), one.wake_after) for one in merged}) == 1


def wait(message: str = "w", *, after: float = 60.0, stalled: bool = False, settling: bool = False) -> Wait:
    return Wait(reason=Reason.SETTLING, message=message, after=after, stalled=stalled, settling=settling)


def test_a_wait_hides_neither_a_later_action_nor_a_later_wait() -> None:
    found = decision(Finding(wait=wait("first")), Finding(action="tag"), Finding(wait=wait("second")))
    assert found.action == "tag"
    assert [one.message for _, one in found.waits] == ["first", "second"]


LISTED = (("a", False), ("b", True), ("c", False), ("d", True))


def test_the_first_wait_says_what_else_needs_a_user() -> None:
    found = decision(*(Finding(wait=wait(text, stalled=bad)) for text, bad in LISTED))
    assert found.wait is not None
    assert (found.wait.message, found.wait.stalled) == ("a Also (Settling): b Also (Settling): d", False)


def test_what_needs_a_user_may_come_before_what_passes_by_itself() -> None:
    """Else a row of kubectl get says that AWS has to act, where nothing goes on until you do."""
    found = replace(decision(*(Finding(wait=wait(text, stalled=bad)) for text, bad in LISTED)), user_first=True)
    assert found.wait is not None
    assert (found.wait.message, found.wait.stalled) == ("b Also (Settling): d", True)


def test_a_wait_for_a_user_looks_again_as_soon_as_one_for_aws() -> None:
    waits = (wait("a", after=1.0), wait("b", after=60.0, stalled=True))
    found = replace(decision(*(Finding(wait=one, wake_after=one.after) for one in waits)), user_first=True)
    assert found.wait is not None
    assert found.wait.after == 1.0


def test_the_same_words_are_said_once() -> None:
    found = decision(*(Finding(wait=wait("a", stalled=True)) for _ in range(3)))
    assert found.wait is not None
    assert found.wait.message == "a"


def test_a_wait_ends_with_the_earliest_of_all_wake_ups() -> None:
    found = decision(Finding(wait=wait(after=300), wake_after=300), Finding(wait=wait("b", after=20), wake_after=20))
    assert found.wait is not None
    assert found.wait.after == 20


def test_nothing_is_waited_for_without_a_wait() -> None:
    assert decision(Finding(action="tag"), None).wait is None


@pytest.mark.parametrize(
    ("yielding", "acting", "follows"), [("", "0", True), ("update", "1", False), ("both", "0", False)]
)
def test_an_action_that_yields_is_taken_where_no_other_is_due(yielding: str, acting: str, follows: bool) -> None:
    concerns = [concern("0", finding=Finding(action="update")), concern("1", finding=Finding(action="tag"))]
    found = judge(concerns, None, yields=lambda action: yielding in {action, "both"})
    assert (found.acting, found.follows) == (acting, follows)


class TestChain:
    def chain(self, *answers: str | Wait | None, blocks: Blocks = Blocks.NOTHING) -> Finding[str] | None:
        def policy(answer: str | Wait | None) -> Callable[[None], str | Wait | None]:
            return lambda _: answer

        return Chain[None, str](policies=tuple(map(policy, answers)), blocks=blocks)(None)

    def test_the_first_policy_that_answers_is_the_finding(self) -> None:
        assert self.chain(None, "tag", wait()) == Finding(action="tag")

    def test_a_chain_without_an_answer_finds_nothing(self) -> None:
        assert self.chain(None, None) is None

    @pytest.mark.parametrize("blocks", list(Blocks))
    def test_an_answer_blocks_what_its_chain_blocks(self, blocks: Blocks) -> None:
        assert self.chain("tag", blocks=blocks) == Finding(action="tag", blocks=blocks)
        assert self.chain(wait(), blocks=blocks) == Finding(wait=wait(), wake_after=60.0, blocks=blocks)

    def test_a_wait_for_a_call_to_settle_blocks_actions(self) -> None:
        found = self.chain(wait(settling=True))
        assert found is not None
        assert found.blocks is Blocks.ACTIONS
