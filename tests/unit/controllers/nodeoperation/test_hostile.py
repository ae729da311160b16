"""What an operation does when Nodes, people, AWS and other clients are as unhelpful as they may be."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig
from tests.unit.controllers.test_crash_points import Killed, Reaper

from hyperpod_operator.api.names import DRAINING, NODE_HEALTH_STATUS
from hyperpod_operator.core.drain.marks import TAINT
from hyperpod_operator.core.outcome import Gone
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_testbed.simulator import Fault

MakeRig = Callable[..., OperationRig]


def stuck(rig: OperationRig, number: int = 0) -> str:
    """A pod on this node that its budget does not let go; the node's name."""
    name = rig.name(rig.ids[number])
    rig.pods.add(f"stuck-{number}", name)
    rig.pods.refused[f"stuck-{number}"] = "pdb"
    return name


def refusing(rig: OperationRig, step: str, *nodes: str) -> None:
    """A webhook denies this change of these Nodes."""
    real = getattr(rig.marks, step)

    async def refused(*, node: str, **more: Any) -> Any:
        if node in nodes:
            raise KubernetesError(status=403, message="denied by a webhook")
        return await real(node=node, **more)

    setattr(rig.marks, step, refused)
    rig.restart()


async def draining(rig: OperationRig) -> None:
    await rig.until(lambda: bool(rig.marks.marked))
    await rig.step()


class TestPodsThatAreOnTheirWay:
    """The scheduler decides before it sees the taint; the pod is bound a moment after."""

    async def test_aws_is_not_asked_before_the_taint_has_been_there_for_long_enough(self, rig: OperationRig) -> None:
        rig.apply("Delete", rig.ids[:1])
        await rig.until(lambda: bool(rig.marks.marked))
        since = rig.clock.monotonic()
        await rig.until(lambda: bool(rig.calls()))
        assert rig.clock.monotonic() - since >= rig.timings.binding - 1  # stored times are whole seconds

    async def test_a_pod_that_comes_after_the_taint_is_evicted_and_not_killed(self, rig: OperationRig) -> None:
        name = rig.name(rig.ids[0])
        rig.apply("Delete", rig.ids[:1])
        await rig.until(lambda: bool(rig.marks.marked))
        rig.pods.add("late", name)
        await rig.rest()
        assert rig.pods.evicted == ["late"]


class TestTurns:
    async def test_pods_that_may_not_go_keep_no_others_from_going(self, make_rig: MakeRig) -> None:
        rig = make_rig(nodes=60)
        for number in range(50):
            stuck(rig, number)
        for number in range(50, 60):
            rig.pods.add(f"free-{number}", rig.name(rig.ids[number]))
        rig.apply("Reboot", rig.ids, maxInFlight=60, drain={"drainTimeoutSeconds": 3600})
        await rig.rest()
        assert rig.states().count("Succeeded") == 10

    async def test_a_node_that_cannot_be_tainted_holds_up_no_other(self, rig: OperationRig) -> None:
        refusing(rig, "mark", rig.name(rig.ids[1]))
        rig.apply("Reboot", rig.ids[:3], maxInFlight=3, drain={"drainTimeoutSeconds": 600})
        await rig.until(lambda: rig.states().count("Succeeded") == 2)
        assert "cannot be tainted" in rig.entries()[1]["message"]
        assert "denied by a webhook" in rig.entries()[1]["message"]

    async def test_nodes_that_cannot_be_untainted_hold_up_no_others(self, make_rig: MakeRig) -> None:
        rig = make_rig(nodes=60)
        for number in range(60):
            stuck(rig, number)
        rig.apply("Reboot", rig.ids, maxInFlight=60)
        await rig.until(lambda: len(rig.marks.conditions) == 60)
        bad = rig.name(rig.ids[0])
        refusing(rig, "unmark", bad)
        rig.operations.remove(KEY)
        await rig.until(lambda: rig.marks.marked == {bad})
        assert rig.operations.exists(KEY)

    async def test_a_refusal_is_not_repeated_without_a_pause(self, rig: OperationRig) -> None:
        refusing(rig, "mark", rig.name(rig.ids[0]))
        rig.apply("Reboot", rig.ids[:1], drain={"drainTimeoutSeconds": 600})
        await rig.step()
        began = rig.clock.monotonic()
        for _ in range(5):
            await rig.step()
        assert rig.clock.monotonic() - began >= 5 * rig.timings.drain


class TestWhatIsLeft:
    async def test_a_taint_that_no_status_has_comes_off(self, rig: OperationRig) -> None:
        rig.apply("Reboot", rig.ids[:1])
        await rig.once()
        reaper = Reaper(at=0, after=False)
        reaper.wrap(rig.operations, ("write_status",))
        with pytest.raises(Killed):
            await rig.once()
        assert rig.marks.marked
        rig.operations.remove(KEY)
        rig.restart()
        assert isinstance(await rig.rest(), Gone)
        assert rig.marks.marked == set()

    @pytest.mark.parametrize("why", ["suspend", "deadline"])
    @pytest.mark.parametrize("trouble", ["denied", "not owned"])
    async def test_a_taint_comes_off_while_aws_cannot_be_used(self, rig: OperationRig, why: str, trouble: str) -> None:
        stuck(rig)
        rig.apply("Reboot", rig.ids[:1], **({"activeDeadlineSeconds": 600} if why == "deadline" else {}))
        await draining(rig)
        if trouble == "denied":
            rig.simulator.faults.add(
                Fault("DescribeCluster", "error", code="AccessDeniedException", message="no", status=400)
            )
        else:
            with rig.simulator.core.change() as sim:
                (cluster,) = sim.account.clusters()
                cluster.tags.clear()
        if why == "suspend":
            rig.edit(suspend=True)
        await rig.until(lambda: rig.marks.marked == set())
        assert rig.states() == (["Pending"] if why == "suspend" else ["Failed"])
        assert rig.calls() == []


class TestPausedClusters:
    async def test_nothing_is_asked_of_aws_about_a_paused_cluster_until_it_goes_on(self, rig: OperationRig) -> None:
        spec = rig.clusters._bodies[CLUSTER_KEY]["spec"]
        rig.clusters.apply(CLUSTER_KEY, {**spec, "management": {"paused": True}})
        rig.apply("Delete", rig.ids[:1])
        for _ in range(20):
            await rig.step()
        assert (rig.calls(), rig.marks.marked) == ([], set())
        assert rig.condition("Ready")["reason"] == "Paused"
        rig.clusters.apply(CLUSTER_KEY, spec)
        await rig.rest()
        assert rig.states() == ["Succeeded"]

    async def test_a_drain_is_undone_when_its_cluster_is_paused(self, rig: OperationRig) -> None:
        stuck(rig)
        rig.apply("Delete", rig.ids[:1])
        await draining(rig)
        spec = rig.clusters._bodies[CLUSTER_KEY]["spec"]
        rig.clusters.apply(CLUSTER_KEY, {**spec, "management": {"paused": True}})
        await rig.until(lambda: rig.marks.marked == set())
        assert rig.states() == ["Pending"]


class TestTaintsOfOthers:
    async def test_a_taint_that_somebody_took_off_is_put_back(self, rig: OperationRig) -> None:
        name = stuck(rig)
        rig.apply("Reboot", rig.ids[:1])
        await draining(rig)
        rig.nodes.taints[name], rig.nodes.annotations[name] = (), {}
        rig.simulator.clock.advance(rig.timings.binding)
        await rig.until(lambda: bool(rig.nodes.taints[name]))
        assert rig.calls() == []

    async def test_a_node_that_another_client_took_is_neither_emptied_nor_asked_about(self, rig: OperationRig) -> None:
        name = stuck(rig)
        rig.apply("Reboot", rig.ids[:1])
        await draining(rig)
        rig.nodes.annotations[name] = {DRAINING: "HyperPodCluster team/research abc"}
        rig.pods.refused.clear()
        for _ in range(10):
            await rig.step()
        assert (rig.calls(), rig.pods.evicted) == ([], [])
        assert "Waits for HyperPodCluster team/research" in rig.entries()[0]["message"]

    async def test_a_foreign_taint_on_a_node_that_aws_works_on_makes_no_loop(self, rig: OperationRig) -> None:
        name = rig.name(rig.ids[0])
        rig.nodes.absent.add(name)
        rig.apply("Reboot", rig.ids[:1])
        await rig.until(lambda: bool(rig.calls()))
        rig.nodes.absent.clear()
        rig.nodes.taints[name] = (TAINT,)
        began = rig.clock.monotonic()
        for _ in range(20):
            await rig.step()
        assert rig.clock.monotonic() - began >= 10.0


async def test_a_repair_that_hyperpod_announces_during_the_drain_is_left_to_it(rig: OperationRig) -> None:
    name = stuck(rig)
    rig.apply("Reboot", rig.ids[:1])
    await draining(rig)
    rig.nodes.labels[name] = {NODE_HEALTH_STATUS: "UnschedulablePendingReplacement"}
    rig.pods.refused.clear()
    await rig.rest()
    assert (rig.states(), rig.calls(), rig.marks.marked) == (["Skipped"], [], set())


async def test_a_node_that_is_named_twice_is_operated_on_once(rig: OperationRig) -> None:
    one = rig.ids[0]
    rig.apply("Reboot", nodes={"names": [rig.name(one), one]})
    await rig.rest()
    assert rig.named() == [[one]]
    assert sorted(rig.states()) == ["Skipped", "Succeeded"]


async def test_a_drained_node_does_not_fail_with_one_that_is_not(rig: OperationRig) -> None:
    first, second = rig.ids[:2]
    stuck(rig, 1)
    rig.claims[first] = ("ml/data",)
    rig.apply("Delete", [first, second], maxInFlight=2, drain={"drainTimeoutSeconds": 600})
    await rig.until_state("Failed")
    assert rig.states() == ["Draining", "Failed"]


@pytest.mark.parametrize("then", ["ThrottlingException", "AccessDeniedException"])
async def test_the_refusal_of_a_repeated_move_says_nothing_about_the_first_one(rig: OperationRig, then: str) -> None:
    rig.simulator.faults.add(Fault("MoveClusterNodes", "drop", times=1))
    rig.apply("Move", rig.ids[:1])
    await rig.until_state("Sent")
    rig.simulator.faults.add(Fault("MoveClusterNodes", "error", code=then, message="no", status=400, times=1))
    await rig.until(lambda: len(rig.calls()) == 2)
    assert rig.states() == ["Sent"]
    await rig.rest()
    assert len({call.parameters["ClientToken"] for call in rig.calls()}) == 1
    assert rig.states() == ["Succeeded"]
