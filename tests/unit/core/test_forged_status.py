"""Status saves reads and proves nothing: whatever it says, AWS's tags alone decide what may be changed or released."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core.builders import (
    ARN,
    EKS,
    FORMER,
    NOW,
    OTHERS,
    ago,
    cluster,
    failed_creation,
    group,
    group_spec,
    resource,
    seen,
    snapshot_of,
    spec,
    with_group,
)

from hyperpod_operator.api.cluster.memory import ClusterMemory
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_ADOPTED, Reason
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.concerns import decide, situate
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Decision, NeedTags
from hyperpod_operator.core.cluster.guards import shown
from hyperpod_operator.core.cluster.plan import AddTags, CreateCluster, DeleteCluster, UpdateCluster
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import RemoveFinalizer
from hyperpod_operator.core.location import NOWHERE, location_of
from hyperpod_operator.core.observed import Observed, ObservedCluster

OURS, ADOPTED, UNOWNED, EARLIER, ANOTHER = "ours", "adopted", "unowned", "earlier", "another"
NAMED, NOT_NAMED = (OURS, ADOPTED), (UNOWNED, EARLIER, ANOTHER)
"""Whether the tags name the object."""
OPERATIONS = ("CreateCluster", "UpdateCluster", "UpdateClusterSoftware", "DeleteCluster", "AddTags", "DeleteTags", "No")
FOREIGN = with_group(cluster(), group(group_spec("foreign", 3)))
"""A cluster with a group that the spec does not name."""

words = st.sampled_from(["", "x", "InService", "Created"])
counts = st.integers(0, 8)
times = st.sampled_from([ago(0), ago(30), ago(400), ago(90_000), ago(-9_000), "no time"])
origins = st.sampled_from(["Created", "Adopted", "External", "x"])
arns = st.sampled_from([ARN, ARN[:-1] + "z", ARN.replace("us-west-2", "eu-west-1"), ARN.replace("1111", "4444"), "x"])
statuses_of_aws = st.sampled_from(["Creating", "InService", "Updating", "RollingBack", "Failed", "Deleting", "x"])
specs = st.builds(
    lambda groups, management: spec(instanceGroups=groups, management=management),
    st.sampled_from(
        [[group_spec()], [group_spec(), group_spec("cpu", 2)], [group_spec(count=6), group_spec("new", 1)]]
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "deletionPolicy": st.sampled_from(["Delete", "Retain"]),
            "adoptionPolicy": st.just("IfUnowned"),
            "onCreateFailure": st.just("Recreate"),
            "paused": st.booleans(),
        },
    ),
)
worlds = st.sampled_from(
    [cluster(), FOREIGN, cluster(status="Updating"), cluster(status="Deleting"), failed_creation(), cluster(groups=())]
)


def marks(owner: Resource, found: ObservedCluster, tags: dict[str, str]) -> list[str]:
    """Digests that a record would have to carry to be believed; whoever forges one can compute them."""
    snapshot = snapshot_of(owner, Observed(cluster=found, tags=tags))
    arn = found.arn
    wishes = [
        ("CreateCluster", requests.wanted_members(owner)),
        *(("DeleteCluster", [word, arn]) for word in ("delete", "recreate")),
        ("DeleteTags", ["retain", arn]),
        ("Adopt", [arn, snapshot.changes.lines()]),
    ]
    decided = decide(snapshot)
    return [
        *(fingerprint(operation=operation, desired=desired) for operation, desired in wishes),
        *([decided.fingerprint] if isinstance(decided, Act) else []),
        *snapshot.changed_parts.values(),
        shown(snapshot),
    ]


def forged(marks: list[str]) -> dict[str, st.SearchStrategy[Any]]:
    """By member of status: anything that one who writes it by hand could put there."""
    mark = st.sampled_from([*marks, "0" * 16])
    offset = {
        "value": st.integers(-3, 3),
        "since": times,
        "operation": st.just("MoveClusterNodes"),
        "instanceCount": counts,
    }
    group_memory = {
        "appliedInstanceCount": counts,
        "origin": origins,
        "countOffset": st.fixed_dictionaries(offset),
    }
    of_group = {
        "memory": st.fixed_dictionaries({}, optional=group_memory),
        **dict.fromkeys(("status", "softwareUpdateStatus", "message", "instanceType"), words),
        **dict.fromkeys(("targetCount", "currentCount", "desiredCount"), counts),
        **dict.fromkeys(("schedulableNodes", "unhealthyNodes", "neverJoined", "instancesGone"), counts),
        "restricted": st.booleans(),
    }
    groups = [
        st.fixed_dictionaries({"instanceGroupName": st.just(name)}, optional=of_group)
        for name in ("gpu", "cpu", "foreign", "new")
    ]
    outcomes = st.sampled_from(["Intended", "Accepted", "Applied", "Rejected", "Unanswered", "RolledBack", "x"])
    refusal = {"fingerprint": mark, "message": words, "time": times, "attempts": counts}
    return {
        "actor": words,
        "shortMessage": words,
        "observedGeneration": st.integers(0, 2),
        "lastHandledReconcileAt": words,
        "clusterArn": arns,
        "clusterStatus": statuses_of_aws,
        "failureMessage": words,
        "region": st.sampled_from(["us-west-2", "eu-west-1", "x"]),
        "origin": origins,
        "creationTime": times,
        "nodes": st.fixed_dictionaries({}, optional={"current": counts, "target": counts}),
        "groupsSummary": words,
        "instanceGroups": st.tuples(*groups).map(list),
        "nodeProblems": st.just([{"instanceId": "i-1"}]),
        "nodeHealth": st.just({"schedulable": 3}),
        "operations": st.lists(
            st.fixed_dictionaries(
                {"concern": st.sampled_from(["Cluster", "Software", "Tags", "x"])},
                optional={
                    "operation": st.sampled_from(OPERATIONS),
                    "state": outcomes,
                    "time": times,
                    "attempts": counts,
                    "fingerprint": mark,
                    "message": words,
                    "code": words,
                    "reason": st.sampled_from([*Reason, "x"]),
                    "rejectedAt": times,
                    "rejections": counts,
                    "shown": mark,
                },
            ),
            unique_by=lambda item: item["concern"],
            max_size=4,
        ),
        "rejectedGroups": st.lists(
            st.fixed_dictionaries(
                {"instanceGroupName": st.sampled_from(["gpu", "cpu", ""])},
                optional={**refusal, "reason": st.sampled_from(list(Reason)), "suspected": st.booleans()},
            ),
            unique_by=lambda item: item["instanceGroupName"],
            max_size=3,
        ),
        "preflight": st.fixed_dictionaries(
            {},
            optional={
                "fingerprint": mark,
                "call": st.sampled_from(["UpdateCluster: +1 in gpu", "CreateCluster", "x"]),
                "checkedAt": times,
                "failures": counts,
                "attempts": counts,
            },
        ),
        "trainingPlans": st.lists(
            st.fixed_dictionaries({"arn": words}, optional={"status": words, "endTime": times}), max_size=2
        ),
        "cost": st.fixed_dictionaries({}, optional={"hourly": st.just("1.00"), "currency": st.just("USD")}),
        "autoScaling": st.fixed_dictionaries({}, optional={"status": words, "failureMessage": words}),
        "adoption": st.fixed_dictionaries({}, optional={"fingerprint": mark, "announcedAt": times}),
        "plan": st.fixed_dictionaries({}, optional={"digest": mark, "state": words, "computedAt": times}),
        "lastApproval": st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(("digest", "after"), mark),
                "by": words,
                "completedAt": times,
                **dict.fromkeys(("changes", "sent"), st.lists(mark, unique=True)),
                "counts": st.just([{"path": "instanceGroups[gpu].instanceCount", "observed": 9, "wanted": 1}]),
            },
        ),
        "history": st.lists(
            st.fixed_dictionaries({"time": times}, optional={"call": words, "outcome": words}), max_size=3
        ),
        "memory": st.fixed_dictionaries({}, optional=forged_memory()),
        "conditions": st.just([]),
    }


def forged_memory() -> dict[str, st.SearchStrategy[Any]]:
    """By member of the memory, the same."""
    return {
        "provisionedAt": times,
        "ownerUid": st.sampled_from(["uid-1", "older", "other"]),
        "appliedTagKeys": st.lists(st.sampled_from(["team", "cost", TAG_ADOPTED]), unique=True, max_size=3),
        "sentTags": st.lists(
            st.fixed_dictionaries(
                {"key": st.sampled_from(["team", "cost", *OWNERSHIP_TAGS])}, optional={"value": words, "time": times}
            ),
            unique_by=lambda item: item["key"],
            max_size=3,
        ),
        "missing": st.fixed_dictionaries({}, optional={"since": times, "confirmations": counts}),
        "mirroredEvents": st.fixed_dictionaries({}, optional={"time": times, "ids": st.just(["e"])}),
        "createFailures": counts,
    }


def tags_of(owner: Resource, whose: str) -> dict[str, str]:
    ours = dict(owner.ownership_tags)
    return {
        OURS: ours,
        ADOPTED: {**ours, TAG_ADOPTED: "true"},
        UNOWNED: {"cost": "shared"},
        EARLIER: FORMER,
        ANOTHER: OTHERS,
    }[whose]


PLAIN = {
    "clusterArn": ARN,
    "origin": "Created",
    "clusterStatus": "InService",
    "memory": {"provisionedAt": ago(9000), "ownerUid": "uid-1"},
    "observedGeneration": 1,
    "instanceGroups": [
        {"instanceGroupName": name, "memory": {"origin": "Created", "appliedInstanceCount": count}}
        for name, count in (("gpu", 4), ("cpu", 2), ("foreign", 3))
    ],
}
"""A status as the operator itself would write it about a cluster that it made."""


@st.composite
def passes(
    draw: Any,
    *,
    whose: tuple[str, ...],
    found: st.SearchStrategy[ObservedCluster] = worlds,
    deleting: bool | None = None,
) -> tuple[ClusterSnapshot, str, Decision]:
    """A snapshot under a forged status, whose cluster it is, and what the pass decides in the end."""
    wanted, owned, cluster_found = draw(specs), draw(st.sampled_from(whose)), draw(found)
    going = draw(st.booleans()) if deleting is None else deleting
    owner = resource(spec=wanted, deleting=going)
    tags = tags_of(owner, owned)
    members = forged(marks(owner, cluster_found, tags))
    chosen = draw(st.lists(st.sampled_from(sorted(members)), unique=True, max_size=5) | st.just(sorted(members)))
    plain = draw(st.sampled_from([PLAIN, PLAIN, {}]))
    status = {**plain, **{name: draw(members[name]) for name in chosen}}
    owner = resource(
        spec=wanted, deleting=going, status=status, reconcile_requested_at=draw(st.sampled_from(["", "now"]))
    )
    here = draw(st.sampled_from([NOWHERE, location_of(EKS)]))
    read = tags if draw(st.booleans()) else None
    snapshot = snapshot_of(owner, Observed(cluster=cluster_found, tags=read), here=here)
    decision = decide(snapshot)
    if isinstance(decision, NeedTags):
        snapshot = situate(snapshot, seen(owner, cluster_found, tags=tags))
        decision = decide(snapshot)
    return snapshot, owned, decision


def test_every_member_of_status_is_forged() -> None:
    assert forged(["x"]).keys() == HyperPodClusterStatus.model_fields.keys()
    assert forged_memory().keys() == ClusterMemory.model_fields.keys()


@settings(deadline=None)
@given(passes(whose=NOT_NAMED))
def test_a_cluster_whose_tags_do_not_name_the_object_is_not_changed(
    made: tuple[ClusterSnapshot, str, Decision],
) -> None:
    """Adoption by policy is what the spec asks for: it sets tags on a cluster that no other object owns."""
    snapshot, whose, decision = made
    if isinstance(decision, Act):
        assert snapshot.resource.adopts
        assert whose != ANOTHER
        assert isinstance(decision.action, AddTags)


@settings(deadline=None)
@given(passes(whose=NAMED, deleting=True))
def test_a_cluster_whose_tags_name_the_object_is_not_released_while_it_exists(
    made: tuple[ClusterSnapshot, str, Decision],
) -> None:
    assert not isinstance(made[2], RemoveFinalizer)


@settings(deadline=None)
@given(passes(whose=(*NAMED, *NOT_NAMED), deleting=False))
def test_no_cluster_is_created_while_one_of_the_name_exists(made: tuple[ClusterSnapshot, str, Decision]) -> None:
    assert not (isinstance(made[2], Act) and isinstance(made[2].action, CreateCluster))


@settings(deadline=None)
@given(passes(whose=(ADOPTED,), found=st.sampled_from([FOREIGN, failed_creation()]), deleting=False))
def test_nothing_ends_that_was_adopted_while_the_object_lives(made: tuple[ClusterSnapshot, str, Decision]) -> None:
    decision = made[2]
    if isinstance(decision, Act):
        assert not isinstance(decision.action, DeleteCluster)
        assert not (
            isinstance(decision.action, UpdateCluster) and decision.action.request.get("instanceGroupsToDelete")
        )


@pytest.mark.parametrize("whose", NOT_NAMED)
@pytest.mark.parametrize("deleting", [False, True])
def test_the_plainest_forgery_changes_nothing(whose: str, deleting: bool) -> None:
    owner = resource(status=PLAIN, deleting=deleting)
    decision = decide(snapshot_of(owner, seen(owner, FOREIGN, tags=tags_of(owner, whose)), now=NOW))
    assert not isinstance(decision, Act)
