"""Operations under each answer that AWS may give; all of them in the nightly matrix (`make test-matrix-aws`)."""

from typing import Any

import pytest
from tests.unit.controllers.answers import NO_NODES, named, other_answers
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import OperationRig
from tests.unit.controllers.nodeoperation.test_life import CALLED, OPERATIONS

from hyperpod_operator.core.outcome import Done

OF_NODES: list[dict[str, Any]] = [
    {"batch_delete_lowers_target": False},
    {"demanded_check_repairs": True},
    {"failed_nodes": "listed"},
    {"move_changes_targets": False},
    {"move_compatible": "clusters"},
    {"pending_instance_id": "omit"},
    {"replace_keeps_logical_id": False},
    {"scale_in": "count_first"},
]
"""The answers that are about single nodes."""


async def life(rig: OperationRig, operation: str) -> None:
    """One operation on one node."""
    rig.apply(operation, rig.ids[:1])
    assert await rig.rest() == Done()
    assert rig.states() == ["Succeeded"]
    assert [call.operation for call in rig.calls()] == [CALLED[operation]]
    assert not rig.marks.marked


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("answer", OF_NODES, ids=named)
async def test_an_operation_ends_the_same(make_rig: MakeRig, answer: dict[str, Any], operation: str) -> None:
    await life(make_rig(**answer), operation)


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("answer", [one for one in other_answers() if one not in [*OF_NODES, NO_NODES]], ids=named)
async def test_an_operation_ends_the_same_under_every_answer(
    make_rig: MakeRig, answer: dict[str, Any], operation: str
) -> None:
    await life(make_rig(**answer), operation)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["ConflictException", "ValidationException", "items"])
@pytest.mark.parametrize("operation", ["Reboot", "Replace", "Delete"])
async def test_a_call_that_the_cluster_blocks_is_repeated_until_it_passes(
    make_rig: MakeRig, answer: str, operation: str
) -> None:
    rig = make_rig(blocked_batch_error=answer)
    await blocked_life(rig, operation)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["items", "error"])
@pytest.mark.parametrize("operation", ["Reboot", "Replace", "Delete"])
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
