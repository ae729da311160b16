"""A call may wait for its turn, and take away by then what its author wants to keep, or what is another claim's."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.volume.rig import KEY, REGION, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, new

from hyperpod_operator.api.names import TAG_CLAIM_UID
from hyperpod_operator.core.outcome import Gone

pytestmark = pytest.mark.slow

DELETES = {"reclaimPolicy": "Delete"}


def meanwhile(rig: VolumeRig, service: str, happens: Any) -> None:
    """The next call of this service that changes something waits for its turn, and something happens meanwhile."""
    limiter = rig.cloud._caller(service, REGION)._limits[True]
    wait = limiter.wait

    async def later() -> None:
        limiter.wait = wait  # type: ignore[method-assign]
        rig.simulator.clock.advance(30.0)
        happens()
        await wait()

    limiter.wait = later  # type: ignore[method-assign]


async def detached(rig: VolumeRig) -> str:
    """A claim that is being deleted, whose next call is DeleteVolume."""
    rig.apply(
        new(management=DELETES, attachment={"mode": "None"}, source={"create": {"availabilityZone": "us-west-2b"}})
    )
    await rig.rest()
    rig.claims.delete(KEY)
    return str(rig.status["volumeId"])


async def test_a_volume_that_is_to_stay_by_then_is_not_deleted(rig: VolumeRig) -> None:
    volume = await detached(rig)
    meanwhile(rig, "ec2", lambda: rig.apply(new(management={"reclaimPolicy": "Retain"}, attachment={"mode": "None"})))
    assert isinstance(await rig.rest(), Gone)
    assert "DeleteVolume" not in rig.operations()
    assert rig.simulator.ebs.volumes()[volume]["State"] == "available"


async def test_a_volume_that_has_another_owner_by_then_is_not_deleted(rig: VolumeRig) -> None:
    volume = await detached(rig)
    meanwhile(rig, "ec2", lambda: rig.simulator.ebs.set_tags(volume, {TAG_CLAIM_UID: "another"}))
    assert isinstance(await rig.rest(), Gone)
    assert "DeleteVolume" not in rig.operations()


PAUSED = {"management": {"paused": True}}


@pytest.mark.parametrize("paused", [True, False], ids=["paused", "taken"])
async def test_a_volume_that_is_not_to_be_adopted_by_then_or_has_an_owner_is_not_taken(
    rig: VolumeRig, paused: bool
) -> None:
    volume = rig.simulator.ebs.create_volume(zone="us-west-2b")
    rig.apply(adopting(volume))
    await rig.until("AdoptionAnnounced")

    def happens() -> None:
        if paused:
            rig.apply(adopting(volume, **PAUSED))
        else:
            rig.simulator.ebs.set_tags(volume, {TAG_CLAIM_UID: "another"})

    meanwhile(rig, "ec2", happens)
    await rig.until("Paused" if paused else "ClaimedByOther")
    assert rig.operations() == []


async def test_a_volume_that_is_to_stay_on_its_node_by_then_is_not_detached(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    target = {"instanceGroupName": "workers"}
    rig.apply(new(attachment={"target": target, "suspend": True}))
    meanwhile(rig, "sagemaker", lambda: rig.apply(new()))
    await rig.idle(60.0)
    assert "DetachClusterNodeVolume" not in rig.operations()
    assert rig.reason() == "ClaimReady"


@pytest.mark.parametrize("then", [{"volume": {"size": 120}}, {"management": {"paused": True}}], ids=["less", "paused"])
async def test_a_volume_that_is_to_be_smaller_by_then_is_not_made_larger(rig: VolumeRig, then: dict[str, Any]) -> None:
    """No volume shrinks, and EC2 takes four modifications a day."""
    rig.apply(new())
    await rig.rest()
    rig.apply(new(volume={"size": 1000}))
    meanwhile(rig, "ec2", lambda: rig.apply(new(**then)))
    await rig.idle(300.0)
    assert rig.volume["Size"] == then.get("volume", {"size": 100})["size"]


SNAPSHOT = {"reclaimPolicy": "Delete", "snapshotPolicy": {"beforeDelete": True}}
TAGGED = {"volume": {"size": 100, "tags": [{"key": "team", "value": "nlp"}]}}
Edit = Callable[[VolumeRig], None]


@pytest.mark.parametrize(
    ("call", "at_rest", "wanted", "then"),
    [
        ("CreateVolume", None, lambda rig: rig.apply(new()), lambda rig: rig.apply(new(**PAUSED))),
        ("AttachClusterNodeVolume", None, lambda rig: rig.apply(new()), lambda rig: rig.claims.delete(KEY)),
        (
            "CreateSnapshot",
            {"management": SNAPSHOT},
            lambda rig: rig.claims.delete(KEY),
            lambda rig: rig.apply(new(management={"reclaimPolicy": "Retain"})),
        ),
        ("CreateTags", {}, lambda rig: rig.apply(new(**TAGGED)), lambda rig: rig.apply(new(**PAUSED))),
        ("DeleteTags", TAGGED, lambda rig: rig.apply(new()), lambda rig: rig.apply(new(**TAGGED))),
    ],
)
async def test_no_call_is_sent_that_is_not_asked_for_by_then(
    rig: VolumeRig, call: str, at_rest: dict[str, Any] | None, wanted: Edit, then: Edit
) -> None:
    if at_rest is not None:
        rig.apply(new(**at_rest))
        await rig.rest()
    wanted(rig)
    meanwhile(rig, "sagemaker" if "Node" in call else "ec2", lambda: then(rig))
    before = len(rig.operations())
    await rig.idle(300.0)
    assert call not in rig.operations()[before:]
