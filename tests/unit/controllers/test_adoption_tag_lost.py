"""An adopted cluster stays one when somebody takes the tag off that says so."""

from collections.abc import Mapping
from typing import Any

from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import THEIRS, two

from hyperpod_operator.api.names import TAG_ADOPTED
from hyperpod_operator.core.outcome import Gone

IF_UNOWNED = two(management={"adoptionPolicy": "IfUnowned"})


async def tags_of(rig: Rig) -> Mapping[str, str]:
    found: Mapping[str, str] = await rig.cloud.clusters(region="").tags(arn=rig.status["clusterArn"])
    return found


async def adopted(rig: Rig, given: dict[str, Any] | None = None) -> None:
    """A cluster that was there before the resource."""
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.set_tags("research", {})
    rig.objects.set_status(KEY, {})
    rig.restart()
    rig.apply(given or IF_UNOWNED)
    await rig.rest()
    assert rig.status["origin"] == "Adopted"


async def take_the_tag_off(rig: Rig) -> None:
    kept = {key: value for key, value in (await tags_of(rig)).items() if key != TAG_ADOPTED}
    rig.simulator.world.set_tags("research", kept)


async def test_the_tag_is_put_back(rig: Rig) -> None:
    await adopted(rig)
    await take_the_tag_off(rig)
    await rig.idle(2 * 3600)
    assert TAG_ADOPTED in await tags_of(rig)
    assert rig.status["origin"] == "Adopted"
    assert rig.condition("Ready")["status"] == "True"


async def test_without_the_tag_the_cluster_outlives_a_later_deletion(rig: Rig) -> None:
    await adopted(rig)
    await take_the_tag_off(rig)
    await rig.idle(2 * 3600)
    await take_the_tag_off(rig)
    await rig.idle(600)
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert "DeleteCluster" not in rig.operations()


async def test_without_the_tag_the_cluster_outlives_a_deletion_at_once(rig: Rig) -> None:
    await adopted(rig)
    await take_the_tag_off(rig)
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert "DeleteCluster" not in rig.operations()


async def test_without_the_tag_no_group_of_others_ends(rig: Rig) -> None:
    await adopted(rig)
    rig.simulator.world.add_group_out_of_band("research", THEIRS)
    await take_the_tag_off(rig)
    await rig.idle(2 * 3600)
    assert "UpdateCluster" not in rig.operations()


async def test_a_person_may_still_have_the_cluster_deleted(rig: Rig) -> None:
    await adopted(rig)
    await take_the_tag_off(rig)
    rig.apply(two(management={"adoptionPolicy": "IfUnowned", "deletionPolicy": "Delete"}))
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations()[-1] == "DeleteCluster"
