"""What must hold whatever is seen: properties over generated specs, clusters, tags and records."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core.builders import EKS, NOW, cluster, group, group_spec, recorded, resource, snapshot_of, spec

from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act, NeedTags
from hyperpod_operator.core.cluster.diff import diff
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import AddTags, CreateCluster, DeleteCluster, DeleteTags, UpdateCluster
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import InSync
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import Observed, ObservedCluster

NAMES = ("gpu", "cpu", "extra")
STATUSES = ("Creating", "InService", "Updating", "SystemUpdating", "RollingBack", "Failed", "Deleting", "New")
ORIGINS = ("Created", "Adopted", "External", None)

group_specs = st.builds(
    lambda name, count, labels, external: group_spec(
        name,
        count,
        **({"kubernetesConfig": {"labels": labels}} if labels else {}),
        **({"management": {"countOwner": "External"}} if external else {}),
    ),
    st.sampled_from(NAMES),
    st.integers(0, 5),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2),
    st.booleans(),
)
group_lists = st.lists(group_specs, min_size=1, max_size=3, unique_by=lambda item: item["instanceGroupName"])
specs = st.builds(
    lambda groups, recovery, management: spec(
        instanceGroups=groups, nodeRecovery=recovery, **({"management": management} if management else {})
    ),
    group_lists,
    st.sampled_from(["Automatic", "None"]),
    st.fixed_dictionaries(
        {},
        optional={
            "paused": st.booleans(),
            "deletionPolicy": st.sampled_from(["Delete", "Retain"]),
            "adoptionPolicy": st.sampled_from(["Never", "IfUnowned"]),
            "onCreateFailure": st.sampled_from(["Hold", "Recreate"]),
        },
    ),
)
records = st.builds(
    lambda origin, applied: [
        {
            "instanceGroupName": name,
            **({"origin": origin} if origin else {}),
            **({"appliedInstanceCount": applied} if applied is not None else {}),
        }
        for name in NAMES
    ],
    st.sampled_from(ORIGINS),
    st.none() | st.integers(0, 5),
)
statuses = st.one_of(st.just({}), st.builds(lambda groups: recorded(instanceGroups=groups), records))
clusters = st.none() | st.builds(
    lambda groups, status: cluster(groups=tuple(group(item) for item in groups), status=status),
    group_lists,
    st.sampled_from(STATUSES),
)
tag_sets = st.sampled_from(["ours", "none", "other", "unread"])


def tags(owner: Resource, which: str) -> dict[str, str] | None:
    foreign = {"hyperpod-operator.dev/owner-uid": "x", "hyperpod-operator.dev/owner": "a/b", "t": EKS}
    return {"ours": dict(owner.ownership_tags), "none": {}, "other": foreign, "unread": None}[which]


@st.composite
def snapshots(draw: Any) -> Any:
    owner = resource(spec=draw(specs), status=draw(statuses), deleting=draw(st.booleans()))
    found = draw(clusters)
    observed = Observed(cluster=found, tags=tags(owner, draw(tag_sets)) if found else None)
    return snapshot_of(owner, observed)


@given(snapshots())
def test_deciding_twice_gives_the_same(given_situation: Any) -> None:
    assert decide(given_situation) == decide(given_situation)


@given(snapshots())
def test_only_what_is_provably_ours_is_changed(given_situation: Any) -> None:
    decision = decide(given_situation)
    if not isinstance(decision, Act) or isinstance(decision.action, CreateCluster):
        return
    if isinstance(decision.action, AddTags) and given_situation.resource.adopts:
        return
    assert given_situation.ownership == "Ours"


@given(snapshots())
def test_a_deleted_object_never_creates_nor_updates(given_situation: Any) -> None:
    decision = decide(given_situation)
    if given_situation.resource.deleting and isinstance(decision, Act):
        assert isinstance(decision.action, DeleteCluster | DeleteTags)


@given(snapshots())
def test_a_living_object_deletes_only_a_failed_creation_of_its_own(given_situation: Any) -> None:
    decision = decide(given_situation)
    if (
        not given_situation.resource.deleting
        and isinstance(decision, Act)
        and isinstance(decision.action, DeleteCluster)
    ):
        assert given_situation.observed.cluster.status == "Failed"
        assert given_situation.resource.status.origin == "Created"
        assert given_situation.resource.recreates


@given(snapshots())
def test_paused_changes_nothing(given_situation: Any) -> None:
    if given_situation.resource.paused:
        assert not isinstance(decide(given_situation), Act)


@given(snapshots())
def test_no_node_ends_that_the_spec_did_not_ask_to_end(given_situation: Any) -> None:
    """An update lowers a count only where the spec's count changed since AWS held it."""
    decision = decide(given_situation)
    if not isinstance(decision, Act) or not isinstance(decision.action, UpdateCluster):
        return
    records = given_situation.resource.recorded_groups
    for sent in decision.action.request.get("instanceGroups", []):
        found = given_situation.observed.cluster.group(sent["instanceGroupName"])
        if found is None or sent["instanceCount"] >= found.target_count:
            continue
        record = records.get(found.name)
        assert record is not None
        assert record.remembered.appliedInstanceCount is not None
        assert record.remembered.appliedInstanceCount != sent["instanceCount"]
    for name in decision.action.request.get("instanceGroupsToDelete", []):
        assert records[name].remembered.origin == "Created"
        assert name not in given_situation.resource.groups


def carried_out(found: ObservedCluster, request: dict[str, Any]) -> ObservedCluster:
    """What AWS holds after an UpdateCluster, as its documentation has it."""
    kept = {item.name: item for item in found.groups if item.name not in request.get("instanceGroupsToDelete", [])}
    for sent in request.get("instanceGroups", []):
        kept[sent["instanceGroupName"]] = group(sent)
    members = {name: value for name, value in request.items() if name not in {"instanceGroups", "clusterName"}}
    return replace(found, groups=tuple(kept.values()), members={**found.members, **members})


@given(specs, clusters, statuses)
def test_an_update_leaves_nothing_to_update(wanted: Any, found: Any, status: Any) -> None:
    owner = resource(spec=wanted, status=status)
    if found is None:
        return
    observed = Observed(cluster=replace(found, status="InService"), tags=dict(owner.ownership_tags))
    decision = decide(snapshot_of(owner, observed))
    if not isinstance(decision, Act) or not isinstance(decision.action, UpdateCluster):
        return
    after = carried_out(found, dict(decision.action.request))
    left = diff(resource=owner, observed=replace(observed, cluster=after), now=NOW)
    assert not left.needs_update


ERRORS = st.builds(
    lambda kind: CloudError(kind=kind, operation="Op", code="Code", message="words", request_id="id-123"),
    st.sampled_from(list(ErrorKind)),
)


@st.composite
def stories(draw: Any) -> PassRecord:
    snapshot = draw(snapshots())
    unread = draw(st.none() | ERRORS)
    if unread is not None:
        return PassRecord(snapshot=snapshot, unread=unread, failures=draw(st.integers(0, 5)))
    decision = decide(snapshot)
    if isinstance(decision, NeedTags):
        snapshot = replace(snapshot, resource=replace(snapshot.resource, deleting=False))
        return PassRecord(snapshot=snapshot, unread=draw(ERRORS))
    result: Accepted | Rejected | None = None
    if isinstance(decision, Act):
        accepted = Accepted(action=decision.action, fingerprint=decision.fingerprint, arn="arn:new")
        refused = Rejected(action=decision.action, fingerprint=decision.fingerprint, error=draw(ERRORS))
        result = draw(st.sampled_from([accepted, refused]))
    return PassRecord(snapshot=snapshot, decision=decision, result=result)


@given(stories())
def test_conditions_follow_kstatus(pass_record: PassRecord) -> None:
    made = {item.type: item for item in report(pass_record).status.conditions or []}
    if not made:
        return
    assert not {"Reconciling", "Stalled"} <= made.keys()
    assert made["Ready"].status in {"True", "False", "Unknown"}
    if made["Ready"].status == "True":
        assert not {"Reconciling", "Stalled"} & made.keys()
    assert all(item.observedGeneration == 1 for item in made.values())


@given(stories())
def test_ready_means_settled(pass_record: PassRecord) -> None:
    made = {item.type: item.status for item in report(pass_record).status.conditions or []}
    if made.get("Ready") == "True" and pass_record.unread is None and not pass_record.snapshot.resource.paused:
        assert isinstance(pass_record.decision, InSync)


@given(stories())
def test_no_request_id_ever_reaches_status(pass_record: PassRecord) -> None:
    assert "id-123" not in report(pass_record).status.model_dump_json()


@given(stories())
@settings(max_examples=200)
def test_the_same_pass_again_changes_nothing(pass_record: PassRecord) -> None:
    """A second pass that sees and decides the same writes no status: no heartbeat, no storm."""
    if pass_record.result is not None:
        return
    first = report(pass_record).status
    owner = replace(pass_record.snapshot.resource, status=first)
    again = snapshot_of(owner, pass_record.snapshot.observed)
    if pass_record.unread is None and decide(again) != pass_record.decision:
        return  # what was recorded led to another decision, such as the end of a notice
    second = report(replace(pass_record, snapshot=again)).status
    assert second.model_dump(exclude_none=True) == first.model_dump(exclude_none=True)
