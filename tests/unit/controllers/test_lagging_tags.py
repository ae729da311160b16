"""ListTags shows accepted tags minutes late: nothing is sent twice, and no old answer is taken for the truth."""

from collections.abc import Callable

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two

from hyperpod_operator.api.names import OWNERSHIP_TAGS
from hyperpod_operator.core.outcome import Done, Gone

LAGS = pytest.mark.parametrize("lag", [60.0, 150.0])
A = [{"key": "team", "value": "a"}]
B = [{"key": "team", "value": "b"}]

pytestmark = pytest.mark.slow


@pytest.fixture
def lagging(make_rig: Callable[..., Rig], lag: float) -> Rig:
    return make_rig(read_lag={"ListTags": lag})


@pytest.fixture
async def tagged(lagging: Rig) -> Rig:
    """A cluster at rest with the tag team=a."""
    lagging.apply(two(2, 1, tags=A))
    await lagging.rest()
    return lagging


async def tag_in_aws(rig: Rig) -> str | None:
    """The tag when all lags are over."""
    arn = rig.status["clusterArn"]
    rig.simulator.clock.advance(300)
    tags = await rig.cloud.clusters(region="").tags(arn=arn)
    return tags.get("team")


@LAGS
async def test_tags_are_sent_once(tagged: Rig) -> None:
    tagged.apply(two(2, 1, tags=B))
    assert isinstance(await tagged.rest(), Done)
    await tagged.idle(1800)
    assert tagged.operations() == ["CreateCluster", "AddTags"]
    assert "UpdateRolledBack" not in tagged.reasons()
    assert await tag_in_aws(tagged) == "b"


@LAGS
async def test_an_edit_in_between_does_not_send_the_tags_again(tagged: Rig) -> None:
    tagged.apply(two(2, 1, tags=B))
    await tagged.step()
    await tagged.step()
    tagged.apply(two(3, 1, tags=B))
    assert isinstance(await tagged.rest(), Done)
    assert tagged.operations() == ["CreateCluster", "AddTags", "UpdateCluster"]


@LAGS
async def test_an_edit_back_is_sent_though_aws_still_shows_the_former_tag(tagged: Rig) -> None:
    tagged.apply(two(2, 1, tags=B))
    await tagged.step()
    tagged.apply(two(2, 1, tags=A))
    assert isinstance(await tagged.rest(), Done)
    assert tagged.operations() == ["CreateCluster", "AddTags", "AddTags"]
    assert await tag_in_aws(tagged) == "a"


@LAGS
async def test_a_tag_that_is_removed_and_wanted_again_is_set_again(tagged: Rig) -> None:
    tagged.apply(two(2, 1))
    await tagged.step()
    tagged.apply(two(2, 1, tags=A))
    assert isinstance(await tagged.rest(), Done)
    assert tagged.operations() == ["CreateCluster", "DeleteTags", "AddTags"]
    assert await tag_in_aws(tagged) == "a"


@LAGS
async def test_a_restart_remembers_what_was_sent(tagged: Rig) -> None:
    tagged.apply(two(2, 1, tags=B))
    await tagged.step()
    tagged.restart()
    assert isinstance(await tagged.rest(), Done)
    assert tagged.operations() == ["CreateCluster", "AddTags"]


@LAGS
async def test_tags_that_aws_shows_are_remembered_no_longer(tagged: Rig) -> None:
    tagged.apply(two(2, 1, tags=B))
    await tagged.step()
    assert [tag["key"] for tag in tagged.status["memory"]["sentTags"]] == ["team"]
    await tagged.idle(1800)
    assert "sentTags" not in tagged.status["memory"]


@LAGS
async def test_a_change_of_the_tag_by_another_hand_is_corrected_when_ours_was_shown(tagged: Rig) -> None:
    tagged.apply(two(2, 1, tags=B))
    await tagged.idle(1800)
    await tagged.cloud.clusters(region="").add_tags(arn=tagged.status["clusterArn"], tags={"team": "theirs"})
    await tagged.idle(7200)
    assert await tag_in_aws(tagged) == "b"


@LAGS
async def test_an_adoption_is_announced_once_and_tags_once(lagging: Rig) -> None:
    lagging.apply(two(2, 1))
    await lagging.rest()
    clusters = lagging.cloud.clusters(region="")
    await clusters.delete_tags(arn=lagging.status["clusterArn"], keys=OWNERSHIP_TAGS)
    lagging.simulator.clock.advance(300)
    lagging.objects.set_status(KEY, {})
    lagging.apply(two(2, 1, management={"adoptionPolicy": "IfUnowned"}))
    lagging.recorder.events.clear()
    assert isinstance(await lagging.rest(), Done)
    assert lagging.operations() == ["CreateCluster", "DeleteTags", "AddTags"]
    assert lagging.reasons().count("AdoptionAnnounced") == 1


@LAGS
async def test_an_object_that_goes_right_after_its_adoption_leaves_no_tags_of_ours(lagging: Rig) -> None:
    lagging.apply(two(2, 1))
    await lagging.rest()
    clusters, arn = lagging.cloud.clusters(region=""), lagging.status["clusterArn"]
    await clusters.delete_tags(arn=arn, keys=OWNERSHIP_TAGS)
    lagging.simulator.clock.advance(300)
    lagging.objects.set_status(KEY, {})
    lagging.apply(two(2, 1, management={"adoptionPolicy": "IfUnowned"}))
    await lagging.until("Adopted")
    lagging.objects.delete(KEY)
    assert isinstance(await lagging.rest(), Gone)
    lagging.simulator.clock.advance(300)
    assert not OWNERSHIP_TAGS & (await clusters.tags(arn=arn)).keys()
    assert await clusters.describe(name="research") is not None
