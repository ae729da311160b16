"""A call that takes longer than the client waits: it has no answer, and AWS carries it out minutes later, or never."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_long_lag import MODES, A, B, gone

from hyperpod_operator.core.outcome import Done
from hyperpod_testbed.simulator import Fault

LATE = [20.0, 45.0, 90.0, 150.0, 400.0]
WRITES = ["CreateCluster", "UpdateCluster", "AddTags", "DeleteTags", "DeleteCluster"]
OFTEN = {("CreateCluster", 400.0), ("UpdateCluster", 150.0), ("AddTags", 90.0), ("DeleteCluster", 400.0)}
"""What `make test` has of the sweep, with continuous provisioning; `make test-matrix-aws` has the whole."""


def case(mode: str, write: str, late: float) -> Any:
    often = mode == "continuous" and (write, late) in OFTEN
    return pytest.param(
        MODES[mode], write, late, marks=pytest.mark.slow if often else pytest.mark.long, id=f"{mode}-{write}-{late:.0f}"
    )


@pytest.mark.parametrize(
    ("wanted", "write", "late"), [case(mode, write, late) for mode in MODES for write in WRITES for late in LATE]
)
async def test_a_life_ends_the_same_however_late_a_write_is_carried_out(
    make_rig: Callable[..., Rig], wanted: Callable[..., dict[str, object]], write: str, late: float
) -> None:
    """Create, scale out, another tag, no tag, scale in, delete."""
    rig = make_rig()
    rig.simulator.faults.add(Fault(write, "commit_late", seconds=late, times=1))
    for gpu, tags in ((2, A), (3, A), (3, B), (3, None), (1, None)):
        rig.apply(wanted(gpu, 1, **({"tags": tags} if tags else {})))
        assert isinstance(await rig.rest(passes=1000), Done)
        await rig.idle(1800)
        assert rig.status["nodes"]["summary"] == f"{gpu + 1}/{gpu + 1}"
    assert rig.condition("Ready")["status"] == "True"
    await gone(rig)
    assert rig.calls(write)
    created = [call for call in rig.calls("CreateCluster") if call.committed]
    assert len(created) == 1
    assert not rig.objects.exists(KEY)
