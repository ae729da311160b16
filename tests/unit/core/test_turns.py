"""Groups in turn, first come first served within one."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.turns import Turns


def filled(*items: tuple[str, str]) -> Turns[str]:
    turns = Turns[str]()
    for group, item in items:
        turns.add(group, item)
    return turns


def drained(turns: Turns[str]) -> list[str]:
    found = []
    while (item := turns.pop()) is not None:
        found.append(item)
    return found


def test_a_group_of_many_delays_another_by_one_item() -> None:
    turns = filled(*(("noisy", f"n{number}") for number in range(400)), ("quiet", "q"))
    assert drained(turns)[:3] == ["n0", "q", "n1"]


def test_within_a_group_who_came_first_is_served_first() -> None:
    assert drained(filled(("a", "1"), ("a", "2"), ("a", "3"))) == ["1", "2", "3"]


def test_groups_that_go_on_bringing_items_alternate() -> None:
    turns, served = filled(("a", "a0"), ("b", "b0")), list[str]()
    for number in range(1, 4):
        for _ in range(2):
            item = turns.pop()
            assert item is not None
            served.append(item[0])
            turns.add(item[0], f"{item[0]}{number}")
    assert served == ["a", "b"] * 3


def test_an_item_is_there_once() -> None:
    turns = filled(("a", "1"), ("a", "1"))
    assert (len(turns), drained(turns)) == (1, ["1"])


def test_an_item_that_was_removed_is_not_served() -> None:
    turns = filled(("a", "1"), ("b", "2"))
    turns.remove("a", "1")
    turns.remove("a", "1")
    assert (len(turns), list(turns), drained(turns)) == (1, ["2"], ["2"])


def test_a_group_that_is_skipped_keeps_its_turn() -> None:
    turns = filled(("a", "1"), ("b", "2"), ("b", "3"))
    assert turns.pop(allowed=lambda group: group != "a") == "2"
    assert turns.pop() == "1"


def test_without_an_allowed_group_nothing_is_served() -> None:
    assert filled(("a", "1")).pop(allowed=lambda _: False) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=60))
def test_nobody_waits_longer_than_one_item_of_each_other_group(added: list[tuple[str, int]]) -> None:
    turns, lines = Turns[tuple[str, int]](), dict[str, deque[int]]()
    for group, item in added:
        turns.add(group, (group, item))
        line = lines.setdefault(group, deque())
        if item not in line:
            line.append(item)
    since = dict.fromkeys(lines, 0)
    while (found := turns.pop()) is not None:
        group, item = found
        assert lines[group].popleft() == item
        since[group] = 0
        for other, line in lines.items():
            if other != group and line:
                since[other] += 1
                assert since[other] < len(lines)
    assert not any(lines.values())
