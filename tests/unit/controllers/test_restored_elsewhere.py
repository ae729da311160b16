"""An object that a backup of another EKS cluster brought here takes nothing from the one that lives there."""

from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two
from tests.unit.core.builders import EKS

from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID
from hyperpod_operator.controllers.own_cluster import OwnCluster
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.preflight.facts import EksCluster
from hyperpod_operator.core.preflight.model import Fact, Unread

COPY = two(management={"adoptionPolicy": "IfUnowned", "deletionPolicy": "Delete"})
LIVING = {TAG_OWNER_UID: "uid-there", TAG_OWNER: str(KEY), TAG_EKS_CLUSTER: EKS}
UNREAD = Unread(why="eks:DescribeCluster is denied")


class Place:
    """The certificate authorities of the API server here, and of the EKS cluster in AWS."""

    def __init__(self, *, ours: set[str], theirs: Fact[set[str] | None]) -> None:
        self._ours, self.theirs = frozenset(ours), theirs

    async def authorities(self) -> frozenset[str]:
        return self._ours

    async def eks_cluster(self, arn: str) -> Fact[EksCluster | None]:
        assert arn == EKS
        if self.theirs is None or isinstance(self.theirs, Unread):
            return self.theirs
        return EksCluster(status="ACTIVE", version="1.34", authorities=frozenset(self.theirs))


def own_cluster(*, ours: set[str], theirs: Fact[set[str] | None]) -> OwnCluster:
    place: Any = Place(ours=ours, theirs=theirs)
    return OwnCluster(facts=lambda _: place, workloads=place)


async def restored(rig: Rig, place: OwnCluster) -> None:
    """The cluster has an owner that lives elsewhere; this object came from a backup, without its status."""
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.set_tags("research", LIVING)
    rig.objects.set_status(KEY, {})
    rig.own_cluster = place
    rig.restart()
    rig.apply(COPY)


async def test_a_copy_in_another_control_plane_does_not_take_the_cluster(rig: Rig) -> None:
    await restored(rig, own_cluster(ours={"copy"}, theirs={"original"}))
    sent = len(rig.calls())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.condition("Ready")["reason"] == "NotOwned"
    assert "delete this one" in rig.condition("Ready")["message"]
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.calls()[sent:] == []


async def test_an_outage_proves_nothing_else(rig: Rig) -> None:
    place: Any = Place(ours={"copy"}, theirs={"original"})
    await restored(rig, OwnCluster(facts=lambda _: place, workloads=place))
    await rig.rest()
    place.theirs = UNREAD
    await rig.idle(3600)
    assert rig.condition("Ready")["reason"] == "NotOwned"
    place.theirs = {"copy"}  # the EKS cluster was made again under its name, and this is it
    await rig.idle(3600)
    assert rig.status["origin"] == "Adopted"


async def test_once_the_owners_tags_are_off_it_is_adopted(rig: Rig) -> None:
    await restored(rig, own_cluster(ours={"hub"}, theirs={"spoke"}))
    await rig.rest()
    rig.simulator.world.set_tags("research", {})
    await rig.idle(3600)
    assert rig.status["origin"] == "Adopted"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [({"a"}, {"a"}), ({"a", "old"}, {"a"}), (set(), {"a"}), ({"a"}, set()), ({"a"}, None), ({"a"}, UNREAD)],
)
async def test_one_that_was_rebuilt_in_its_place_continues(
    rig: Rig, ours: set[str], theirs: Fact[set[str] | None]
) -> None:
    """The same EKS cluster, or one that cannot be told from it."""
    await restored(rig, own_cluster(ours=ours, theirs=theirs))
    assert isinstance(await rig.rest(), Done)
    assert rig.status["origin"] == "Adopted"
