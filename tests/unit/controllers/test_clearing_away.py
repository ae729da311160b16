"""A failed creation is cleared away and made again, whatever comes in between."""

from typing import Any

import pytest
from tests.unit.controllers.rig import Rig
from tests.unit.controllers.test_life import plain

from hyperpod_testbed.simulator import Fault

RECREATE = plain(management={"onCreateFailure": "Recreate"})


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "throttle"},
        {"kind": "drop"},
        {"kind": "error", "status": 500},
        {"kind": "error", "status": 400, "code": "ConflictException"},
        {"kind": "error", "status": 400, "code": "AccessDeniedException"},
        {"kind": "commit_then_drop"},
    ],
    ids=["throttled", "dropped", "server-error", "conflict", "denied", "answer-lost"],
)
async def test_a_deletion_that_failed_once_is_sent_again(rig: Rig, fault: dict[str, Any]) -> None:
    rig.simulator.world.fail_creation("research", "No addresses left in subnet-1.")
    rig.simulator.faults.add(Fault(operation="DeleteCluster", times=1, **fault))
    rig.apply(RECREATE)
    while "DeleteCluster" not in rig.operations():
        await rig.step()
    rig.simulator.world.allow_creation("research")
    await rig.idle(4 * 3600)
    assert rig.condition("Ready")["status"] == "True"
    assert rig.operations().count("CreateCluster") == 2
