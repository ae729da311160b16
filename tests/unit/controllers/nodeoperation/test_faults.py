"""Lost answers, refusals, nodes that others end, budgets that never allow: what AWS is asked, and how often."""

import asyncio
import itertools
from collections.abc import Callable

import pytest
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig
from tests.unit.controllers.nodeoperation.test_life import CALLED, OPERATIONS
from tests.unit.controllers.rig import pause

from hyperpod_operator.core.drain.marks import TAINT, Owner, detaches, is_draining
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.ports import Key, KubernetesError
from hyperpod_testbed.simulator import Fault

ONCE = [one for one in OPERATIONS if one != "Move"]
"""Operations whose calls have no token."""


@pytest.mark.parametrize("operation", ONCE)
async def test_a_call_whose_answer_is_lost_after_it_worked_is_seen_and_not_repeated(
    rig: OperationRig, operation: str
) -> None:
    rig.simulator.faults.add(Fault(CALLED[operation], "commit_then_drop", times=1))
    rig.apply(operation, rig.ids[:1])
    await rig.rest()
    assert rig.states() == ["Succeeded"]
    assert len(rig.calls()) == 1


@pytest.mark.parametrize("operation", ONCE)
async def test_a_call_that_was_lost_before_it_worked_is_never_repeated(rig: OperationRig, operation: str) -> None:
    rig.simulator.faults.add(Fault(CALLED[operation], "drop", times=1))
    rig.apply(operation, rig.ids[:1])
    await rig.rest()
    assert rig.states() == ["Failed"]
    assert "did not answer" in rig.entries()[0]["message"]
    assert len(rig.calls()) == 1
    assert not rig.marks.marked


@pytest.mark.parametrize("kind", ["drop", "commit_then_drop"])
async def test_a_move_without_an_answer_is_repeated_under_its_token(rig: OperationRig, kind: str) -> None:
    rig.simulator.faults.add(Fault("MoveClusterNodes", kind, times=1))  # type: ignore[arg-type]  # one of its kinds
    rig.apply("Move", rig.ids[:2], maxInFlight=2)
    await rig.rest()
    assert rig.states() == ["Succeeded", "Succeeded"]
    assert len({str(call.parameters["ClientToken"]) for call in rig.calls()}) == 1
    assert sum(call.committed for call in rig.calls()) >= 1
    assert len([one for one in rig.ids if one]) == 1


async def test_a_move_that_aws_may_not_have_heard_of_is_not_repeated_while_it_is_suspended(rig: OperationRig) -> None:
    rig.simulator.faults.add(Fault("MoveClusterNodes", "drop", times=1))
    rig.apply("Move", rig.ids[:1])
    await rig.until_state("Sent")
    rig.edit(suspend=True)
    for _ in range(10):
        await rig.step()
    assert (rig.states(), len(rig.calls())) == (["Sent"], 1)
    rig.edit(suspend=False)
    await rig.rest()
    assert (rig.states(), len({call.parameters["ClientToken"] for call in rig.calls()})) == (["Succeeded"], 1)


async def test_an_answer_that_names_no_node_leaves_it_open(rig: OperationRig) -> None:
    rig.simulator.faults.add(Fault("BatchRebootClusterNodes", "body", body="html", times=1))
    rig.apply("Reboot", rig.ids[:1])
    await rig.rest()
    assert len(rig.calls()) == 1


async def test_a_node_that_aws_refuses_for_now_is_asked_about_again_ever_later(make_rig: MakeRig) -> None:
    rig = make_rig(blocked_batch_error="items")
    first = rig.ids[0]
    rig.apply("Delete", [first])
    rig.simulator.faults.add(
        Fault("BatchDeleteClusterNodes", "error", code="ConflictException", message="busy", status=400, times=3)
    )
    await rig.rest()
    assert rig.states() == ["Succeeded"]
    times = [call.simulated_time for call in rig.calls()]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert pauses[0] >= 30


async def test_a_call_that_aws_denies_is_not_hammered(rig: OperationRig) -> None:
    rig.simulator.faults.add(
        Fault("BatchRebootClusterNodes", "error", code="AccessDeniedException", message="no", status=400)
    )
    rig.apply("Reboot", rig.ids[:1], activeDeadlineSeconds=3600)
    await rig.until_state("Draining")
    await rig.until(lambda: bool(rig.calls()))
    await rig.rest(passes=120)  # 720, if it looked as often as while pods leave
    assert rig.states() == ["Failed"]
    assert len(rig.calls()) <= 12
    assert rig.entries()[0]["awsCode"] == "AccessDeniedException"


async def test_a_node_that_hyperpod_replaces_meanwhile_fails_and_is_not_touched_again(rig: OperationRig) -> None:
    node = rig.ids[0]
    rig.apply("Reboot", [node])
    await rig.until_state("Waiting")
    rig.replaced_by_hyperpod(node)
    await rig.rest()
    assert rig.states() == ["Failed"]
    assert "HyperPod or another client" in rig.entries()[0]["message"]
    assert [call.operation for call in rig.calls()].count("BatchRebootClusterNodes") == 1


async def test_a_node_that_is_deleted_before_its_turn_is_not_asked_about(rig: OperationRig) -> None:
    first, second, _ = rig.ids
    rig.apply("Reboot", [first, second])
    await rig.until_state("Waiting")
    rig.cloud_call("BatchDeleteClusterNodes", [second])
    await rig.rest()
    assert rig.states() == ["Succeeded", "Failed"]
    assert rig.named()[0] == [first]
    assert [call.operation for call in rig.calls()].count("BatchRebootClusterNodes") == 1


async def test_a_node_that_hyperpod_replaced_before_its_turn_names_the_instance_in_its_place(rig: OperationRig) -> None:
    first, second, third = rig.ids
    rig.apply("Reboot", [first, second])
    await rig.until_state("Waiting")
    rig.replaced_by_hyperpod(second)
    await rig.rest()
    assert rig.states() == ["Succeeded", "Failed"]
    (new,) = set(rig.ids) - {first, second, third}
    assert f"Its place has {new} now." in rig.entries()[1]["message"]


async def test_the_deletion_of_a_node_that_is_gone_is_skipped(rig: OperationRig) -> None:
    rig.apply("Delete", ["i-0123456789abcdef0"])
    await rig.rest()
    assert rig.states() == ["Skipped"]
    assert rig.calls() == []


async def test_a_budget_that_never_allows_ends_in_an_abort_that_leaves_the_node_as_it_was(rig: OperationRig) -> None:
    node = rig.name(rig.ids[0])
    rig.pods.add("train", node)
    rig.pods.refused["train"] = "budget"
    rig.apply("Replace", rig.ids[:1], drain={"drainTimeoutSeconds": 600})
    assert isinstance(await rig.rest(), Done)
    assert rig.states() == ["Failed"]
    assert "drainTimeoutSeconds" in rig.condition("Failed")["message"]
    assert (rig.calls(), rig.pods.evicted, rig.marks.marked) == ([], [], set())
    assert rig.recorder.timeouts == 1


async def test_force_goes_on_after_the_timeout(rig: OperationRig) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "budget"
    rig.apply("Reboot", rig.ids[:1], drain={"drainTimeoutSeconds": 600, "onTimeout": "Force"})
    await rig.rest()
    assert rig.states() == ["Succeeded"]
    assert rig.recorder.timeouts == 1


async def test_pods_that_cannot_be_read_are_not_taken_for_none(rig: OperationRig) -> None:
    rig.pods.problem = "the operator may not list pods"
    rig.apply("Delete", rig.ids[:1], activeDeadlineSeconds=600)
    await rig.rest()
    assert (rig.states(), rig.calls()) == (["Failed"], [])


@pytest.mark.parametrize("operation", ["Replace", "Delete"])
async def test_a_node_asks_the_claims_with_volumes_on_it_and_waits_for_them(rig: OperationRig, operation: str) -> None:
    node = rig.ids[0]
    rig.claims[node] = ("store/data", "team/more")
    rig.apply(operation, [node])
    for _ in range(20):
        await rig.step()
    assert rig.calls() == []
    message = rig.entries()[0]["message"]
    assert "store/data, team/more" in message
    assert "kubectl describe evc data -n store" in message
    assert (rig.condition("Ready")["reason"], rig.condition("Reconciling")["status"]) == ("DetachingVolumes", "True")
    found = rig.nodes.get(rig.name(node))
    assert found is not None
    assert detaches(found)
    rig.claims.clear()
    await rig.rest()
    assert (rig.states(), rig.marks.marked) == (["Succeeded"], set())


async def test_no_claim_is_asked_while_pods_are_on_the_node(rig: OperationRig) -> None:
    node = rig.ids[0]
    rig.claims[node] = ("store/data",)
    rig.pods.add("train", rig.name(node))
    rig.pods.refused["train"] = "budget"
    rig.apply("Replace", [node])
    for _ in range(20):
        await rig.step()
    found = rig.nodes.get(rig.name(node))
    assert found is not None
    assert (is_draining(found), detaches(found)) == (True, False)


async def test_a_person_detaches_what_no_node_can_ask_for(rig: OperationRig) -> None:
    node = rig.ids[0]
    rig.claims[node] = ("store/data",)
    rig.nodes.absent.add(rig.name(node))
    rig.apply("Delete", [node])
    for _ in range(20):
        await rig.step()
    command = 'kubectl patch evc data -n store --type=merge -p \'{"spec":{"attachment":{"suspend":true}}}\''
    assert command in rig.entries()[0]["message"]
    assert (rig.condition("Ready")["reason"], rig.condition("Stalled")["status"]) == ("VolumesOnNodes", "True")
    assert rig.calls() == []


async def test_a_node_with_a_volume_is_refused_where_the_spec_says_so(rig: OperationRig) -> None:
    rig.claims[rig.ids[0]] = ("team/data",)
    rig.apply("Delete", rig.ids[:1], volumes="Refuse")
    await rig.rest()
    assert (rig.states(), rig.calls()) == (["Skipped"], [])


async def test_a_node_under_repair_is_skipped_unless_it_is_included(rig: OperationRig) -> None:
    first, second, _ = rig.ids
    pending = {"sagemaker.amazonaws.com/node-health-status": "UnschedulablePendingReboot"}
    rig.nodes.labels[rig.name(first)] = pending
    rig.apply("Reboot", [first])
    await rig.rest()
    assert (rig.states(), rig.calls()) == (["Skipped"], [])
    rig.nodes.labels.clear()
    rig.nodes.labels[rig.name(second)] = pending
    other = Key("team", "included")
    rig.apply("Delete", [second], key=other, nodesUnderRepair="Include")
    await rig.rest(other)
    assert rig.states(other) == ["Succeeded"]


async def test_the_nodes_of_a_cluster_that_the_object_does_not_own_are_left_alone(rig: OperationRig) -> None:
    rig.simulator.world.create_foreign_cluster("theirs")
    rig.clusters.apply(Key("team", "theirs"), rig.clusters._bodies[CLUSTER_KEY]["spec"])
    rig.operations.apply(
        KEY, {"clusterRef": {"name": "theirs"}, "operation": "Delete", "nodes": {"selector": {"count": 1}}}
    )
    for _ in range(5):
        await rig.step()
    assert rig.condition("Accepted")["reason"] == "NotOwned"
    assert (rig.calls(), rig.entries()) == ([], [])


async def test_a_cluster_of_another_namespace_cannot_be_named(rig: OperationRig) -> None:
    other = Key("other-team", "operation")
    rig.apply("Reboot", rig.ids[:1], key=other)
    await rig.once(other)
    assert rig.condition("Accepted", other)["reason"] == "ClusterNotFound"
    assert rig.calls() == []


async def test_a_cluster_that_is_deleted_half_way_ends_the_operation_and_undoes_its_marks(rig: OperationRig) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "budget"
    rig.apply("Reboot", rig.ids[:2])
    await rig.until_state("Draining")
    for _ in range(3):
        await rig.step()
    assert rig.marks.marked
    rig.clusters._bodies[CLUSTER_KEY]["metadata"]["finalizers"] = ["x"]
    rig.clusters.delete(CLUSTER_KEY)
    await rig.rest()
    assert rig.states() == ["Failed", "Skipped"]
    assert not rig.marks.marked


@pytest.mark.parametrize("state", ["Draining", "Waiting"])
async def test_a_deletion_half_way_undoes_everything_of_ours(rig: OperationRig, state: str) -> None:
    if state == "Draining":
        rig.pods.add("train", rig.name(rig.ids[0]))
        rig.pods.refused["train"] = "budget"
    rig.apply("Reboot", rig.ids[:2], maxInFlight=2)
    await rig.until_state(state)
    for _ in range(3):
        await rig.step()
    assert rig.marks.marked
    rig.operations.remove(KEY)
    assert await rig.rest() == Gone()
    assert not rig.marks.marked
    assert not rig.operations.exists(KEY)


async def test_suspension_undoes_the_drain_and_goes_on_afterwards(rig: OperationRig) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "budget"
    rig.apply("Reboot", rig.ids[:1])
    await rig.until_state("Draining")
    await rig.step()
    rig.edit(suspend=True)
    for _ in range(5):
        await rig.step()
    assert (rig.states(), rig.marks.marked) == (["Pending"], set())
    assert rig.condition("Paused")["status"] == "True"
    rig.pods.refused.clear()
    rig.edit(suspend=False)
    await rig.rest()
    assert rig.states() == ["Succeeded"]


async def test_the_deadline_ends_what_is_not_done(rig: OperationRig) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "budget"
    rig.apply("Reboot", rig.ids[:2], activeDeadlineSeconds=120)
    await rig.rest()
    assert rig.states() == ["Failed", "Skipped"]
    assert "Waits for ml/train: budget. AWS was not asked." in rig.entries()[0]["message"]


async def test_the_deadline_says_what_was_awaited_of_aws(rig: OperationRig) -> None:
    rig.simulator.world.limit_capacity(CLUSTER_KEY.name, "gpu", 0)
    rig.apply("Replace", rig.ids[:1], activeDeadlineSeconds=3600)
    await rig.rest()
    said = rig.entries()[0]["message"]
    assert "waits for an instance in its place. What AWS was asked for goes on." in said
    assert "taint" not in said  # there is no Node any more
    assert not rig.marks.marked


async def test_a_finished_operation_is_deleted_when_its_time_is_over(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids[:1], ttlSecondsAfterFinished=300)
    for _ in range(200):
        await rig.step()
        if not rig.operations.exists(KEY):
            break
    assert not rig.operations.exists(KEY)
    assert rig.operations.writes.count("delete") == 1


@pytest.mark.parametrize(
    ("member", "mark", "tool"),
    [
        ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
        ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
        ("annotations", "meta.helm.sh/release-name", "Helm"),
    ],
)
@pytest.mark.parametrize("nodes", [1, 0])
async def test_what_a_tool_would_create_again_is_not_deleted_and_says_so(
    rig: OperationRig, member: str, mark: str, tool: str, nodes: int
) -> None:
    """Created again it would run again: nodes would be rebooted without end."""
    rig.apply("Reboot", rig.ids[:1] if nodes else ["i-0000000000000000f"], ttlSecondsAfterFinished=0)
    rig.operations._bodies[KEY]["metadata"].setdefault(member, {})[mark] = "research"
    await rig.rest()
    for _ in range(20):
        await rig.step()
    assert rig.operations.exists(KEY)
    assert "delete" not in rig.operations.writes
    assert f"{tool} would create it again" in rig.condition("Ready")["message"]


async def test_an_operation_waits_until_its_time(rig: OperationRig) -> None:
    start = int(rig.clock.now().timestamp()) + 7200
    rig.apply("Reboot", rig.ids[:1], notBefore=rig.stamp_of(start))
    await rig.step()
    assert (rig.condition("Ready")["reason"], rig.states(), rig.marks.writes) == ("NotBefore", ["Pending"], 0)
    assert "startTime" not in rig.status_of()
    await rig.rest()
    assert rig.calls()[0].simulated_time >= start


@pytest.mark.parametrize("restarting", [False, True])
async def test_operations_on_the_same_nodes_never_hold_one_at_once(rig: OperationRig, restarting: bool) -> None:
    keys = [Key("team", f"operation-{number}") for number in range(10)]
    for key in keys:
        rig.apply("Reboot", rig.ids, key=key, maxInFlight=3)
    holders: set[frozenset[str]] = set()
    for turn in range(400):
        for key in keys:
            await rig.once(key)
            if restarting and turn % 7 == 3:
                rig.restart()
        held = [
            entry["instanceId"]
            for key in keys
            for entry in rig.entries(key)
            if entry["state"] in {"Draining", "Sent", "Waiting"}
        ]
        assert len(held) == len(set(held))
        holders.add(frozenset(held))
        rig.simulator.clock.advance(60)
        if all(set(rig.states(key)) == {"Succeeded"} for key in keys):
            break
    assert all(set(rig.states(key)) == {"Succeeded"} for key in keys)
    assert len([name for names in rig.named() for name in names]) == 30
    assert not rig.marks.marked


async def test_a_pod_that_came_before_the_taint_is_seen_before_aws_is_asked(rig: OperationRig) -> None:
    """The watch of pods is behind; the API server itself is asked last."""
    node = rig.name(rig.ids[0])
    read: Callable[..., object] = rig.pods.read
    rig.pods.add("late", node)
    hidden = dict(rig.pods.pods)

    async def behind(**fields: object) -> object:
        rig.pods.pods.clear()
        try:
            return await read(**fields)  # type: ignore[misc]  # the reader's own method
        finally:
            rig.pods.pods.update(hidden)

    rig.pods.read = behind  # type: ignore[method-assign,assignment]
    rig.apply("Delete", rig.ids[:1])
    for _ in range(10):
        await rig.step()
    assert rig.calls() == []


async def test_a_refused_cluster_read_says_so_and_keeps_what_was_known(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids[:1])
    await rig.until_state("Waiting")
    rig.simulator.faults.add(
        Fault("ListTags", "error", code="AccessDeniedException", message="no", status=400, times=1)
    )
    assert isinstance(await rig.once(), Blocked)
    assert rig.states() == ["Waiting"]
    assert rig.condition("Ready")["reason"] == "PermissionDenied"
    rig.simulator.clock.advance(300)
    await rig.rest()
    assert rig.states() == ["Succeeded"]


async def test_two_leaders_never_ask_about_a_node_twice(rig: OperationRig) -> None:
    """A process that does not know yet that it lost its lease works beside its successor, pass by pass."""
    rig.apply("Replace", rig.ids, maxInFlight=3)
    former = rig.controller
    rig.restart()
    for _ in range(300):
        outcomes = await asyncio.gather(former.reconcile(KEY, 0), rig.controller.reconcile(KEY, 0))
        if all(isinstance(one, Done) for one in outcomes):
            break
        rig.simulator.clock.advance(min(pause(one) for one in outcomes))
    assert rig.states() == ["Succeeded"] * 3
    named = [name for names in rig.named() for name in names]
    assert len(named) == len(set(named)) == 3
    assert not rig.marks.marked


async def test_a_taint_that_another_client_added_is_waited_for_without_a_write_in_each_pass(rig: OperationRig) -> None:
    node = rig.name(rig.ids[0])
    rig.nodes.taints[node] = (TAINT,)
    rig.apply("Reboot", rig.ids[:1])
    for _ in range(5):
        await rig.step()
    assert rig.states() == ["Pending"]
    assert "another client" in rig.entries()[0]["message"]
    rig.operations.writes.clear()
    for _ in range(10):
        await rig.step()
    assert (rig.operations.writes, rig.marks.writes, rig.calls()) == ([], 0, [])
    del rig.nodes.taints[node]
    await rig.rest()
    assert rig.states() == ["Succeeded"]


@pytest.mark.parametrize(("nodes", "most"), [(1, 0.1), (25, 0.5), (500, 5.0), (10_000, 5.0)])
async def test_news_of_one_node_is_looked_at_the_later_the_more_nodes_there_are(nodes: int, most: float) -> None:
    """A pass costs as much more, and news of hundreds of nodes come together."""
    assert OperationTimings().news(nodes) <= most
    assert OperationTimings().news(nodes) <= OperationTimings().news(2 * nodes)


async def test_marks_that_the_api_server_keeps_are_tried_again_ever_later(
    rig: OperationRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "budget"
    rig.apply("Reboot", rig.ids[:1], activeDeadlineSeconds=60)
    await rig.until(lambda: bool(rig.marks.marked))
    rig.simulator.clock.advance(61)

    async def refused(*, node: str, owner: Owner) -> None:
        raise KubernetesError(status=403, message="a policy says no")

    with monkeypatch.context() as patched:
        patched.setattr(rig.marks, "unmark", refused)
        pauses = [pause(await rig.step()) for _ in range(8)]
        assert "a policy says no" in rig.entries()[0]["message"]
    assert pauses[-4:] == [400.0, 600.0, 600.0, 600.0]
    assert pauses == sorted(pauses)
    await rig.rest()
    assert not rig.marks.marked
