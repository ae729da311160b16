"""How the findings of a pass become one decision: tables for each kind of block, and properties over drawn lists."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.engine.conditions import Draft
from hyperpod_operator.core.engine.finding import Blocks, Concern, Decision, Finding, judge, merge

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
