"""A cluster that others delete while the operator cannot tell where it looks is not created again by itself."""

import pytest
from tests.unit.controllers.rig import KEY, UNLIMITED, Rig
from tests.unit.controllers.test_life import two

from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_testbed.simulator import Fault


def restarted(rig: Rig) -> None:
    """The process starts again and has to ask who it is."""
    rig.cloud.close()
    settings = CloudSettings(region="us-west-2", reads=UNLIMITED, writes=UNLIMITED, threads=4, read_timeout=5)
    rig.cloud = AwsCloud(settings=settings, on_call=lambda **_: None)
    rig.restart()


@pytest.mark.slow
async def test_a_deletion_seen_without_sts_is_still_one_of_others(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.faults.add(Fault(operation="GetCallerIdentity", kind="drop"))
    restarted(rig)
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    for _ in range(4):
        await rig.step()
    assert rig.condition("Ready")["reason"] == "AWSUnreachable"
    rig.simulator.faults.clear()
    restarted(rig)
    rig.simulator.clock.advance(120)
    await rig.idle(3600)
    assert rig.condition("Ready")["reason"] == "DeletedOutside"
    assert rig.operations() == ["CreateCluster"]
    assert rig.objects.exists(KEY)


@pytest.mark.slow
async def test_a_look_without_sts_is_not_the_first_of_two(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.faults.add(Fault(operation="GetCallerIdentity", kind="drop"))
    restarted(rig)
    rig.objects.delete(KEY)
    absent = Fault(operation="DescribeCluster", kind="error", status=400, code="ResourceNotFound", times=1)
    rig.simulator.faults.add(absent)
    await rig.step()
    assert rig.condition("Ready")["reason"] == "AWSUnreachable"
    rig.simulator.faults.clear()
    restarted(rig)
    rig.simulator.faults.add(absent)
    await rig.rest()
    assert rig.operations()[-1] == "DeleteCluster"
