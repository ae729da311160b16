"""A call about nodes may wait for its turn; what a person asks for by then counts."""

from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import METHODS, OperationRig


@pytest.mark.parametrize("operation", METHODS)
async def test_a_suspension_that_comes_before_the_turn_of_the_call_holds_it(rig: OperationRig, operation: str) -> None:
    clusters, name = rig.cloud.clusters(region=""), METHODS[operation]
    call = getattr(clusters, name)

    async def later(**fields: Any) -> Any:
        rig.edit(suspend=True)
        return await call(**fields)

    setattr(clusters, name, later)
    rig.apply(operation, rig.ids[:1])
    await rig.until(
        lambda: bool(rig.operations._bodies) and rig.condition("Ready").get("reason") == "OperationSuspended"
    )
    assert (rig.calls(), rig.states(), rig.marks.marked) == ([], ["Pending"], set())
    setattr(clusters, name, call)
    rig.edit(suspend=False)
    await rig.rest()
    assert (len(rig.calls()), rig.states()) == (1, ["Succeeded"])
