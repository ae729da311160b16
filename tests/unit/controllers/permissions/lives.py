"""Lives that between them send every call that the operator has."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.unit.controllers.nodeoperation.rig import OperationRig
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_causes import CONTINUOUS
from tests.unit.controllers.test_life import plain, two
from tests.unit.controllers.volume.rig import KEY as CLAIM
from tests.unit.controllers.volume.rig import VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, add_cluster, adopting, new, zone
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.names import TAG_ADOPTED, TAG_EKS_CLUSTER
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_testbed.simulator import Simulator

EKS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"
RESTING = (Done, Gone)


async def a_cluster_is_made_changed_and_deleted(simulator: Simulator) -> None:
    rig = Rig(simulator)
    simulator.world.release_image("1.1.0")

    def wanted(version: str, count: int, *tags: dict[str, str]) -> dict[str, Any]:
        return spec(instanceGroups=[group_spec(count=count, imageReleaseVersion=version)], tags=list(tags))

    first, second = {"key": "team", "value": "a"}, {"key": "stage", "value": "b"}
    for given in (
        wanted("1.0.0", 2, first),
        wanted("1.0.0", 3, first),
        wanted("1.1.0", 3, first),
        wanted("1.1.0", 3, second),
    ):
        rig.apply(given)
        assert isinstance(await rig.rest(), RESTING), rig.status
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone), rig.status


async def a_cluster_is_adopted_marked_again_and_retained(simulator: Simulator) -> None:
    rig = Rig(simulator)
    rig.apply(two())
    await rig.rest()
    simulator.world.set_tags("research", {})
    rig.objects.set_status(KEY, {})
    rig.restart()
    rig.apply(two(management={"adoptionPolicy": "IfUnowned", "deletionPolicy": "Retain"}))
    assert isinstance(await rig.rest(), Done), rig.status
    tags = dict(await rig.cloud.clusters(region="").tags(arn=rig.status["clusterArn"]))
    del tags[TAG_ADOPTED]
    simulator.world.set_tags("research", tags)
    await rig.idle(2 * 3600)
    assert TAG_ADOPTED in await rig.cloud.clusters(region="").tags(arn=rig.status["clusterArn"])
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone), rig.status


async def a_cluster_does_not_get_its_capacity(simulator: Simulator) -> None:
    rig = Rig(simulator)
    simulator.world.limit_capacity("research", "gpu", 1)
    rig.apply({**plain(4), **CONTINUOUS})
    await rig.until("CapacityShortage")


async def an_eks_cluster_has_a_hyperpod_cluster_already(simulator: Simulator) -> None:
    rig = Rig(simulator)
    simulator.world.create_foreign_cluster("other", request={"Orchestrator": {"Eks": {"ClusterArn": EKS}}})
    rig.apply(two())
    assert isinstance(await rig.rest(), Blocked), rig.status


def nodes_are_operated_on(operation: str) -> Callable[[Simulator], Awaitable[None]]:
    async def life(simulator: Simulator) -> None:
        rig = OperationRig(simulator)
        rig.apply(operation, rig.ids[:1])
        assert await rig.rest() == Done(), rig.status_of()

    return life


def _volumes(simulator: Simulator) -> VolumeRig:
    """A cluster that a HyperPodCluster of this EKS cluster owns."""
    add_cluster(simulator)
    simulator.world.set_tags(CLUSTER, {TAG_EKS_CLUSTER: EKS_OF_CLAIMS})
    return VolumeRig(simulator)


EKS_OF_CLAIMS = f"arn:aws:eks:us-west-2:111122223333:cluster/other-{CLUSTER}"


async def a_volume_is_made_changed_and_deleted_with_a_snapshot(simulator: Simulator) -> None:
    rig = _volumes(simulator)
    deleted = {"reclaimPolicy": "Snapshot"}
    for members in (
        {"volume": {"size": 100, "tags": [{"key": "team", "value": "a"}]}},
        {"volume": {"size": 200, "tags": [{"key": "stage", "value": "b"}]}},
    ):
        rig.apply(new(management=deleted, **members))
        assert isinstance(await rig.rest(), Done), rig.status
    rig.claims.delete(CLAIM)
    assert isinstance(await rig.rest(), Gone), rig.status
    snapshot = next(iter(simulator.ebs.snapshots()))
    rig.apply(new(source={"create": {"snapshotId": snapshot}}, volume=None, management={"reclaimPolicy": "Delete"}))
    assert isinstance(await rig.rest(), Done), rig.status
    rig.claims.delete(CLAIM)
    assert isinstance(await rig.rest(), Gone), rig.status


async def a_volume_is_adopted_released_and_adopted_again(simulator: Simulator) -> None:
    rig = _volumes(simulator)
    volume = simulator.ebs.create_volume(zone=zone(rig.nodes))
    for _ in range(2):
        rig.apply(adopting(volume))
        assert isinstance(await rig.rest(), Done), rig.status
        assert rig.volume["Tags"][TAG_EKS_CLUSTER] == EKS_OF_CLAIMS
        rig.claims.delete(CLAIM)
        assert isinstance(await rig.rest(), Gone), rig.status


async def a_volume_loses_its_tags_and_gets_those_that_the_message_names(simulator: Simulator) -> None:
    rig = _volumes(simulator)
    rig.apply(new(volume={"size": 100, "tags": [{"key": "team", "value": "a"}]}))
    assert isinstance(await rig.rest(), Done), rig.status
    simulator.ebs.set_tags(rig.status["volumeId"], {})
    assert isinstance(await rig.rest_after(700.0), Blocked), rig.status
    told = rig.condition("Ready")["message"]
    named = re.findall(r"(hyperpod-operator\.dev/(?:claim-uid|eks-cluster))=([^ ]+?)[.,]? ", told)
    simulator.ebs.set_tags(rig.status["volumeId"], dict(named))
    assert isinstance(await rig.rest_after(700.0), Done), rig.status
    assert rig.volume["Tags"]["team"] == "a"


async def observed(simulator: Simulator) -> None:
    """An hour of a paused resource for the cluster of `a_cluster_does_not_get_its_capacity`, and of a claim for it."""
    rig, claims = Rig(simulator), VolumeRig(simulator)
    rig.apply({**plain(5, management={"paused": True}), **CONTINUOUS})
    claims.apply(new(clusterRef={"clusterName": "research"}, management={"paused": True}))
    await rig.idle(3600)
    await claims.idle(3600)


LIVES: Mapping[str, tuple[str, Callable[[Simulator], Awaitable[None]]]] = {
    "cluster": (EKS, a_cluster_is_made_changed_and_deleted),
    "adopted-cluster": (EKS, a_cluster_is_adopted_marked_again_and_retained),
    "short-cluster": (EKS, a_cluster_does_not_get_its_capacity),
    "second-cluster": (EKS, an_eks_cluster_has_a_hyperpod_cluster_already),
    **{
        operation: (EKS, nodes_are_operated_on(operation))
        for operation in ("Reboot", "Replace", "Delete", "Move", "HealthCheck")
    },
    "volume": (EKS_OF_CLAIMS, a_volume_is_made_changed_and_deleted_with_a_snapshot),
    "untagged-volume": (EKS_OF_CLAIMS, a_volume_loses_its_tags_and_gets_those_that_the_message_names),
    "adopted-volume": (EKS_OF_CLAIMS, a_volume_is_adopted_released_and_adopted_again),
}
"""Name to the EKS cluster of the installation and the life."""
