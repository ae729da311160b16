"""Who is refused in every pass keeps nobody else from being tried."""

from datetime import timedelta

import pytest
from tests.unit.core.drain.pods import START, pod

from hyperpod_operator.core.drain.turns import gangs_in_turn

GANGS = [(pod(f"p{index:02}"),) for index in range(26)]


def test_few_gangs_all_have_their_turn() -> None:
    assert gangs_in_turn(GANGS[:20], most=20, now=START) == tuple(GANGS[:20])


def test_no_more_than_there_is_room_for_have_it_and_their_order_stays() -> None:
    chosen = gangs_in_turn(GANGS, most=20, now=START)
    assert len(chosen) == 20
    assert list(chosen) == [gang for gang in GANGS if gang in chosen]


@pytest.mark.parametrize("interval", [1, 10, 20, 60, 600])
def test_whatever_the_interval_of_passes_everybody_has_a_turn_soon(interval: int) -> None:
    moments = [START + timedelta(seconds=interval * index) for index in range(20)]
    assert {gang for now in moments for gang in gangs_in_turn(GANGS, most=5, now=now)} == set(GANGS)


def test_the_choice_follows_from_the_time_alone() -> None:
    assert gangs_in_turn(GANGS, most=5, now=START) == gangs_in_turn(GANGS, most=5, now=START)
