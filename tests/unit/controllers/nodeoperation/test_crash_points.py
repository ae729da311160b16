"""Kill the operator before and after each of its writes, restart it, and look at what AWS was asked."""

import pytest
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import METHODS
from tests.unit.controllers.rig import RESTING, pause
from tests.unit.controllers.test_crash_points import KILLS, Killed, Reaper

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "operation",
    [
        one if one == "Reboot" else pytest.param(one, marks=[pytest.mark.long, pytest.mark.timeout(1800)])
        for one in METHODS
    ],
)
@pytest.mark.parametrize("after", KILLS)
async def test_a_kill_at_any_io_asks_aws_once_at_most_and_leaves_no_mark(
    make_rig: MakeRig, after: bool, operation: str
) -> None:
    """A move may be asked for again, under its token."""
    at = 0
    while True:
        rig = make_rig()
        reaper = Reaper(at=at, after=after)
        reaper.wrap(rig.operations, ("add_finalizer", "remove_finalizer", "write_status"))
        reaper.wrap(rig.cloud.clusters(region=""), (METHODS[operation],))
        reaper.wrap(rig.marks, ("mark", "unmark"))
        reaper.wrap(rig.pods, ("evict",))
        rig.restart()
        rig.pods.add("train", rig.name(rig.ids[0]))
        rig.apply(operation, rig.ids[:1])
        for _ in range(400):
            try:
                outcome = await rig.once()
            except Killed:
                rig.restart()
                rig.simulator.clock.advance(1.0)
                continue
            if isinstance(outcome, RESTING):
                break
            rig.simulator.clock.advance(pause(outcome))
        calls = {str(call.parameters.get("ClientToken", call.request_id)) for call in rig.calls()}
        assert len(calls) <= 1, f"killed at I/O {at}"
        assert not rig.marks.marked, f"killed at I/O {at}"
        assert rig.states() in (["Succeeded"], ["Failed"]), f"killed at I/O {at}"
        if reaper.count <= at:
            break  # the life has fewer I/Os: all of them were tried
        at += 1
        rig.simulator.stop()
    assert at > 8
