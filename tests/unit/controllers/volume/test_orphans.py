"""Volumes that no claim stands behind are counted, and only those that this installation can know to be."""

import logging

import pytest
from tests.unit.controllers.volume.rig import KEY, REGION, VolumeRig
from tests.unit.controllers.volume.scenes import new

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_EKS_CLUSTER, TAG_OWNER
from hyperpod_operator.controllers.volume.orphans import INTERVAL, OrphanController, homes, orphans
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.volume.ports import Volume

OURS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"


def volume(number: int, *, uid: str, eks: str = OURS, owner: str = "team/data", state: str = "available") -> Volume:
    tags = {TAG_CLAIM_UID: uid, TAG_EKS_CLUSTER: eks, TAG_OWNER: owner}
    return Volume(volume_id=f"vol-{number:08x}", state=state, size=1, volume_type="gp3", tags=tags)


RECONCILE = volume(1, uid="here")


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (volume(2, uid="gone"), True),
        (volume(2, uid="here"), False),
        (volume(2, uid="gone", eks="arn:aws:eks:us-west-2:111122223333:cluster/theirs"), False),
        (volume(2, uid="gone", eks=""), False),
        (volume(2, uid="gone", owner="elsewhere/data"), False),
        (volume(2, uid="gone", state="deleting"), False),
        (volume(2, uid=""), False),
    ],
    ids=["orphan", "claimed", "of another cluster", "of no cluster", "another namespace", "going", "nobody's"],
)
def test_which_volume_is_an_orphan(other: Volume, found: bool) -> None:
    given, uids = [RECONCILE, other], {"here"}
    seen = orphans(given, uids=uids, namespaces=frozenset({"team"}), ours=homes(given, uids=uids))
    assert list(seen) == ([other.volume_id] if found else [])


def test_without_a_living_claim_nothing_tells_which_cluster_is_ours() -> None:
    assert homes([volume(1, uid="gone")], uids=set()) == set()


@pytest.fixture
def counted(rig: VolumeRig) -> OrphanController:
    return OrphanController(
        claims=rig.claims,
        cloud=rig.volumes,
        metrics=rig.recorder,
        regions=[REGION],
    )


async def test_volumes_whose_claim_is_gone_are_counted_and_named(
    rig: VolumeRig, counted: OrphanController, caplog: pytest.LogCaptureFixture
) -> None:
    other = Key("team", "other")
    for key in (KEY, other):
        rig.apply(new(), key=key)
        await rig.rest(key)
    lost = rig.status_of(other)["volumeId"]
    del rig.claims._bodies[other]
    with caplog.at_level(logging.WARNING):
        await counted.reconcile()
    assert rig.recorder.orphaned == {REGION: 1}
    assert lost in caplog.text


async def test_the_count_follows_what_becomes_of_volumes_after_the_last_claim(
    rig: VolumeRig, counted: OrphanController
) -> None:
    """An alert must not go on about volumes that are gone, nor end while they are there."""
    other = Key("team", "other")
    for key in (KEY, other):
        rig.apply(new(), key=key)
        await rig.rest(key)
    await counted.reconcile()
    lost = [rig.status_of(key)["volumeId"] for key in (KEY, other)]
    rig.claims._bodies.clear()
    seen = []
    for volume_id in (None, *lost):
        if volume_id:
            rig.simulator.ebs.delete_volume(volume_id)
        rig.simulator.clock.advance(INTERVAL)
        await counted.reconcile()
        seen.append(rig.recorder.orphaned[REGION])
    assert seen == [2, 1, 0]


async def test_a_count_that_aws_denies_changes_nothing_and_is_logged(
    rig: VolumeRig, counted: OrphanController, caplog: pytest.LogCaptureFixture
) -> None:
    rig.apply(new())
    rig.simulator.access.deny("DescribeVolumes")
    with caplog.at_level(logging.INFO):
        await counted.reconcile()
    assert rig.recorder.orphaned == {}
    assert "the next count retries" in caplog.text


async def test_without_a_claim_ec2_is_not_asked(rig: VolumeRig, counted: OrphanController) -> None:
    await counted.reconcile()
    assert rig.simulator.log.calls("DescribeVolumes") == []
