"""What a preview says with all knowledge, and what it leaves open without."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    OTHERS,
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
    snapshot_of,
    spec,
    with_group,
)

from hyperpod_operator.api.names import TAG_ADOPTED
from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.observed import Observed, ObservedCluster
from hyperpod_operator.core.preview.model import Preview, Sight
from hyperpod_operator.core.preview.preview import preview

SIGHTED = Sight(memory=True)
BLIND = Sight(memory=False)


def seen(owner: Resource, found: ObservedCluster | None, *, tags: Any = "ours", sight: Sight = SIGHTED) -> Preview:
    if tags == "ours":
        tags = our_tags(owner) if found else None
    snapshot = ClusterSnapshot(
        resource=owner, observed=Observed(cluster=None), changes=Changes(), ownership=Ownership.UNREAD, now=NOW
    )
    return preview(snapshot, Observed(cluster=found, tags=tags), sight=sight)


def operations(made: Preview) -> list[str]:
    return [call.operation for call in made.calls]


def unknown_owner(**members: Any) -> Resource:
    """The resource as a manifest has it: without uid and status."""
    return replace(resource(**members), uid="")


def test_nothing_differs() -> None:
    made = seen(resource(status=recorded()), cluster())
    assert not made.changes
    assert not made.notes
    assert made.unchanged == ("cpu: 2/2 nodes", "gpu: 4/4 nodes")


def test_a_cluster_that_is_not_there_is_created() -> None:
    made = seen(resource(), None)
    assert operations(made) == ["CreateCluster"]
    assert not made.exists


def test_a_change_is_a_call_and_its_group_is_not_unchanged() -> None:
    made = seen(resource(spec=scaled(), status=recorded()), cluster())
    assert operations(made) == ["UpdateCluster"]
    assert made.unchanged == ("cpu: 2/2 nodes",)


@pytest.mark.parametrize(
    ("owner", "tags", "words"),
    [
        (resource(), OTHERS, "belongs to team/other"),
        (resource(), {}, "adoptionPolicy to IfUnowned"),
        (resource(spec=managed(adoptionPolicy="IfUnowned")), {f"k{n}": "v" for n in range(48)}, "Remove at least 2"),
        (resource(spec=spec(instanceGroups=[group_spec(instanceType="ml.g5.xlarge")]), status=recorded()), "ours",
         "AWS cannot change these"),
    ],
)  # fmt: skip
def test_what_the_operator_would_refuse_is_blocked_and_has_no_calls(owner: Resource, tags: Any, words: str) -> None:
    made = seen(owner, cluster(), tags=tags)
    assert words in made.blocked
    assert not made.calls


def test_an_adoption_is_a_call_for_tags() -> None:
    made = seen(resource(spec=managed(adoptionPolicy="IfUnowned")), cluster(), tags={})
    assert operations(made) == ["AddTags"]


def test_what_stays_as_it_is_is_noted() -> None:
    found = cluster()
    found = replace(found, groups=(*found.groups, group(group_spec(name="old"))))
    made = seen(resource(spec=managed(adoptionPolicy="IfUnowned")), found, tags={})
    assert made.notes == ("Left as it is: group old is not in the spec",)


def test_a_cluster_that_failed_and_never_served_is_blocked() -> None:
    made = seen(resource(status=never_in_service()), failed_creation())
    assert made.blocked.startswith("Creation failed")
    assert not made.calls


def test_what_a_failed_cluster_keeps_back_is_blocked() -> None:
    labelled = spec(tags=[{"key": "team", "value": "a"}])
    made = seen(resource(spec=labelled, status=recorded()), cluster(status="Failed"))
    assert "AWS reports the cluster as Failed" in made.blocked
    assert not made.calls


@pytest.mark.parametrize("status", ["Creating", "Updating"])
def test_a_member_that_aws_cannot_change_is_blocked_while_the_cluster_is_busy_too(status: str) -> None:
    wanted = spec(instanceGroups=[group_spec(instanceType="ml.g5.xlarge", count=6)])
    made = seen(resource(spec=wanted, status=recorded()), cluster(status=status))
    assert made.blocked.startswith("AWS cannot change these")
    assert not made.calls


def test_what_is_protected_is_noted() -> None:
    owner = resource(spec=managed(deletionProtection=True) | {"instanceGroups": [group_spec()]}, status=recorded())
    made = seen(owner, cluster())
    assert made.notes == ("Left as it is: group cpu is not in the spec any more, and is protected from deletion",)


def test_a_change_that_aws_rejected_is_noted() -> None:
    owner = resource(spec=scaled(), status=recorded())
    rejected = snapshot_of(owner, Observed(cluster=cluster(), tags=our_tags(owner)))
    entry = {"instanceGroupName": "gpu", "fingerprint": rejected.changed_parts["gpu"], "reason": "SpecRejected",
             "message": "AWS rejected it: no such type.", "time": stamp(NOW), "attempts": 1}  # fmt: skip
    made = seen(resource(spec=scaled(), status=recorded(rejectedGroups=[entry])), cluster())
    assert operations(made) == ["UpdateCluster"]
    assert made.notes == ("The operator waits: AWS rejected it: no such type.",)


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "Failed"])
def test_a_cluster_that_is_busy_is_noted(status: str) -> None:
    made = seen(resource(spec=scaled(), status=recorded()), cluster(status=status))
    assert f"AWS reports the cluster as {status}" in made.notes[0]


def test_a_paused_resource_has_its_calls_and_a_note() -> None:
    made = seen(resource(spec=scaled() | {"management": {"paused": True}}, status=recorded()), cluster())
    assert operations(made) == ["UpdateCluster"]
    assert "paused is true: the operator sends nothing" in made.notes[0]


@pytest.mark.parametrize(
    ("policy", "words"),
    [("PlanOnly", "sends none of these calls"), ("ApproveAll", "1 of these calls wait for an approval")],
)
def test_a_change_policy_that_holds_calls_is_noted(policy: str, words: str) -> None:
    made = seen(resource(spec=scaled() | {"management": {"changePolicy": policy}}, status=recorded()), cluster())
    assert words in made.notes[0]


def test_calls_that_wait_stand_apart_from_those_that_are_sent() -> None:
    groups = [group_spec(count=6), group_spec("cpu", 1, instanceType="ml.m5.4xlarge")]
    wanted = spec(instanceGroups=groups, management={"changePolicy": "ApproveDisruptive"})
    made = seen(resource(spec=wanted, status=recorded()), cluster())
    assert operations(made) == ["UpdateCluster", "UpdateCluster"]
    (waits,) = made.waiting
    assert [change.path for change in waits.changes] == ["instanceGroups[cpu].instanceCount"]


def test_what_an_approval_opens_does_not_wait() -> None:
    owner = resource(spec=scaled() | {"management": {"changePolicy": "ApproveAll"}}, status=recorded())
    snapshot = snapshot_of(owner, Observed(cluster=cluster(), tags=our_tags(owner)))
    assert snapshot.plan is not None
    made = seen(replace(owner, approve_plan=snapshot.plan.gate.digest), cluster())
    assert operations(made) == ["UpdateCluster"]
    assert not made.waiting
    assert not made.notes


class TestWithoutTheApiServer:
    def test_tags_that_name_the_resource_are_its_own(self) -> None:
        made = seen(unknown_owner(), cluster(), tags=our_tags(resource()), sight=BLIND)
        assert not made.blocked
        assert not made.changes

    def test_tags_of_another_namespace_are_not(self) -> None:
        assert seen(unknown_owner(), cluster(), tags=OTHERS, sight=BLIND).blocked

    def test_whether_a_count_is_lowered_is_unknown(self) -> None:
        found = with_group(cluster(), group(group_spec(), target_count=8))
        made = seen(unknown_owner(), found, tags=our_tags(resource()), sight=BLIND)
        assert not made.calls
        assert made.changes
        assert "lowers it from 8 to 4 if an earlier spec asked for more" in made.unknown[0]

    def test_whether_a_group_is_deleted_is_unknown(self) -> None:
        found = cluster()
        found = replace(found, groups=(*found.groups, group(group_spec(name="old"))))
        made = seen(unknown_owner(), found, tags=our_tags(resource()), sight=BLIND)
        assert made.unknown == (
            "group old: the operator deletes it if it created it; the status of the object says that",
        )

    def test_groups_of_an_adopted_cluster_are_known_to_stay(self) -> None:
        found = cluster()
        found = replace(found, groups=(*found.groups, group(group_spec(name="old"))))
        tags = our_tags(resource(), **{TAG_ADOPTED: "true"})
        assert not seen(unknown_owner(), found, tags=tags, sight=BLIND).unknown

    def test_whether_a_tag_is_removed_is_unknown(self) -> None:
        made = seen(unknown_owner(), cluster(), tags=our_tags(resource(), team="a", **{"aws:x": "y"}), sight=BLIND)
        assert made.unknown == (
            "tags team: the operator removes those that an earlier spec set; the status says which",
        )

    def test_whether_others_deleted_the_cluster_is_unknown(self) -> None:
        made = seen(unknown_owner(), None, sight=BLIND)
        assert operations(made) == ["CreateCluster"]
        assert made.unknown[0].startswith("whether there was a cluster before")
        again = unknown_owner(spec=managed(onExternalDelete="Recreate"))
        assert not seen(again, None, sight=BLIND).unknown

    def test_what_becomes_of_a_failed_cluster_is_unknown(self) -> None:
        made = seen(unknown_owner(), failed_creation(), tags=our_tags(resource()), sight=BLIND)
        assert not made.blocked
        assert made.unknown[0].startswith("what the operator does about the Failed cluster")

    def test_a_failed_cluster_with_instances_needs_no_memory(self) -> None:
        edited = seen(unknown_owner(spec=scaled()), cluster(status="Failed"), tags=our_tags(resource()), sight=BLIND)
        assert (operations(edited), edited.unknown) == (["UpdateCluster"], ())
        made = seen(unknown_owner(), cluster(status="Failed"), tags=our_tags(resource()), sight=BLIND)
        assert "AWS reports the cluster as Failed" in made.blocked

    def test_groups_of_a_cluster_that_status_calls_adopted_stay(self) -> None:
        found = cluster()
        found = replace(found, groups=(*found.groups, group(group_spec(name="old"))))
        owner = replace(resource(status=recorded(origin="Adopted")), uid="")
        assert not seen(owner, found, tags=our_tags(resource()), sight=BLIND).unknown

    def test_an_adoption_needs_no_memory(self) -> None:
        owner = unknown_owner(spec=managed(adoptionPolicy="IfUnowned"))
        made = seen(owner, cluster(), tags={"team": "a"}, sight=BLIND)
        assert operations(made) == ["AddTags"]
        assert not made.unknown


def test_tags_that_could_not_be_read_leave_the_owner_unknown_and_the_differences_shown() -> None:
    sight = Sight(memory=True, refused=("who owns the cluster: denied",))
    made = seen(resource(spec=scaled()), cluster(), tags=None, sight=sight)
    assert operations(made) == ["UpdateCluster"]
    assert made.unknown == ("who owns the cluster: denied",)
    assert not made.blocked


def test_unread_tags_with_nothing_that_differs_are_still_a_possible_change() -> None:
    sight = Sight(memory=True, refused=("who owns the cluster: denied",))
    assert seen(resource(), cluster(), tags=None, sight=sight).changes
