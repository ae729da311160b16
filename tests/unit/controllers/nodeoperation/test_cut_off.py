"""An operation that cannot use its cluster until a person acts: nodes that only drain are given back in the end."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, OperationRig

from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID
from hyperpod_testbed.simulator import Fault

MANY = 100_000


def fails(code: str) -> Callable[[OperationRig], None]:
    def fail(rig: OperationRig) -> None:
        rig.simulator.faults.add(Fault("DescribeCluster", "error", code=code, message="no", status=400, times=MANY))

    return fail


def loses_tags(rig: OperationRig) -> None:
    rig.simulator.world.set_tags(CLUSTER_KEY.name, {TAG_OWNER_UID: "another"})


def restore(rig: OperationRig) -> None:
    rig.simulator.faults.clear()
    uid, eks = rig.clusters._bodies[CLUSTER_KEY]["metadata"]["uid"], rig.clusters._bodies[CLUSTER_KEY]["spec"]
    tags = {TAG_OWNER_UID: uid, TAG_OWNER: str(CLUSTER_KEY)}
    rig.simulator.world.set_tags(CLUSTER_KEY.name, {**tags, TAG_EKS_CLUSTER: eks["orchestrator"]["eks"]["clusterArn"]})


def of_another_account(rig: OperationRig) -> None:
    rig.cloud._account = "999988887777"


LASTING: Mapping[str, Callable[[OperationRig], None]] = {
    "not owned": loses_tags,
    "denied": fails("AccessDeniedException"),
    "gone from AWS": lambda rig: rig.simulator.world.delete_out_of_band(CLUSTER_KEY.name, at_once=True),
    "another account": of_another_account,
}


def manage(rig: OperationRig, **management: Any) -> None:
    spec: dict[str, Any] = rig.clusters._bodies[CLUSTER_KEY]["spec"]
    rig.clusters.apply(CLUSTER_KEY, {**spec, "management": management})


async def drain(rig: OperationRig, **members: Any) -> None:
    """A node drains, and a budget keeps its pod."""
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "budget"
    rig.apply("Replace", rig.ids[:1], **members)
    await rig.until(lambda: rig.states() == ["Draining"] and bool(rig.marks.marked))


async def wait(rig: OperationRig, seconds: float) -> None:
    until = rig.clock.monotonic() + seconds
    while rig.clock.monotonic() < until:
        await rig.step()


@pytest.mark.parametrize("what", LASTING)
async def test_nodes_that_drain_are_given_back_after_a_while(rig: OperationRig, what: str) -> None:
    await drain(rig, activeDeadlineSeconds=86400)
    LASTING[what](rig)
    await wait(rig, 0.5 * rig.timings.cut_off)
    rig.restart()
    if what == "another account":
        of_another_account(rig)
    assert (rig.states(), bool(rig.marks.marked)) == (["Draining"], True)
    await wait(rig, 0.5 * rig.timings.cut_off + 600)
    assert (rig.states(), rig.marks.marked) == (["Pending"], set())
    assert "could not use its cluster" in rig.entries()[0]["message"]
    assert rig.calls() == []


async def test_it_goes_on_when_a_person_has_acted(rig: OperationRig) -> None:
    await drain(rig, activeDeadlineSeconds=86400)
    loses_tags(rig)
    await wait(rig, rig.timings.cut_off + 600)
    restore(rig)
    rig.pods.refused.clear()
    await rig.rest()
    assert (rig.states(), rig.pods.evicted, len(rig.calls())) == (["Succeeded"], ["train"], 1)


async def test_single_odd_answers_hours_apart_give_no_node_back(rig: OperationRig) -> None:
    await drain(rig, activeDeadlineSeconds=86400, drain={"drainTimeoutSeconds": 0})
    for _ in range(3):
        loses_tags(rig)
        await rig.step()
        restore(rig)
        await rig.step()
        rig.simulator.clock.advance(3600)
        assert rig.states() == ["Draining"]


async def test_what_passes_by_itself_gives_no_node_back(rig: OperationRig) -> None:
    await drain(rig, activeDeadlineSeconds=86400)
    fails("ThrottlingException")(rig)
    for _ in range(2):
        await rig.step()
        rig.simulator.clock.advance(4 * rig.timings.cut_off)
    assert rig.states() == ["Draining"]


async def test_a_node_about_which_aws_was_asked_keeps_its_taint(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids[:1], activeDeadlineSeconds=86400)
    await rig.until_state("Waiting")
    loses_tags(rig)
    await wait(rig, rig.timings.cut_off + 600)
    assert (rig.states(), bool(rig.marks.marked)) == (["Waiting"], True)


@pytest.mark.parametrize("what", LASTING)
async def test_a_pause_stops_the_time_where_the_cluster_cannot_be_used(rig: OperationRig, what: str) -> None:
    await drain(rig, activeDeadlineSeconds=3600)
    LASTING[what](rig)
    await rig.step()
    manage(rig, paused=True)
    await wait(rig, 700)
    assert (rig.states(), rig.marks.marked, "startTime" in rig.status_of()) == (["Pending"], set(), False)
    rig.simulator.clock.advance(86400)
    await rig.step()
    assert rig.states() == ["Pending"]
