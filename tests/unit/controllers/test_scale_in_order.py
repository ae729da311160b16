"""A scale-in and a scale-out in the order that was recorded on AWS: lists, counts and Nodes change at different times.

A node leaves ListClusterNodes before the count falls, the count stays above its target meanwhile, and an instance is
Running minutes before its Node joins.
"""

import pytest
from tests.unit.controllers.rig import KEY, Rig, pause
from tests.unit.controllers.test_cluster_nodes import Ward
from tests.unit.core.builders import group_spec, spec

pytestmark = pytest.mark.slow


def gpu(count: int) -> dict[str, object]:
    return spec(instanceGroups=[group_spec(count=count)])


class Joining(Ward):
    """Nodes join some time after their instances are Running, and leave when these do."""

    def __init__(self, rig: Rig, *, after: float) -> None:
        super().__init__(rig)
        self._after = after
        self._running: dict[str, float] = {}
        self.seen: list[dict[str, object]] = []

    async def live(self, seconds: float) -> None:
        """Passes for so long, with what each of them said."""
        end = self.rig.clock.monotonic() + seconds
        while self.rig.clock.monotonic() < end:
            outcome = await self.rig.once()
            self._join()
            self.seen.append(self._said())
            self.rig.simulator.clock.advance(min(max(pause(outcome), 1.0), 60.0))

    def _join(self) -> None:
        entry, now = self.cache.get(KEY), self.rig.clock.monotonic()
        found = entry.facts.instances.values() if entry is not None else ()
        running = {one.instance_id for one in found if one.status == "Running"}
        self._running = {name: self._running.get(name, now) for name in running}
        held = {one.instance_id for one in self.nodes.held}
        self.nodes.held = [one for one in self.nodes.held if one.instance_id in running]
        ready = (name for name, since in self._running.items() if now - since >= self._after)
        self.join(*(name for name in ready if name not in held))

    def _said(self) -> dict[str, object]:
        counts = self.rig.status.get("nodes") or {}
        kinds = ("Ready", "GroupsAtTarget", "NodesHealthy")
        said: dict[str, object] = {kind: self.rig.condition(kind).get("status") for kind in kinds}
        reasons = {self.rig.condition(kind).get("reason") for kind in kinds}
        return {**said, "reasons": reasons, "current": counts.get("current"), "target": counts.get("target")}


@pytest.fixture
async def joined(rig: Rig) -> Joining:
    """Four nodes that joined four minutes after they ran."""
    ward = Joining(rig, after=240.0)
    rig.apply(gpu(4))
    await ward.live(5400)
    return ward


async def test_a_scale_in_is_not_ready_until_the_count_has_fallen(joined: Joining) -> None:
    assert joined.seen[-1]["Ready"] == "True"
    joined.seen.clear()
    joined.rig.apply(gpu(1))
    await joined.live(3600)
    above = [said for said in joined.seen if said["target"] == 1 and said["current"] != 1]
    assert above
    assert {said["Ready"] for said in above} == {said["GroupsAtTarget"] for said in above} == {"False"}
    assert (joined.seen[-1]["Ready"], joined.seen[-1]["GroupsAtTarget"]) == ("True", "True")
    assert joined.rig.status["nodes"]["summary"] == "1/1"


async def test_nodes_that_left_the_list_before_the_count_fell_never_count_as_not_joined(joined: Joining) -> None:
    joined.seen.clear()
    joined.rig.apply(gpu(1))
    await joined.live(3600)
    assert not [said for said in joined.seen if "NodesNeverJoined" in said["reasons"]]  # type: ignore[operator]


async def test_instances_that_run_minutes_before_their_node_joins_are_no_trouble(joined: Joining) -> None:
    assert not [said for said in joined.seen if "NodesNeverJoined" in said["reasons"]]  # type: ignore[operator]
    assert joined.rig.condition("NodesHealthy")["status"] == "True"


async def test_instances_that_no_node_ever_joins_for_are_named_ten_minutes_after_they_ran(rig: Rig) -> None:
    ward = Joining(rig, after=1e9)
    rig.apply(gpu(2))
    await ward.live(5400)
    assert rig.condition("NodesHealthy")["reason"] == "NodesNeverJoined"
    assert all(name in rig.condition("NodesHealthy")["message"] for name in ward.instances())
