"""Operations on nodes of a cluster whose changePolicy asks for approvals."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.names import APPROVE_PLAN, NODE_HEALTH_STATUS
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
    rig.edit(suspend=True)
    await rig.step()
    assert rig.recorder.gauges(NODE_OPERATION, KEY, "approval_waiting") == {(): 0.0}
    rig.edit(suspend=False)
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
    approve(rig)
    await rig.rest()
    assert rig.states() == ["Succeeded"]


def approve(rig: OperationRig) -> None:
    """A person approves the plan that status has."""
    spec, digest = rig.operations._bodies[KEY]["spec"], rig.status_of()["plan"]["digest"]
    rig.operations.apply(KEY, spec, annotations={APPROVE_PLAN: digest})


def tonight(rig: OperationRig) -> dict[str, Any]:
    return {"notBefore": rig.stamp_of(int(rig.clock.now().timestamp()) + 6 * 3600)}


OLDEST = {"selector": {"instanceGroupName": "gpu", "order": "Oldest", "count": 1}}
WAITS: Mapping[str, tuple[Callable[[OperationRig], dict[str, Any]], str]] = {
    "notBefore": (tonight, "NotBefore"),
    "suspend": (lambda _: {"suspend": True}, "OperationSuspended"),
}
"""What keeps an operation from beginning: members of the spec, and the reason."""


async def begin(rig: OperationRig, what: str) -> None:
    """The evening goes by, and the operation may begin."""
    for _ in range(8):
        await rig.step()
    if what == "suspend":
        body = rig.operations._bodies[KEY]
        rig.operations.apply(KEY, {**body["spec"], "suspend": False}, annotations=body["metadata"]["annotations"])


@pytest.mark.parametrize("what", WAITS)
@pytest.mark.parametrize("nodes", [None, OLDEST], ids=["named", "selected"])
async def test_what_may_not_begin_yet_is_approved_before_and_runs_then(
    rig: OperationRig, what: str, nodes: dict[str, Any] | None
) -> None:
    members, reason = WAITS[what]
    guard(rig, "ApproveDisruptive")
    named = {"nodes": nodes} if nodes else {"ids": rig.ids[:1]}
    rig.apply("Reboot", **named, activeDeadlineSeconds=3600, **members(rig))
    await rig.step()
    said = rig.condition("PlanApproved")
    assert said["reason"] == "WaitingForApproval"
    assert ("It starts at" in said["message"], "chooses again" in said["message"]) == (what == "notBefore", bool(nodes))
    approve(rig)
    await rig.step()
    assert (rig.condition("PlanApproved")["status"], rig.condition("Ready")["reason"]) == ("True", reason)
    assert (rig.status_of()["plan"]["state"], rig.states(), rig.marks.writes) == ("Approved", ["Pending"], 0)
    await begin(rig, what)
    await rig.rest()
    assert (rig.states(), rig.named()) == (["Succeeded"], [rig.ids[:1]])


@pytest.mark.parametrize("what", WAITS)
async def test_an_approval_lapses_where_other_nodes_are_chosen_in_the_end(rig: OperationRig, what: str) -> None:
    members, _ = WAITS[what]
    guard(rig, "ApproveDisruptive")
    rig.apply("Reboot", nodes=OLDEST, **members(rig))
    await rig.step()
    approve(rig)
    await rig.step()
    (first,) = [entry["instanceId"] for entry in rig.entries()]
    rig.replaced_by_hyperpod(first)
    await begin(rig, what)
    for _ in range(5):
        await rig.step()
    said = rig.condition("PlanApproved")
    assert (said["reason"], rig.calls(), rig.marks.writes) == ("PlanStale", [], 0)
    assert "is of other nodes" in said["message"]
    assert rig.entries()[0]["instanceId"] != first
    approve(rig)
    await rig.rest()
    assert rig.states() == ["Succeeded"]
    assert first not in rig.named()[0]


async def test_nothing_becomes_of_nodes_that_may_not_begin_yet(rig: OperationRig) -> None:
    """At noon one is under repair, and one is not there yet."""
    first = rig.ids[0]
    rig.nodes.labels[rig.name(first)] = {NODE_HEALTH_STATUS: "UnschedulablePendingReboot"}
    rig.apply("Reboot", [first, "i-0123456789abcdef0"], **tonight(rig))
    for _ in range(3):
        await rig.step()
    assert rig.states() == ["Pending", "Pending"]
    rig.nodes.labels.clear()
    await rig.rest()
    assert rig.states() == ["Succeeded", "Failed"]


async def test_nodes_of_the_afternoon_do_not_begin_where_none_can_be_chosen_at_night(rig: OperationRig) -> None:
    rig.apply("Reboot", nodes={"selector": {"order": "Idle", "count": 1}}, **tonight(rig))
    await rig.step()
    assert rig.states() == ["Pending"]
    rig.pods.problem = "the pods cannot be listed"
    await begin(rig, "notBefore")
    assert (rig.states(), rig.marks.writes) == ([], 0)
    rig.pods.problem = ""
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
