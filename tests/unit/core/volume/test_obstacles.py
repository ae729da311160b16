"""What keeps a node from getting a volume: what is said, when it is looked at again, whether a person has to act."""

from typing import Any

import pytest
from tests.unit.core.volume.builders import FIRST, claim, cluster, node, snapshot_of, spec, volume

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.volume.observed import Candidate
from hyperpod_operator.core.volume.obstacles import obstacle, other_zone
from hyperpod_operator.core.volume.timings import VolumeTimings

NAME, WATCH = f"hyperpod-{FIRST}", VolumeTimings().watch
ELSEWHERE = {"availability_zone": "us-west-2a", "availability_zone_id": "usw2-az1"}


def wait(reason: Reason, message: str, *, after: float = SLOW, stalled: bool = True) -> Wait:
    return Wait(reason=reason, message=message, after=after, stalled=stalled)


@pytest.mark.parametrize(
    ("there", "seen", "expected"),
    [
        pytest.param(
            node(),
            {"cluster": cluster(restricted=("workers",))},
            wait(
                Reason.RESTRICTED_INSTANCE_GROUP,
                "Group workers is a restricted instance group; AWS attaches no volumes there. Choose a node of another "
                "group.",
            ),
            id="restricted",
        ),
        pytest.param(
            node(**ELSEWHERE),
            {},
            wait(
                Reason.AZ_MISMATCH,
                f"The volume is in us-west-2b and {NAME} is not (nodes are in us-west-2a). Choose a target in that "
                "zone, or create a volume from a snapshot in the other one.",
            ),
            id="another zone",
        ),
        pytest.param(
            node(status="Pending"),
            {},
            wait(
                Reason.NODE_NOT_RUNNING,
                f"{NAME} is Pending; a volume is attached to a Running node only. Nothing to do if that passes.",
                after=WATCH,
                stalled=False,
            ),
            id="not running",
        ),
        pytest.param(
            node(drained_for="HyperPodNodeOperation team/reboot"),
            {},
            wait(
                Reason.NODE_DRAINING,
                f"{NAME} is drained for HyperPodNodeOperation team/reboot; the operator attaches the volume when that "
                "is over. Nothing to do.",
                after=WATCH,
                stalled=False,
            ),
            id="drained",
        ),
        pytest.param(
            node(schedulable=False),
            {},
            wait(
                Reason.NODE_UNSCHEDULABLE,
                f"HyperPod marked {NAME} as unschedulable. Repair or replace it, or choose another target.",
                after=WATCH,
            ),
            id="unschedulable",
        ),
        pytest.param(
            node(limit=3),
            {"taken": {FIRST: 3}},
            wait(
                Reason.ATTACHMENT_LIMIT,
                f"{NAME} has no free attachment slot (3/3). Detach another volume there, or choose another target.",
            ),
            id="full",
        ),
        pytest.param(node(), {}, None, id="nothing"),
        pytest.param(node(limit=3), {"taken": {FIRST: 2}}, None, id="one slot left"),
    ],
)
def test_an_obstacle_says_what_to_do_and_how_long_it_lasts(
    there: Candidate, seen: dict[str, Any], expected: Wait | None
) -> None:
    assert obstacle(snapshot_of(nodes=(there,), **seen), there) == expected


def test_a_node_without_a_name_is_called_by_its_instance() -> None:
    there = node(status="Pending", node_name="")
    found = obstacle(snapshot_of(nodes=(there,)), there)
    assert found is not None
    assert found.message.startswith(f"{FIRST} is Pending; ")


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        pytest.param(
            {
                "nodes": (
                    node("i-3", availability_zone="us-west-2c"),
                    node("i-1", **ELSEWHERE),
                    node("i-2", **ELSEWHERE),
                )
            },
            "us-west-2b and it is not (nodes are in us-west-2a, us-west-2c).",
            id="names",
        ),
        pytest.param(
            {
                "volume": volume(availability_zone=""),
                "nodes": (node(availability_zone="", availability_zone_id="usw2-az1"),),
            },
            "usw2-az2 and it is not (nodes are in usw2-az1).",
            id="ids",
        ),
        pytest.param(
            {"nodes": (node(availability_zone="", availability_zone_id=""),)},
            "us-west-2b and it is not (nodes are in unknown zones).",
            id="unknown",
        ),
    ],
)
def test_both_zones_are_named(seen: dict[str, Any], said: str) -> None:
    assert other_zone(snapshot_of(**seen), "it").message.startswith(f"The volume is in {said} Choose ")


def test_before_there_is_a_volume_the_zone_is_that_of_the_spec() -> None:
    owner = claim(spec(source={"create": {"availabilityZone": "us-west-2a"}}))
    found = other_zone(snapshot_of(owner, volume=None, lease=None), "it")
    assert found.message.startswith(
        "The volume is in the zone that the spec names and it is not (nodes are in us-west-2b)."
    )
