"""Operations under each answer that AWS may give; all of them in the nightly matrix (`make test-matrix-aws`)."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.controllers.answers import NO_NODES, named, other_answers
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import OperationRig
from tests.unit.controllers.nodeoperation.test_life import CALLED, OPERATIONS

from hyperpod_operator.core.outcome import Done

OF_NODES: list[tuple[dict[str, Any], str]] = [
    ({"batch_delete_lowers_target": False}, "Delete"),
    ({"demanded_check_repairs": True}, "HealthCheck"),
    ({"failed_nodes": "listed"}, "Reboot"),
    ({"move_changes_targets": False}, "Move"),
    ({"move_compatible": "clusters"}, "Move"),
    ({"pending_instance_id": "omit"}, "Replace"),
    ({"replace_keeps_logical_id": False}, "Replace"),
    ({"scale_in": "count_first"}, "Delete"),
]
"""The answers that are about single nodes, each with the operation that meets it. `make test-long` has all of both."""


async def life(rig: OperationRig, operation: str) -> None:
    """One operation on one node."""
    rig.apply(operation, rig.ids[:1])
    assert await rig.rest() == Done()
    assert rig.states() == ["Succeeded"]
    assert [call.operation for call in rig.calls()] == [CALLED[operation]]
    assert not rig.marks.marked


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "operation"), OF_NODES, ids=lambda one: one if isinstance(one, str) else named(one))
async def test_an_operation_ends_the_same(make_rig: MakeRig, answer: dict[str, Any], operation: str) -> None:
    await life(make_rig(**answer), operation)


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("answer", [one for one in other_answers() if one != NO_NODES], ids=named)
async def test_an_operation_ends_the_same_under_every_answer(
    make_rig: MakeRig, answer: dict[str, Any], operation: str
) -> None:
    await life(make_rig(**answer), operation)


def test_each_operation_meets_an_answer_about_nodes() -> None:
    assert {operation for _, operation in OF_NODES} == set(OPERATIONS)


ENDING = ("Reboot", "Replace", "Delete")
"""Operations whose calls AWS refuses while the cluster blocks them."""


def paired(answers: Sequence[str]) -> list[Any]:
    """Each answer with each operation, of which `make test` has every answer and every operation once."""
    return [
        pytest.param(answer, operation, marks=() if number % len(answers) == place else (pytest.mark.long,))
        for number, operation in enumerate(ENDING)
        for place, answer in enumerate(answers)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "operation"), paired(["ConflictException", "ValidationException", "items"]))
async def test_a_call_that_the_cluster_blocks_is_repeated_until_it_passes(
    make_rig: MakeRig, answer: str, operation: str
) -> None:
    rig = make_rig(blocked_batch_error=answer)
    await blocked_life(rig, operation)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "operation"), paired(["items", "error"]))
async def test_a_call_of_which_every_node_fails_is_repeated_until_it_passes(
    make_rig: MakeRig, answer: str, operation: str
) -> None:
    rig = make_rig(batch_all_failed=answer, blocked_batch_error="items")
    await blocked_life(rig, operation)


async def blocked_life(rig: OperationRig, operation: str) -> None:
    """An operation on a node of a cluster on which AWS allows none for five minutes."""
    rig.block(seconds=300.0)
    rig.apply(operation, rig.ids[:1])
    assert await rig.rest() == Done()
    assert rig.states() == ["Succeeded"]
    assert {call.operation for call in rig.calls()} == {CALLED[operation]}
    assert 2 < len(rig.calls()) < 10
    assert not rig.marks.marked
