"""SageMaker shows what was done late, in any read, and nobody promises how late: the end of each life is the same."""

from collections.abc import Callable

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import plain, two
from tests.unit.core.builders import group_spec

from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_operator.core.timings import Timings

LAGS = [0.0, 20.0, 45.0, 90.0, 150.0, 400.0]
READS = ["DescribeCluster", "ListClusterNodes", "ListClusterEvents", "DescribeClusterEvent", "ListTags"]
EVERY = "every read"

A, B = [{"key": "team", "value": "a"}], [{"key": "team", "value": "b"}]
MODES = {"continuous": two, "all-or-nothing": plain}


def sweep(*often: tuple[str, str, float]) -> pytest.MarkDecorator:
    """Each mode, each read and each lag, in `make test-matrix-aws`.

    `often` is what `make test` has of it: over the lives of this file each mode, each read and each lag, and each life
    with all reads late.
    """
    cases = [
        pytest.param(
            MODES[mode],
            read,
            lag,
            marks=pytest.mark.slow if (mode, read, lag) in often else pytest.mark.long,
            id=f"{mode}-{read}-{lag:.0f}",
        )
        for mode in MODES
        for read in [*READS, EVERY]
        for lag in LAGS
    ]
    return pytest.mark.parametrize(("wanted", "read", "lag"), cases)


@pytest.fixture
def late(make_rig: Callable[..., Rig], read: str, lag: float) -> Rig:
    """A rig whose reads come late; the account was there before."""
    rig = make_rig(read_lag=dict.fromkeys(READS if read == EVERY else [read], lag))
    rig.timings = Timings(full_sync=0.0)
    rig.restart()
    rig.simulator.clock.advance(lag)
    return rig


def accepted(rig: Rig) -> list[str]:
    return [call.operation for call in rig.calls() if call.code == "OK"]


async def gone(rig: Rig) -> None:
    """The object goes, and nothing is left in AWS when all lags are over."""
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(passes=1000), Gone)
    rig.simulator.clock.advance(3600)
    assert await rig.cloud.clusters(region="").describe(name="research") is None


@sweep(("continuous", EVERY, 400.0), ("all-or-nothing", "DescribeCluster", 20.0))
async def test_a_deletion_soon_after_a_creation_is_sent_once(
    late: Rig, wanted: Callable[..., dict[str, object]]
) -> None:
    late.apply(wanted(2, 1))
    await late.step()
    await late.step()
    await gone(late)
    assert accepted(late) == ["CreateCluster", "DeleteCluster"]


@sweep(("continuous", "DescribeCluster", 90.0), ("all-or-nothing", EVERY, 45.0))
async def test_each_scaling_is_sent_once(late: Rig, wanted: Callable[..., dict[str, object]]) -> None:
    late.apply(wanted(2, 1))
    assert isinstance(await late.rest(passes=1000), Done)
    for gpu in (4, 1):
        late.apply(wanted(gpu, 1))
        assert isinstance(await late.rest(passes=1000), Done)
        await late.idle(1800)
        assert late.status["nodes"]["summary"] == f"{gpu + 1}/{gpu + 1}"
    assert "UpdateRolledBack" not in late.reasons()
    await gone(late)
    assert accepted(late) == ["CreateCluster", "UpdateCluster", "UpdateCluster", "DeleteCluster"]


@sweep(("continuous", EVERY, 150.0), ("continuous", "ListClusterEvents", 45.0))
async def test_a_scale_in_right_after_a_scale_out_ends_at_the_last_count(
    late: Rig, wanted: Callable[..., dict[str, object]]
) -> None:
    late.apply(wanted(2, 1))
    assert isinstance(await late.rest(passes=1000), Done)
    late.apply(wanted(4, 1))
    await late.step()
    late.apply(wanted(1, 1))
    await late.step()
    assert isinstance(await late.rest(passes=1000), Done)
    await late.idle(1800)
    assert late.status["nodes"]["summary"] == "2/2"
    await gone(late)
    assert accepted(late) == ["CreateCluster", "UpdateCluster", "UpdateCluster", "DeleteCluster"]


@sweep(("continuous", "ListTags", 150.0), ("continuous", EVERY, 400.0), ("continuous", "DescribeClusterEvent", 0.0))
async def test_a_group_and_a_tag_that_come_and_go_are_sent_once(
    late: Rig, wanted: Callable[..., dict[str, object]]
) -> None:
    more = wanted(2, 1, tags=B)
    more["instanceGroups"].append(group_spec("extra", 1))  # type: ignore[attr-defined]
    for spec in (wanted(2, 1, tags=A), more, wanted(2, 1)):
        late.apply(spec)
        assert isinstance(await late.rest(passes=1000), Done)
        await late.idle(1800)
    assert late.status["nodes"]["summary"] == "3/3"
    await gone(late)
    assert accepted(late).count("UpdateCluster") == 2
    assert accepted(late).count("AddTags") == accepted(late).count("DeleteTags") == 1
    assert accepted(late).count("CreateCluster") == accepted(late).count("DeleteCluster") == 1


@sweep(("continuous", EVERY, 90.0), ("continuous", "ListClusterNodes", 400.0))
async def test_a_deletion_during_a_scale_in_is_sent_once(late: Rig, wanted: Callable[..., dict[str, object]]) -> None:
    late.apply(wanted(4, 1))
    assert isinstance(await late.rest(passes=1000), Done)
    late.apply(wanted(1, 1))
    await late.step()
    await gone(late)
    assert accepted(late) == ["CreateCluster", "UpdateCluster", "DeleteCluster"]
