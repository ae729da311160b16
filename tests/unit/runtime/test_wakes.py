"""Passes because of what is not the object: at once for the first few, and further and further apart after that."""

from itertools import pairwise

from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.wakes import AT_ONCE, MOST, Wakes

A, B = Key("team", "a"), Key("team", "b")


def passes(wakes: Wakes, moments: list[float], *, key: Key = A) -> list[float]:
    """When passes begin, for wakes at these moments; several that begin together are one."""
    return sorted({round(now + wakes.after(key, now=now), 3) for now in moments})


def test_the_first_few_wakes_are_served_at_once() -> None:
    moments = [0.0, 0.1, 0.2, 0.3]
    assert passes(Wakes(), moments) == moments
    assert len(moments) == AT_ONCE


def test_a_wake_after_a_while_of_rest_is_served_at_once_whatever_came_before() -> None:
    wakes = Wakes()
    last = passes(wakes, [number / 10 for number in range(600)])[-1]
    assert wakes.after(A, now=last + MOST) == 0.0


def test_changes_that_go_on_get_passes_further_and_further_apart() -> None:
    found = passes(Wakes(), [number / 10 for number in range(6000)])
    assert len(found) <= AT_ONCE + 4 + 600 / MOST
    gaps = [later - before for before, later in pairwise(found)]
    assert max(gaps) <= MOST + 0.1


def test_no_wake_waits_longer_than_the_longest_pause() -> None:
    wakes = Wakes()
    assert max(wakes.after(A, now=number / 7) for number in range(5000)) <= MOST


def test_each_wake_is_served_by_a_pass_that_begins_after_it() -> None:
    wakes = Wakes()
    assert all(wakes.after(A, now=number / 7) >= 0.0 for number in range(5000))


def test_one_object_uses_up_nothing_of_another() -> None:
    wakes = Wakes()
    passes(wakes, [0.0] * 100)
    passes(wakes, [number / 10 for number in range(100)])
    assert wakes.after(B, now=10.0) == 0.0


def test_wakes_at_the_same_moment_after_those_served_at_once_are_one_pass() -> None:
    wakes = Wakes()
    passes(wakes, [0.0, 0.1, 0.2, 0.3])
    assert len(passes(wakes, [0.4] * 50)) == 1


def test_objects_that_are_woken_no_more_leave_nothing_behind() -> None:
    wakes = Wakes()
    for number in range(10_000):
        wakes.after(Key("team", f"{number}"), now=float(number))
    assert len(wakes) < 200
