"""AWS calls a cluster busy by either code; the operator waits, and never says that the spec was rejected.

DescribeCluster lags here, so that the operator sends a call to a cluster that is busy already.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import THEIRS, plain
from tests.unit.core.builders import group_spec

from hyperpod_operator.core.outcome import Done, Gone

pytestmark = pytest.mark.slow


def patched() -> Mapping[str, Any]:
    wanted = plain(2, 1)
    wanted["instanceGroups"] = [
        group_spec(count=2, imageReleaseVersion="1.1.0"),
        group_spec("cpu", 1, instanceType="ml.m5.4xlarge"),
    ]
    return wanted


EDITS: Mapping[str, Callable[[Rig], None]] = {
    "UpdateCluster": lambda rig: rig.apply(plain(3, 1)),
    "UpdateClusterSoftware": lambda rig: rig.apply(patched()),
    "DeleteCluster": lambda rig: rig.objects.delete(KEY),
}


@pytest.fixture(params=["ConflictException", "ValidationException"])
async def busy(make_rig: Callable[..., Rig], request: pytest.FixtureRequest) -> Rig:
    """A cluster that another user is updating, and that DescribeCluster shows at rest."""
    rig = make_rig(busy_code=request.param, describe_lag=30.0)
    rig.simulator.world.release_image("1.1.0")
    first = plain(2, 1)
    first["instanceGroups"][0]["imageReleaseVersion"] = "1.0.0"  # type: ignore[index]
    rig.apply(first)
    await rig.rest()
    rig.simulator.clock.advance(60)
    rig.simulator.world.add_group_out_of_band("research", THEIRS)
    rig.recorder.events.clear()
    return rig


@pytest.mark.parametrize("operation", EDITS)
async def test_a_busy_cluster_is_waited_for(busy: Rig, operation: str) -> None:
    EDITS[operation](busy)
    await busy.once()
    assert busy.calls(operation)[-1].code == busy.simulator.settings.options()["busy_code"]
    assert busy.condition("Ready")["reason"] == "ClusterBusy"
    assert busy.condition("Stalled").get("status") != "True"
    assert not {"rejected", "rejectedGroups"} & set(busy.status)
    end = await busy.rest()
    assert isinstance(end, Gone if operation == "DeleteCluster" else Done)
    assert [call.code for call in busy.calls(operation)].count("OK") == 1
    assert "SpecRejected" not in busy.reasons()
