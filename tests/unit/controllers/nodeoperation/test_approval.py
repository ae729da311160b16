"""Operations on nodes of a cluster whose changePolicy asks for approvals."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.names import APPROVE_PLAN
from hyperpod_testbed.simulator import Fault


def manage(rig: OperationRig, **management: Any) -> None:
    """A person edits how the cluster of the operation is managed."""
    spec: dict[str, Any] = rig.clusters._bodies[CLUSTER_KEY]["spec"]
    rig.clusters.apply(CLUSTER_KEY, {**spec, "management": management})


def guard(rig: OperationRig, policy: str) -> None:
    manage(rig, changePolicy=policy)


@pytest.mark.parametrize("policy", ["ApproveDisruptive", "ApproveAll", "PlanOnly"])
async def test_nothing_happens_before_the_approval(rig: OperationRig, policy: str) -> None:
    guard(rig, policy)
    rig.apply("Reboot", rig.ids[:1])
    for _ in range(5):
        await rig.step()
    assert (rig.calls(), rig.marks.writes, rig.states()) == ([], 0, ["Pending"])
    assert rig.condition("PlanApproved")["status"] == "False"


async def test_a_gauge_says_that_it_waits_until_it_is_approved(rig: OperationRig) -> None:
    guard(rig, "ApproveAll")
    rig.apply("Reboot", rig.ids[:1])
    await rig.step()
    assert rig.recorder.gauges(NODE_OPERATION, KEY, "approval_waiting") == {(): 1.0}
    digest = rig.condition("PlanApproved")["message"].rpartition("=")[2]
    rig.operations.apply(KEY, rig.operations._bodies[KEY]["spec"], annotations={APPROVE_PLAN: digest})
    await rig.step()
    assert rig.recorder.gauges(NODE_OPERATION, KEY, "approval_waiting") == {(): 0.0}


async def test_the_digest_of_the_message_approves(rig: OperationRig) -> None:
    guard(rig, "ApproveDisruptive")
    rig.apply("Replace", rig.ids[:1])
    await rig.step()
    digest = rig.condition("PlanApproved")["message"].rpartition("=")[2]
    spec = rig.operations._bodies[KEY]["spec"]
    rig.operations.apply(KEY, spec, annotations={APPROVE_PLAN: digest})
    await rig.rest()
    assert rig.states() == ["Succeeded"]


WITHHELD: Mapping[str, tuple[Callable[[OperationRig], None], Callable[[OperationRig], None]]] = {
    "suspended": (lambda rig: rig.edit(suspend=True), lambda rig: rig.edit(suspend=False)),
    "paused": (lambda rig: manage(rig, paused=True), manage),
    "not approved any more": (lambda rig: manage(rig, changePolicy="ApproveAll"), manage),
}
"""How people keep an operation from acting, and let it act again."""


@pytest.mark.parametrize("how", WITHHELD)
async def test_the_time_begins_again_where_people_kept_it_from_acting(rig: OperationRig, how: str) -> None:
    """One node is done, and the next one drains."""
    withhold, release = WITHHELD[how]
    rig.pods.add("train", rig.name(rig.ids[1]))
    rig.pods.refused["train"] = "budget"
    rig.apply("Reboot", rig.ids[:2], activeDeadlineSeconds=3600)
    await rig.until(lambda: rig.states() == ["Succeeded", "Draining"])
    withhold(rig)
    rig.simulator.clock.advance(2 * 3600)  # the operator was away meanwhile, too
    await rig.step()
    rig.simulator.clock.advance(86400)
    rig.simulator.faults.add(Fault("DescribeCluster", "error", code="AccessDeniedException", message="no", times=1))
    await rig.step()
    await rig.step()
    assert (rig.states(), "startTime" in rig.status_of()) == (["Succeeded", "Pending"], False)
    release(rig)
    rig.pods.refused.clear()
    await rig.rest()
    assert rig.states() == ["Succeeded", "Succeeded"]


@pytest.mark.parametrize("started", [False, True], ids=["", "by an earlier version"])
async def test_an_approval_that_comes_days_later_is_in_time(rig: OperationRig, *, started: bool) -> None:
    guard(rig, "ApproveDisruptive")
    rig.apply("Replace", rig.ids[:1], activeDeadlineSeconds=3600)
    await rig.step()
    if started:  # it began the time with the choice of the nodes
        rig.operations._bodies[KEY]["status"]["startTime"] = rig.stamp_of(int(rig.clock.now().timestamp()))
        await rig.step()
    rig.simulator.clock.advance(3 * 86400)
    await rig.step()
    assert (rig.states(), rig.condition("Ready")["reason"]) == (["Pending"], "WaitingForApproval")
    spec, digest = rig.operations._bodies[KEY]["spec"], rig.status_of()["plan"]["digest"]
    rig.operations.apply(KEY, spec, annotations={APPROVE_PLAN: digest})
    await rig.rest()
    assert rig.states() == ["Succeeded"]


async def test_status_has_the_plan_whose_digest_approves(rig: OperationRig) -> None:
    guard(rig, "ApproveDisruptive")
    rig.apply("Replace", rig.ids[:1])
    await rig.step()
    plan = rig.status_of()["plan"]
    assert rig.condition("PlanApproved")["message"].endswith(plan["digest"])
    assert (plan["state"], plan["summary"]) == ("Pending", "Replace of 1 node")
    assert plan["actions"] == [
        {
            "call": "BatchReplaceClusterNodes",
            "effect": "Destroys",
            "nodes": rig.ids[:1],
            "nodeCount": 1,
            "waits": True,
        }
    ]


async def test_the_plan_of_a_status_follows_the_operation(rig: OperationRig) -> None:
    """Its moment is that of the change, so that a pass without one writes nothing."""
    guard(rig, "ApproveDisruptive")
    rig.apply("Reboot", rig.ids[:1])
    await rig.step()
    seen = [(rig.status_of()["plan"]["state"], rig.status_of()["plan"]["computedAt"])]
    await rig.step()
    assert seen == [(rig.status_of()["plan"]["state"], rig.status_of()["plan"]["computedAt"])]
    spec = rig.operations._bodies[KEY]["spec"]
    rig.operations.apply(KEY, spec, annotations={APPROVE_PLAN: rig.status_of()["plan"]["digest"]})
    states = set()
    for _ in range(40):
        await rig.step()
        states.add(rig.status_of()["plan"]["state"])
    assert states >= {"Applying", "None"}
    assert rig.status_of()["plan"]["actions"][0].get("waits") is None


async def test_an_approval_of_something_else_does_not_count(rig: OperationRig) -> None:
    guard(rig, "ApproveDisruptive")
    rig.apply("Reboot", rig.ids[:1])
    rig.operations.apply(KEY, rig.operations._bodies[KEY]["spec"], annotations={APPROVE_PLAN: "sha256:" + "0" * 64})
    for _ in range(3):
        await rig.step()
    assert rig.calls() == []
    assert rig.condition("PlanApproved")["reason"] == "PlanStale"


async def test_nodes_that_drain_are_given_back_when_the_policy_asks_for_an_approval_after_all(
    rig: OperationRig,
) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "the budget allows none"
    rig.apply("Reboot", rig.ids[:1], drain={"drainTimeoutSeconds": 600, "onTimeout": "Force"})
    await rig.until_state("Draining")
    guard(rig, "ApproveAll")
    for _ in range(3):
        await rig.step()
    assert (rig.states(), rig.marks.marked, rig.calls()) == (["Pending"], set(), [])
