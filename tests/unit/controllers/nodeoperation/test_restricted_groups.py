"""Operations on nodes of restricted instance groups: AWS takes every one of them but a move, which is never sent."""

import pytest
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import KEY
from tests.unit.controllers.nodeoperation.test_life import CALLED, OPERATIONS

from hyperpod_operator.core.outcome import Done


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one != "Move"])
async def test_an_operation_on_a_restricted_group_ends_like_any_other(make_rig: MakeRig, operation: str) -> None:
    rig = make_rig(restricted=True)
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.apply(operation, rig.ids[:1])
    assert await rig.rest() == Done()
    assert (rig.states(), rig.pods.evicted) == (["Succeeded"], ["train"])
    assert [call.operation for call in rig.calls()] == [CALLED[operation]]
    assert not rig.marks.marked


async def test_a_move_is_skipped_before_a_pod_leaves_and_says_why(make_rig: MakeRig) -> None:
    rig = make_rig(restricted=True)
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.apply("Move", rig.ids[:1])
    assert await rig.rest() == Done()
    assert (rig.states(), rig.calls(), rig.pods.evicted) == (["Skipped"], [], [])
    assert "Group gpu is restricted" in rig.entries()[0]["message"]
    assert rig.condition("Failed")["status"] == "True"
    assert not rig.marks.marked


async def test_a_node_of_a_restricted_group_that_is_gone_is_not_called_restricted(make_rig: MakeRig) -> None:
    rig = make_rig(restricted=True)
    rig.apply("Delete", ["i-0123456789abcdef0"], key=KEY)
    assert await rig.rest() == Done()
    assert rig.states() == ["Skipped"]
    assert "nothing to delete" in rig.entries()[0]["message"]
