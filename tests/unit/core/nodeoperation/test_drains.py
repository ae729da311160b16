"""The drains of one operation, of nodes that began at different times."""

from datetime import timedelta

import pytest
from tests.unit.core.drain.pods import budget, pod, rules
from tests.unit.core.nodeoperation.builders import FIRST, NOW, SECOND, entry, node

from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.drains import Drains, drains
from hyperpod_operator.core.nodeoperation.states import State


def drained(*, allowed: int, seconds: int = 0) -> Drains:
    """Two nodes, the second tainted a minute after the first; on each a gang of two pods, under one budget."""
    now = NOW + timedelta(seconds=seconds)
    begun = {FIRST: NOW - timedelta(seconds=90), SECOND: NOW - timedelta(seconds=30)}
    pods = [
        pod(f"{name}-{number}", node=f"hyperpod-{name}", gang=f"job of {name}", labels={"app": "train"})
        for name in begun
        for number in range(2)
    ]
    return drains(
        entries=[entry(name, state=State.DRAINING, startTime=stamp(since)) for name, since in begun.items()],
        nodes={name: node(name) for name in begun},
        nodes_known=True,
        read=PodsRead(pods=tuple(pods), budgets=(budget(allowed, matchLabels={"app": "train"}),)),
        read_of=frozenset(f"hyperpod-{name}" for name in begun),
        rules=rules(),
        now=now,
    )


@pytest.mark.parametrize(("allowed", "gangs"), [(1, 0), (2, 1), (3, 1), (4, 2)])
def test_nodes_that_began_apart_share_a_budget(allowed: int, gangs: int) -> None:
    found = drained(allowed=allowed)
    assert len(found.gangs) == gangs
    assert sum(one.blocked for one in found.nodes.values()) == 2 - gangs


def test_what_is_left_of_a_budget_goes_to_either_of_them_in_turn() -> None:
    first = {drained(allowed=2, seconds=second).gangs[0][0].node for second in range(20)}
    assert len(first) == 2
