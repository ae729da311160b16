"""Instances that AWS leaves out of a list and shows again, and clusters that go: one answer is not the truth."""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig

from hyperpod_operator.core.outcome import Done

SHORT = 30.0
"""Seconds, fewer than an instance has to be missing for."""


class Lists:
    """AWS's lists of nodes, without some (`ids`)."""

    def __init__(self, rig: OperationRig) -> None:
        self.ids: set[str] = set()
        self.ended: tuple[Any, ...] = ()
        """Instances that AWS shows although they ended."""
        self.seen: tuple[Any, ...] = ()
        clusters: Any = rig.cloud.clusters(region="")
        listed = clusters.nodes

        async def nodes(**asked: Any) -> Iterable[Any]:
            found = tuple(one for one in await listed(**asked) if one.instance_id not in self.ids)
            self.seen = found
            return found + self.ended

        clusters.nodes = nodes


async def look(rig: OperationRig, *, seconds: float) -> None:
    """A pass, and one more after so long."""
    await rig.once()
    rig.simulator.clock.advance(seconds)
    await rig.once()


async def test_a_node_that_is_left_out_of_a_list_before_its_turn_is_operated_on_when_it_is_back(
    rig: OperationRig,
) -> None:
    lists = Lists(rig)
    lists.ids.add(rig.ids[0])
    rig.apply("Reboot", rig.ids[:1])
    await look(rig, seconds=SHORT)
    assert (rig.states(), rig.calls()) == (["Pending"], [])
    lists.ids.clear()
    await rig.rest()
    assert rig.states() == ["Succeeded"]


async def test_a_node_that_is_missing_for_a_while_and_shows_again_is_not_deleted_yet(rig: OperationRig) -> None:
    """Missing twice for half of the time each is not missing for all of it."""
    lists, node = Lists(rig), rig.ids[0]
    rig.apply("Delete", [node])
    await rig.until_state("Waiting")
    shown = tuple(one for one in lists.seen if one.instance_id == node)
    assert shown
    for ended in ((), shown, ()):
        lists.ended = ended
        await look(rig, seconds=SHORT)
    assert rig.states() == ["Waiting"]
    await rig.rest()
    assert (rig.states(), rig.named()) == (["Succeeded"], [[node]])


async def test_a_rebooted_node_that_is_left_out_for_a_while_is_not_called_replaced(rig: OperationRig) -> None:
    lists = Lists(rig)
    rig.apply("Reboot", rig.ids[:1])
    await rig.until_state("Waiting")
    lists.ids.add(rig.ids[0])
    await look(rig, seconds=SHORT)
    lists.ids.clear()
    await rig.rest()
    assert rig.states() == ["Succeeded"]


async def test_an_instance_that_shows_again_after_its_deletion_is_not_deleted_again(rig: OperationRig) -> None:
    """AWS uses no instance id twice: a list that shows an ended instance once more is late."""
    lists, node = Lists(rig), rig.ids[0]
    rig.apply("Delete", [node])
    await rig.until_state("Waiting")
    shown = tuple(one for one in lists.seen if one.instance_id == node)
    await rig.rest()
    lists.ended = shown
    for _ in range(5):
        assert await rig.once() == Done()
    assert (rig.named(), rig.states()) == ([[node]], ["Succeeded"])


@pytest.mark.parametrize("state", ["Draining", "Waiting"])
async def test_an_operation_whose_cluster_ends_in_aws_asks_nothing_more_and_ends_with_its_time(
    rig: OperationRig, state: str
) -> None:
    if state == "Draining":
        rig.pods.add("train", rig.name(rig.ids[0]))
        rig.pods.refused["train"] = "budget"
    rig.apply("Replace", rig.ids[:2], activeDeadlineSeconds=3600)
    await rig.until_state(state)
    calls = len(rig.calls())
    rig.simulator.world.delete_out_of_band(CLUSTER_KEY.name, at_once=True)
    await rig.step()
    assert rig.condition("Accepted", KEY)["reason"] == "ClusterNotFound"
    await rig.rest()
    # One that only drained is given back before.
    assert rig.states() == ["Skipped" if state == "Draining" else "Failed", "Skipped"]
    assert (len(rig.calls()), rig.marks.marked) == (calls, set())
