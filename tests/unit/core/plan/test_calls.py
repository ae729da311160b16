"""The complete list of calls of a cluster, and that the call which is made is the first of it that does not wait."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.builders import (
    NOW,
    ROLE,
    cluster,
    failed_creation,
    group,
    group_spec,
    managed,
    never_in_service,
    our_tags,
    recorded,
    resource,
    scaled,
    seen,
    snapshot_of,
    spec,
    with_group,
)
from tests.unit.core.test_invariants import snapshots

from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot
from hyperpod_operator.core.cluster.plan import operation
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.call import Effect, PlannedCall
from hyperpod_operator.core.observed import ObservedCluster
from hyperpod_operator.core.plan.calls import steps
from hyperpod_operator.core.plan.model import joined
from hyperpod_operator.core.plan.plan import plan_of
from hyperpod_operator.core.plan.record import carried_steps, worst_first


def calls(owner: Resource, found: ObservedCluster | None, **fields: Any) -> tuple[PlannedCall, ...]:
    return joined(steps(snapshot_of(owner, seen(owner, found, **fields))), held=frozenset())


def lines(found: tuple[PlannedCall, ...]) -> list[str]:
    return [str(change) for call in found for change in call.changes]


def existing(wanted: dict[str, Any] | None = None, **status: Any) -> Resource:
    return resource(spec=wanted or spec(), status=recorded(**status))


def test_a_cluster_in_sync_has_no_calls() -> None:
    assert calls(existing(), cluster()) == ()


def test_a_cluster_that_does_not_exist_is_created() -> None:
    (call,) = calls(resource(), None)
    assert (call.operation, call.effect, call.node_count) == ("CreateCluster", Effect.ADDS, 6)


def test_an_update_names_its_changes_by_path() -> None:
    found = calls(existing(scaled(6)), cluster())
    assert [(call.operation, call.effect) for call in found] == [("UpdateCluster", Effect.ADDS)]
    assert lines(found) == ["instanceGroups[gpu].instanceCount: 4 -> 6"]


def test_a_scale_in_destroys() -> None:
    (call,) = calls(existing(scaled(1)), cluster())
    assert (call.effect, call.node_count) == (Effect.DESTROYS, 3)


def test_a_removed_group_destroys_its_nodes() -> None:
    (call,) = calls(existing(spec(instanceGroups=[group_spec()])), cluster())
    assert lines((call,)) == ["instanceGroups[cpu]: delete with 2 nodes"]
    assert call.effect is Effect.DESTROYS


def test_an_added_group_adds() -> None:
    wanted = spec(instanceGroups=[*spec()["instanceGroups"], group_spec("new", 3)])
    (call,) = calls(existing(wanted), cluster())
    assert lines((call,)) == ["instanceGroups[new]: add with 3 nodes (ml.p5.48xlarge)"]
    assert call.effect is Effect.ADDS


def test_changes_of_one_update_are_one_call_as_bad_as_the_worst() -> None:
    wanted = spec(instanceGroups=[group_spec(count=6)], nodeRecovery="None")
    (call,) = calls(existing(wanted), cluster())
    assert len(call.changes) == 3
    assert call.effect is Effect.DESTROYS


def pinned(**releases: str) -> dict[str, Any]:
    types = {"gpu": (4, "ml.p5.48xlarge"), "cpu": (2, "ml.m5.4xlarge")}
    return spec(
        instanceGroups=[
            group_spec(name, count, instanceType=kind)
            | ({"imageReleaseVersion": releases[name]} if name in releases else {})
            for name, (count, kind) in types.items()
        ]
    )


def test_groups_whose_software_differs_alike_share_a_call() -> None:
    (call,) = calls(existing(pinned(gpu="1.2.3", cpu="1.2.3")), cluster(wanted=pinned(gpu="1.2.2", cpu="1.2.2")))
    assert (call.operation, call.effect, len(call.changes)) == ("UpdateClusterSoftware", Effect.DISRUPTS, 2)


def test_tags_are_removed_before_they_are_set() -> None:
    owner = existing(spec(tags=[{"key": "new", "value": "1"}]), appliedTagKeys=["old"])
    found = calls(owner, cluster(), tags=our_tags(owner, old="1"))
    assert [call.operation for call in found] == ["DeleteTags", "AddTags"]


def test_an_adoption_begins_with_the_ownership_tags_and_shows_what_follows() -> None:
    owner = resource(spec=scaled(6, management={"adoptionPolicy": "IfUnowned"}))
    found = calls(owner, cluster(), tags={})
    assert [call.operation for call in found][:1] == ["AddTags"]
    assert found[0].exempt


def test_a_cluster_of_another_owner_has_no_calls() -> None:
    assert calls(resource(spec=scaled(6)), cluster(), tags={}) == ()


def test_a_deleted_resource_plans_the_deletion_alone() -> None:
    owner = replace(existing(scaled(6)), deleting=True)
    (call,) = calls(owner, cluster())
    assert (call.operation, call.effect, call.node_count) == ("DeleteCluster", Effect.DESTROYS, 6)


def test_a_cluster_that_stays_loses_its_ownership_tags_and_no_more() -> None:
    owner = replace(existing(managed(deletionPolicy="Retain")), deleting=True)
    (call,) = calls(owner, cluster(), tags=our_tags(owner, team="a"))
    assert (call.operation, call.effect, call.exempt) == ("DeleteTags", Effect.CHANGES, True)
    assert {change.path for change in call.changes} == {f"tags[{key}]" for key in owner.ownership_tags}


def test_a_failed_creation_is_cleared_away_and_made_again() -> None:
    owner = resource(spec=managed(onCreateFailure="Recreate"), status=never_in_service())
    assert [call.operation for call in calls(owner, failed_creation())] == ["DeleteCluster", "CreateCluster"]


def test_a_paused_resource_has_the_same_plan() -> None:
    running, paused = existing(scaled(6)), existing(scaled(6, management={"paused": True}))
    assert calls(running, cluster()) == calls(paused, cluster())


def digest(owner: Resource, found: ObservedCluster | None) -> str:
    return plan_of(snapshot_of(owner, seen(owner, found))).gate.digest


def test_the_order_in_which_aws_lists_groups_and_a_spec_names_them_is_no_part_of_the_digest() -> None:
    wanted, found = scaled(6, nodeRecovery="None"), cluster()
    turned = scaled(6, nodeRecovery="None")
    turned["instanceGroups"].reverse()
    other = replace(found, groups=found.groups[::-1])
    assert digest(existing(wanted), found) == digest(existing(turned), other)


def test_a_creation_with_subnets_in_another_order_has_the_same_digest() -> None:
    network = {"securityGroupIds": ["sg-2", "sg-1"], "subnets": ["subnet-1"]}
    assert digest(resource(), None) == digest(resource(spec=spec(vpcConfig=network)), None)


def test_time_is_no_part_of_the_digest() -> None:
    owner = existing(scaled(6))
    later = snapshot_of(owner, seen(owner, cluster()), now=NOW.replace(year=2030))
    assert plan_of(later).gate.digest == digest(owner, cluster())


def removal(owner: str, count: int) -> str:
    cpu = group_spec("cpu", 2, instanceType="ml.m5.4xlarge")
    scaling = {"mode": "Enable", "autoScalerType": "Karpenter"} if owner == "External" else None
    extra = {"autoScaling": scaling, "clusterRole": ROLE} if scaling else {}
    members = {**cluster().members, **extra}
    kept = spec(instanceGroups=[group_spec()], **extra)
    return digest(existing(kept), with_group(cluster(members=members), group(cpu, target_count=count)))


def test_a_count_that_others_own_is_no_part_of_the_digest() -> None:
    assert removal("External", 2) == removal("External", 9)


def test_a_count_that_is_ours_is_part_of_the_digest() -> None:
    assert removal("Operator", 2) != removal("Operator", 9)


policies = st.sampled_from(["Auto", "ApproveDisruptive", "ApproveAll", "PlanOnly"])


def under(snapshot: ClusterSnapshot, policy: str) -> ClusterSnapshot:
    """The same with another policy."""
    owner = snapshot.resource
    wanted = owner.spec.model_dump(exclude_none=True)
    wanted["management"] = {**wanted.get("management", {}), "changePolicy": policy}
    changed = replace(owner, spec=type(owner.spec).model_validate(wanted))
    return snapshot_of(changed, snapshot.observed)


@given(snapshots(), policies)
def test_the_call_that_is_made_is_the_first_that_does_not_wait(snapshot: ClusterSnapshot, policy: str) -> None:
    judged = under(snapshot, policy)
    decision = decide(judged)
    if not isinstance(decision, Act) or operation(decision.action) == "DeleteTags":
        return
    plan = plan_of(judged)
    free = [step for step in plan.steps if step not in plan.gate.held]
    assert free[0].operation == operation(decision.action)
    assert not set(carried_steps(judged, decision.action)) & plan.gate.held


@given(snapshots())
def test_a_policy_holds_calls_and_plans_the_same(snapshot: ClusterSnapshot) -> None:
    found = [sorted(repr(step) for step in steps(under(snapshot, policy))) for policy in ("Auto", "PlanOnly")]
    assert found[0] == found[1]


@given(snapshots())
def test_plan_only_changes_nothing_but_ownership_tags(snapshot: ClusterSnapshot) -> None:
    decision = decide(under(snapshot, "PlanOnly"))
    if isinstance(decision, Act):
        assert operation(decision.action) in {"AddTags", "DeleteTags"}


def test_the_plan_of_a_failed_cluster_that_takes_edits_names_them_and_waits() -> None:
    wanted = {**managed(changePolicy="PlanOnly"), "instanceGroups": scaled(6)["instanceGroups"]}
    owner = resource(spec=wanted, status=never_in_service())
    snapshot = snapshot_of(owner, seen(owner, cluster(status="Failed")))
    assert [step.operation for step in steps(snapshot)] == ["UpdateCluster"]
    assert not isinstance(decide(snapshot), Act)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [("Wait", "4 -> 1"), ("Drain", "4 -> 1, pods on them are evicted"),
     ("Ignore", "4 -> 1, pods on them end without notice")],
)  # fmt: skip
def test_a_scale_in_says_what_becomes_of_the_pods(chosen: str, said: str) -> None:
    wanted = {**managed(disruption={"runningWorkloads": chosen}), "instanceGroups": scaled(1)["instanceGroups"]}
    (call,) = calls(existing(wanted), cluster())
    assert lines((call,)) == [f"instanceGroups[gpu].instanceCount: {said}"]


def digest_of(wanted: dict[str, Any], **fields: Any) -> str:
    owner = replace(existing(wanted), **fields)
    return plan_of(snapshot_of(owner, seen(owner, cluster()))).gate.digest


@pytest.mark.parametrize("chosen", ["Drain", "Ignore"])
@pytest.mark.parametrize("groups", [[group_spec(count=1), spec()["instanceGroups"][1]], [group_spec()]])
def test_what_becomes_of_the_pods_is_part_of_what_is_approved(chosen: str, groups: list[dict[str, Any]]) -> None:
    waits = digest_of({**managed(changePolicy="ApproveAll"), "instanceGroups": groups})
    other = managed(changePolicy="ApproveAll", disruption={"runningWorkloads": chosen})
    assert digest_of({**other, "instanceGroups": groups}) != waits


@pytest.mark.parametrize("choice", [{"attachedVolumes": "Orphan"}, {"disruption": {"runningWorkloads": "Ignore"}}])
def test_what_a_deletion_does_not_wait_for_is_part_of_what_is_approved(choice: dict[str, Any]) -> None:
    waits = digest_of(managed(changePolicy="ApproveAll"), deleting=True)
    assert digest_of(managed(changePolicy="ApproveAll", **choice), deleting=True) != waits


def test_a_long_plan_shows_what_destroys_before_anything_else() -> None:
    tags = {f"k{number}": "v" for number in range(30)}
    wanted = spec(instanceGroups=[group_spec(count=6)], tags=[{"key": key, "value": "v"} for key in tags])
    found = calls(existing(wanted), cluster())
    chosen = worst_first(found, most=1)
    assert [str(change) for changes in chosen for change in changes] == ["instanceGroups[cpu]: delete with 2 nodes"]
    assert worst_first(found, most=100) == [list(call.changes) for call in found]
