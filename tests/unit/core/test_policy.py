"""The two chains, read as a table: every policy has a case in which it answers, and the order decides."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import (
    ARN,
    FORMER,
    OTHERS,
    after,
    ago,
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
from tests.unit.core.health import GPU, HEALTH, NOW, facts, node

from hyperpod_operator.api.common.missing import Missing
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.concerns import DELETED, RECONCILE, ClusterConcern, Policy, decide
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Conclusion, NeedTags
from hyperpod_operator.core.cluster.departures import Candidate, Chosen, Departure, Departures, Unwritten
from hyperpod_operator.core.cluster.plan import DeleteTags, operation
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.scale_in import held_back
from hyperpod_operator.core.cluster.still_marked import StillMarked
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import InSync, LookAgain, RemoveFinalizer, Wait
from hyperpod_operator.core.engine.finding import Chain
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.health.rollup import rollup
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.observed import ObservedCluster


def told(decision: Conclusion) -> str:
    """A decision in few words: what is called, or why not."""
    match decision:
        case Act(action=action):
            return operation(action)
        case Wait(reason=reason, stalled=stalled):
            return f"{'stalled' if stalled else 'hold'} {reason}"
        case LookAgain(reason=reason):
            return f"look again {reason}"
        case RemoveFinalizer(reason=reason):
            return f"release {reason}"
        case NeedTags():
            return "read tags"
        case InSync():
            return "settled"


def at(owner: Resource, found: ObservedCluster | None = None, **fields: Any) -> ClusterSnapshot:
    return snapshot_of(owner, seen(owner, found, **fields))


def sent(operation: str, outcome: str = "Accepted", seconds: float = 10) -> dict[str, Any]:
    return {"operation": operation, "state": outcome, "time": ago(seconds)}


def pinned(version: str) -> list[dict[str, Any]]:
    return [group_spec(imageReleaseVersion=version), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]


LIVE = recorded()
KEPT = StillMarked(nodes=(Unwritten(node="hyperpod-i-1", why="no answer"),), tries=3)
IMAGE = resource(spec=spec(instanceGroups=pinned("1.2.4")), status=LIVE)
OLD_IMAGE = cluster(groups=tuple(group(item) for item in pinned("1.2.3")))
FIXED = spec(instanceGroups=[group_spec(instanceType="ml.g5.xlarge")])
SHORT = with_group(cluster(), group(group_spec(), current=1))
GROWN = with_group(cluster(), group(group_spec(), target_count=8))
TAGGED = spec(tags=[{"key": "team", "value": "a"}])
CLEARED = recorded(last=sent("DeleteCluster"), createFailures=1, provisionedAt=None)

ELSEWHERE = Location(partition="aws", region="eu-west-1", account="111122223333")
SOMEWHERE = Location(partition="aws", region="us-west-2")
"""The account is not known."""
MISSING = Missing(what="the cluster", since=ago(20))
THIRD = recorded(
    instanceGroups=[*LIVE["instanceGroups"], {"instanceGroupName": "third", "origin": "Created", "status": "InService"}]
)
WITH_THIRD = with_group(cluster(), group(group_spec("third", 1)))
"""A cluster with a group that the operator created and that the spec does not name any more."""
REFUSAL = "Namespace team may not use it. Have it added to the list of tenants."


def refused(owner: Resource, found: ObservedCluster | None = None) -> Resource:
    """The object after AWS refused its update."""
    return after(owner, found or cluster(), answer=ErrorKind.INVALID)


def gone(owner: Resource) -> ClusterSnapshot:
    """AWS showed no cluster 20 s ago, and shows none now."""
    recorded_missing = replace(
        owner,
        status=owner.status.model_copy(
            update={"memory": owner.status.remembered.model_copy(update={"missing": MISSING})}
        ),
    )
    return at(recorded_missing)


def leaving(snapshot: ClusterSnapshot, *, idle: bool = False, whole: bool = False) -> ClusterSnapshot:
    """The snapshot with a node of the group gpu that is to end."""
    one = Candidate(instance_id="i-0123456789abcdef0")
    departure = Departure(group="gpu", surplus=1, members=(one,), whole=whole)
    chosen = Chosen(departure=departure, nodes=(one,), drained=(one,) if idle else ())
    return held_back(snapshot, Departures(chosen=(chosen,)))


def sick() -> ClusterSnapshot:
    """The snapshot of a cluster with an unhealthy node that HyperPod does not repair."""
    wanted = spec(nodeRecovery="None")
    nodes = [node(labels={HEALTH: "UnschedulablePendingReboot"})]
    health = rollup(nodes, facts(), running_since={}, now=NOW)
    return replace(at(resource(spec=wanted, status=LIVE), cluster(wanted=wanted)), health=health, health_watched=True)


LIVING_TABLE: list[tuple[str, ClusterSnapshot, str]] = [
    ("region_refused", at(resource(spec=spec(region="eu-west-1"))), "stalled RegionNotAllowed"),
    ("not_allowed", replace(at(resource()), refusal=REFUSAL), "stalled NotAllowed"),
    ("misplaced", replace(at(resource()), here=ELSEWHERE), "stalled WrongAccountOrRegion"),
    ("paused", at(resource(spec=managed(paused=True))), "hold Paused"),
    ("not_visible_yet", at(resource(status={"last": sent("CreateCluster")})), "hold AwaitingVisibility"),
    ("unproved_end", replace(at(resource(status=LIVE)), here=SOMEWHERE), "hold AWSUnreachable"),
    ("look_again", at(resource(status=LIVE)), "look again ConfirmingDeletion"),
    ("pause_before_recreation", at(resource(status=CLEARED)), "hold Recreating"),
    ("deleted_outside", gone(resource(status=LIVE)), "stalled DeletedOutside"),
    ("creation", at(resource(spec=managed(changePolicy="ApproveAll"))), "stalled WaitingForApproval"),
    ("create", at(resource()), "CreateCluster"),
    ("unknown_owner", at(resource(), cluster(), tags=None), "read tags"),
    ("not_ours", at(resource(), cluster(), tags=OTHERS), "stalled NotOwned"),
    ("paused", at(resource(spec=scaled(management={"paused": True}), status=LIVE), cluster()), "hold Paused"),
    ("being_deleted", at(resource(status=LIVE), cluster(status="Deleting")), "hold Deleting"),
    ("creation_failed", at(resource(), failed_creation()), "stalled CreateFailed"),
    ("busy", at(resource(spec=scaled(), status=LIVE), cluster(status="Updating")), "hold Updating"),
    ("fixed_members_differ", at(resource(spec=FIXED, status=LIVE), cluster()), "stalled ImmutableDiffers"),
    ("update", at(resource(spec=scaled(), status=LIVE), cluster()), "UpdateCluster"),
    ("failed", at(resource(status=LIVE), cluster(status="Failed")), "stalled ClusterFailed"),
    (
        "delete_nodes",
        leaving(at(resource(spec=scaled(3), status=LIVE), cluster()), idle=True),
        "BatchDeleteClusterNodes",
    ),
    ("update_software", at(IMAGE, OLD_IMAGE), "UpdateClusterSoftware"),
    ("tags", at(resource(spec=TAGGED, status=LIVE), cluster()), "AddTags"),
    ("workloads_run", leaving(at(resource(spec=scaled(3), status=LIVE), cluster())), "hold WaitingForWorkloads"),
    ("nodes_still_tainted", replace(at(resource(status=LIVE), cluster()), still_marked=KEPT), "hold NodesStillTainted"),
    ("groups_rejected", at(refused(resource(spec=scaled(), status=LIVE)), cluster()), "stalled SpecRejected"),
    ("software_held", at(refused(IMAGE, OLD_IMAGE), OLD_IMAGE), "stalled SpecRejected"),
    (
        "unapproved",
        at(resource(spec=scaled(management={"changePolicy": "ApproveAll"}), status=LIVE), cluster()),
        "stalled WaitingForApproval",
    ),
    (
        "groups_protected",
        at(resource(spec=managed(deletionProtection=True), status=THIRD), WITH_THIRD),
        "stalled DeletionProtected",
    ),
    ("scaled_outside", at(resource(status=LIVE), GROWN), "stalled ScaledOutside"),
    ("not_at_target", at(resource(status=LIVE), SHORT), "hold Scaling"),
    ("nodes_unhealthy", sick(), "stalled NodesUnhealthy"),
    ("settled", at(resource(status=LIVE), cluster()), "settled"),
]


def deleted(**fields: Any) -> Resource:
    return resource(deleting=True, **{"status": LIVE, **fields})


PLAIN = {name: value for name, value in spec().items() if name != "nodeProvisioningMode"}
DELETION = {
    **sent("DeleteCluster"),
    "fingerprint": fingerprint(operation="DeleteCluster", desired=["delete", ARN]),
}
"""DeleteCluster of this very cluster, which AWS accepted."""
DELETED_TABLE: list[tuple[str, ClusterSnapshot, str]] = [
    ("never_served", at(deleted(spec=spec(region="eu-west-1"), status={})), "release Released"),
    ("misplaced", replace(at(deleted()), here=ELSEWHERE), "stalled WrongAccountOrRegion"),
    ("not_visible_yet", at(deleted(status={"last": sent("CreateCluster")})), "hold AwaitingVisibility"),
    ("unproved_end", replace(at(deleted()), here=SOMEWHERE), "hold AWSUnreachable"),
    ("sent", at(deleted(status=recorded(last=DELETION)), cluster(), tags={}), "hold Deleting"),
    ("look_again", at(deleted()), "look again ConfirmingDeletion"),
    ("gone", at(deleted(status=recorded(last=sent("DeleteCluster")))), "release Deleted"),
    ("unknown_owner", at(deleted(status={}), cluster(), tags=None), "read tags"),
    ("not_ours", at(deleted(), cluster(), tags=FORMER), "release Released"),
    ("paused", at(deleted(spec=managed(paused=True)), cluster()), "hold Paused"),
    ("retained", at(deleted(spec=managed(deletionPolicy="Retain")), cluster()), "DeleteTags"),
    ("under_way", at(deleted(), cluster(status="Deleting")), "hold Deleting"),
    ("protected", at(deleted(spec=managed(deletionProtection=True)), cluster()), "stalled DeletionProtected"),
    (
        "unapproved",
        at(deleted(spec=managed(changePolicy="ApproveDisruptive")), cluster()),
        "stalled WaitingForApproval",
    ),
    ("busy", at(deleted(spec=PLAIN), cluster(wanted=PLAIN, status="Updating")), "hold Deleting"),
    ("workloads_run", leaving(at(deleted(), cluster()), whole=True), "hold WaitingForWorkloads"),
    (
        "volumes_attached",
        replace(at(deleted(), cluster()), attached_claims=("team/data", "team/scratch")),
        "stalled VolumesAttached",
    ),
    ("delete", at(deleted(), cluster()), "DeleteCluster"),
]


def test_volumes_are_left_behind_where_the_spec_says_so() -> None:
    snapshot = at(deleted(spec=managed(attachedVolumes="Orphan")), cluster())
    assert told(decide(replace(snapshot, attached_claims=("team/data",)))) == "DeleteCluster"


@pytest.mark.parametrize(
    ("status", "answer"), [("InService", "hold DetachingVolumes"), ("Failed", "stalled VolumesAttached")]
)
def test_a_deletion_waits_for_claims_that_were_asked_and_says_where_they_cannot(status: str, answer: str) -> None:
    one = Candidate(instance_id=GPU, node=node(instance_id=GPU), claims=("team/data",))
    departure = Departure(group="gpu", surplus=1, members=(one,), whole=True)
    snapshot = replace(at(deleted(), cluster(status=status)), attached_claims=("team/data",))
    found = Departures(chosen=(Chosen(departure=departure, nodes=(one,), drained=(one,)),))
    decision = decide(held_back(snapshot, found))
    assert told(decision) == answer
    assert isinstance(decision, Wait)
    assert "attachedVolumes to Orphan" in decision.message
    assert "Also" not in decision.message


def test_a_long_list_of_claims_is_counted() -> None:
    snapshot = replace(at(deleted(), cluster()), attached_claims=tuple(f"team/claim-{n}" for n in range(9)))
    decision = decide(snapshot)
    assert isinstance(decision, Wait)
    assert "team/claim-0, team/claim-1, team/claim-2 and 6 more" in decision.message


def named(policy: Policy) -> str:
    function: Callable[..., Any] = policy
    return function.__name__


def policies(concerns: Sequence[ClusterConcern]) -> list[Policy]:
    """What the concerns ask, in their order."""
    return [policy for concern in concerns if isinstance(concern.judge, Chain) for policy in concern.judge.policies]


@pytest.mark.parametrize(
    ("policy", "given", "answer"),
    [*LIVING_TABLE, *DELETED_TABLE],
    ids=[*(f"living-{row[0]}" for row in LIVING_TABLE), *(f"deleted-{row[0]}" for row in DELETED_TABLE)],
)
def test_each_situation_gets_its_answer_from_its_policy(policy: str, given: ClusterSnapshot, answer: str) -> None:
    assert told(decide(given)) == answer
    concerns = DELETED if given.resource.deleting else RECONCILE
    if answer != "settled":
        assert named(next(item for item in policies(concerns) if item(given) is not None)) == policy


@pytest.mark.parametrize(("chain", "table"), [(RECONCILE, LIVING_TABLE), (DELETED, DELETED_TABLE)])
def test_the_table_has_a_row_for_every_policy_of_the_chain(chain: Any, table: Any) -> None:
    assert [named(policy) for policy in policies(chain)] == [row[0] for row in table if row[0] != "settled"]


def test_a_region_that_is_not_served_after_creation_holds_the_object() -> None:
    owner = deleted(spec=spec(region="eu-west-1"))
    assert told(decide(at(owner))) == "stalled RegionNotAllowed"


@pytest.mark.parametrize(
    "owner",
    [
        resource(spec=scaled(), status=LIVE),
        IMAGE,
        resource(spec=managed(onCreateFailure="Recreate"), status=never_in_service()),
        deleted(),
        deleted(spec=managed(deletionPolicy="Retain")),
    ],
)
def test_a_recorded_arn_is_not_proof_enough_for_any_call(owner: Resource) -> None:
    found = failed_creation() if owner.recreates else OLD_IMAGE if owner is IMAGE else cluster()
    assert told(decide(at(owner, found))) not in {"read tags", "settled"}
    assert told(decide(at(owner, found, tags=None))) == "read tags"


@pytest.mark.parametrize(
    ("stronger", "owner", "found"),
    [
        ("hold Paused", resource(spec=FIXED | {"management": {"paused": True}}, status=LIVE), cluster()),
        ("hold Updating", resource(spec=FIXED, status=LIVE), cluster(status="Updating")),
        ("stalled ImmutableDiffers", resource(spec=FIXED, status=LIVE), cluster(status="Failed")),
        ("UpdateCluster", resource(spec=scaled(tags=TAGGED["tags"]), status=LIVE), cluster()),
        ("UpdateCluster", resource(spec=scaled(), status=LIVE), cluster(status="Failed")),
        (
            "stalled ScaledOutside",
            resource(status=LIVE),
            with_group(GROWN, group(group_spec(), target_count=8, current=1)),
        ),
        ("hold Paused", deleted(spec=managed(paused=True, deletionPolicy="Retain")), cluster()),
        ("DeleteTags", deleted(spec=managed(deletionPolicy="Retain")), cluster(status="Deleting")),
    ],
)
def test_where_two_policies_could_answer_the_earlier_one_does(
    stronger: str, owner: Resource, found: ObservedCluster
) -> None:
    assert told(decide(at(owner, found))) == stronger


def test_every_hold_says_when_to_look_again_and_what_to_do() -> None:
    for _, given, _ in [*LIVING_TABLE, *DELETED_TABLE]:
        answer = decide(given)
        if isinstance(answer, Wait):
            assert answer.after > 0, answer
            assert answer.message.endswith(".") or answer.reason is Reason.SCALING, answer


def test_a_retained_cluster_keeps_the_users_own_tags() -> None:
    owner = deleted(spec=managed(deletionPolicy="Retain"), status=recorded(appliedTagKeys=["team"]))
    answer = decide(at(owner, cluster(), tags=our_tags(owner, team="a")))
    assert isinstance(answer, Act)
    assert isinstance(answer.action, DeleteTags)
    assert "team" not in answer.action.keys
