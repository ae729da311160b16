"""Claims that ask for what cannot be, or not now, and statuses that are not what they were."""

import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, arn_of, group, new

from hyperpod_operator.core.outcome import Blocked, Done
from hyperpod_operator.core.ports import Key

pytestmark = pytest.mark.slow


async def test_a_region_that_is_not_allowed_is_not_even_looked_at(rig: VolumeRig) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:cluster/abcdefghijkl"
    calls = len(rig.simulator.log.calls())
    rig.apply(new(clusterRef={"clusterArn": arn}))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "RegionNotAllowed"
    assert "eu-west-1" in rig.condition("Ready")["message"]
    assert len(rig.simulator.log.calls()) == calls


async def test_an_invalid_spec_is_told_once_and_nothing_is_touched(rig: VolumeRig) -> None:
    rig.apply({"clusterRef": {"clusterName": CLUSTER}, "source": {"create": {}}, "attachment": {"mode": 3}})
    assert isinstance(await rig.once(), Blocked)
    assert rig.reason() == "InvalidSpec"
    assert "attachment.mode" in rig.condition("Ready")["message"]
    writes, told = rig.writes(), len(rig.recorder.events)
    await rig.once()
    assert (rig.writes(), len(rig.recorder.events)) == (writes, told)
    assert rig.operations() == []


async def test_a_claim_whose_cluster_object_does_not_exist_yet_waits_for_it(rig: VolumeRig) -> None:
    rig.apply(new(clusterRef={"name": "research"}))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "ClusterNotFound"
    hpc = Key("team", "research")
    rig.clusters.apply(hpc, {})
    rig.clusters.set_status(hpc, {"clusterArn": arn_of(rig.simulator)})
    assert isinstance(await rig.rest_after(60.0), Done)


async def test_a_restricted_group_is_told(make_rig: MakeRig) -> None:
    rig = make_rig(restricted_beside_groups="accept")
    restricted = group("closed", 1, InstanceType="ml.p5.48xlarge")
    restricted.pop("LifeCycleConfig")
    request = {
        "InstanceGroups": [group()],
        "RestrictedInstanceGroups": [{**restricted, "EnvironmentConfig": {}}],
        "NodeProvisioningMode": "Continuous",
    }
    rig.simulator.world.create_foreign_cluster("mixed", request=request)
    target = {"target": {"instanceGroupName": "closed"}}
    rig.apply(new(clusterRef={"clusterName": "mixed"}, attachment=target))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "RestrictedInstanceGroup"
    assert rig.operations() == []


async def test_a_paused_claim_is_observed_and_left_alone(rig: VolumeRig) -> None:
    rig.apply(new(management={"paused": True}))
    await rig.idle(1800)
    assert rig.operations() == []
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)


async def test_a_garbled_status_loses_no_volume(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    volume = rig.status["volumeId"]
    for garbled in ({}, {"attachment": 7, "conditions": "no"}):
        rig.claims.set_status(KEY, garbled)
        rig.restart()
        await rig.rest()
        assert rig.status["volumeId"] == volume
        assert list(rig.simulator.ebs.volumes()) == [volume]


async def test_data_at_risk_is_told(make_rig: MakeRig) -> None:
    rig = make_rig(delete_on_termination=True)
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)
    assert rig.condition("DataAtRisk")["status"] == "True"
    assert "DeleteOnTermination" in rig.reasons()
