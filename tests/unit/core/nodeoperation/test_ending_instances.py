"""Nothing is asked of an instance that AWS is ending anyway: the call could only fail, or count twice."""

import pytest
from tests.unit.core.nodeoperation.builders import entry, instance, judged, marked, node, operation, snapshot, spec

from hyperpod_operator.core.nodeoperation.machine import ENDS, advance
from hyperpod_operator.core.nodeoperation.plan import Call
from hyperpod_operator.core.nodeoperation.snapshot import Snapshot
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.observed import GONE

each_operation = pytest.mark.parametrize("kind", ["Reboot", "Replace", "Delete"])
each_ending = pytest.mark.parametrize("status", sorted(GONE))


def drained(kind: str, status: str) -> Snapshot:
    """A node that is empty, and has been tainted for the operation for an hour."""
    owner = operation(spec(kind))
    entries = [entry(state=State.DRAINING, marked="Drain")]
    found = [instance(status=status)]
    return snapshot(owner, entries=entries, instances=found, nodes=[marked(node(), owner.owner)])


def asked(given: Snapshot) -> bool:
    return isinstance(judged(given).action, Call)


@each_ending
@each_operation
def test_a_node_that_is_drained_is_not_asked_about(kind: str, status: str) -> None:
    assert asked(drained(kind, "Running"))
    assert not asked(drained(kind, status))


@each_ending
@each_operation
def test_it_says_what_it_waits_for(kind: str, status: str) -> None:
    (made,) = advance(drained(kind, status)).entries
    assert (made.state, made.message) == (State.DRAINING, ENDS)


@each_ending
@each_operation
def test_a_node_that_waits_is_not_drained(kind: str, status: str) -> None:
    given = snapshot(operation(spec(kind)), entries=[entry()], instances=[instance(status=status)])
    (made,) = advance(given).entries
    assert (made.state, made.message) == (State.PENDING, ENDS)
