"""The recorded situations: what decides, who acts, what to type, and what is honestly not known."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.core.explain import worlds
from tests.unit.core.explain.worlds import condition, unready, world

from hyperpod_operator.api.reasons import Actor
from hyperpod_operator.core.explain.chain import COMBINED, LONGEST, MOST
from hyperpod_operator.core.explain.explain import explain
from hyperpod_operator.core.explain.explanation import Level
from hyperpod_operator.core.explain.world import Found, Operator, World
from hyperpod_operator.kube.events import series


def test_a_missing_definition_asks_for_its_installation() -> None:
    found = explain(world(None, found=Found.NOT_SERVED))
    assert (found.reason, found.step.actor) == ("NotServed", Actor.YOU)
    assert found.step.commands == ("hyperpod-operator crds | kubectl apply --server-side -f -",)


def test_a_forbidden_object_names_the_right_to_ask_for() -> None:
    found = explain(world(None, found=Found.FORBIDDEN))
    assert "verb get on hyperpodclusters.hyperpod-operator.dev" in found.step.what
    assert found.step.commands == ("kubectl auth can-i get hyperpodclusters.hyperpod-operator.dev -n team",)


def test_a_missing_object_is_told_apart_from_a_missing_cluster_in_aws() -> None:
    found = explain(world(None, found=Found.MISSING, elsewhere=("prod/research",)))
    assert "The API server has no HyperPodCluster team/research. Whether AWS has a cluster" in found.step.what
    assert "prod/research" in found.step.what


def test_a_stale_lease_comes_before_an_old_status() -> None:
    lease = {**worlds.LEASE, "spec": {**worlds.LEASE["spec"], "renewTime": "2026-11-28T11:58:00.000000Z"}}  # type: ignore[dict-item]
    found = explain(world(worlds.READY, operator=Operator(namespace="ops", lease=lease)))
    assert found.reason == "NoLeader"
    assert "last renewed 120 s ago" in found.step.what
    assert found.chain[0].level is Level.OPERATOR
    assert found.step.commands[0] == "kubectl get pods -n ops -l app.kubernetes.io/name=hyperpod-operator"


def test_a_lease_that_was_given_up_has_no_leader() -> None:
    lease = {"spec": {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": "2026-11-28T11:59:59.900000Z"}}
    assert explain(world(worlds.READY, operator=Operator(namespace="ops", lease=lease))).reason == "NoLeader"


@pytest.mark.parametrize(("minutes", "reason"), [(2, "NoLeader"), (40, "ClusterReady")])
def test_a_lease_that_a_status_outlived_is_an_old_one(minutes: int, reason: str) -> None:
    """Leader election was disabled since: its Lease stays, and the operator runs."""
    over = worlds.NOW - timedelta(hours=1)
    lease = {**worlds.LEASE, "spec": {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": over.isoformat()}}
    written = {"subresource": "status", "time": (over + timedelta(minutes=minutes)).isoformat()}
    metadata = {**worlds.READY["metadata"], "managedFields": [written, {"time": worlds.NOW.isoformat()}]}
    found = explain(world({**worlds.READY, "metadata": metadata}, operator=Operator(namespace="ops", lease=lease)))
    assert found.reason == reason
    assert "elete the Lease" in f"{found.step.what} {found.unknown}"


def test_no_lease_and_no_status_means_no_operator() -> None:
    resource = {**worlds.READY, "status": {}}
    assert explain(world(resource, operator=Operator())).reason == "NoLeader"


def test_no_lease_and_a_current_status_may_be_no_leader_election() -> None:
    found = explain(world(worlds.READY, operator=Operator()))
    assert found.reason == "ClusterReady"
    assert [one for one in found.unknown if "it has no Lease" in one]


def test_a_lease_that_may_not_be_read_is_not_known() -> None:
    found = explain(world(worlds.READY, operator=Operator(unknown="Whether the operator runs: forbidden.")))
    assert found.reason == "ClusterReady"
    assert found.unknown == ("Whether the operator runs: forbidden.",)


def test_a_generation_that_nobody_saw_waits_for_the_queue() -> None:
    resource = {**worlds.READY, "metadata": {**worlds.READY["metadata"], "generation": 4}}
    found = explain(world(resource))
    assert (found.reason, found.step.actor) == ("NotObserved", Actor.NOBODY)


def test_ready_needs_nobody() -> None:
    found = explain(world(worlds.READY))
    assert (found.ready, found.step.actor) == ("True", Actor.NOBODY)


def test_paused_is_resumed_by_you() -> None:
    found = explain(world(unready("Paused")))
    assert found.step.commands == ("kubectl hyperpod resume research -n team",)


def test_a_shortage_waits_for_aws_and_shows_the_group() -> None:
    group = {"instanceGroupName": "gpu", "currentCount": 1, "targetCount": 4, "message": "Insufficient capacity."}
    found = explain(world(unready("CapacityShortage", instanceGroups=[group])))
    assert found.step.actor is Actor.AWS
    assert ("gpu 1/4 nodes", "Insufficient capacity.") in [(link.about, link.says) for link in found.chain]
    assert "--instance-type ml.p5.48xlarge --instance-count 3" in found.step.commands[0]


def test_failed_checks_of_preflight_are_in_the_chain() -> None:
    checks = [
        {"name": "SubnetAddresses", "result": "Fail", "message": "subnet-0a has 3 free addresses."},
        {"name": "Other", "result": "Pass"},
    ]
    found = explain(world(unready("PreflightFailed", stalled=True, preflight={"checks": checks})))
    told = [link for link in found.chain if link.level is Level.PREFLIGHT]
    assert [(link.about, link.reason) for link in told] == [("SubnetAddresses", "Fail")]


def test_a_wrong_account_is_yours() -> None:
    assert (
        explain(world(unready("WrongAccountOrRegion", stalled=True))).step.commands[0] == "aws sts get-caller-identity"
    )


@pytest.mark.parametrize("state", ["Pending", "Stale"])
def test_a_plan_that_waits_asks_for_approval(state: str) -> None:
    plan = {"digest": "sha256:1", "state": state, "summary": "-2 nodes in gpu.", "actions": [{"waits": True}]}
    resource = unready("Updating", plan=plan)
    resource["status"]["conditions"].append(condition("PlanApproved", "False", "WaitingForApproval"))
    found = explain(world(resource))
    assert (found.reason, found.step.actor) == ("WaitingForApproval", Actor.YOU)
    assert found.step.commands[-1] == "kubectl hyperpod approve research -n team"


def test_a_plan_that_is_about_to_be_sent_asks_nothing() -> None:
    plan = {"digest": "sha256:1", "state": "Pending", "summary": "-2 nodes in gpu.", "actions": [{"call": "x"}]}
    assert explain(world(unready("Settling", plan=plan))).reason == "Settling"


@pytest.mark.parametrize("reason", ["InvalidSpec", "PermissionDenied", "ImmutableDiffers", "DeletionProtected"])
def test_what_is_asked_of_you_before_the_approval_comes_first(reason: str) -> None:
    plan = {"digest": "sha256:1", "state": "Pending", "actions": [{"waits": True}]}
    assert explain(world(unready(reason, stalled=True, plan=plan))).reason == reason


@pytest.mark.parametrize("reason", ["WaitingForApproval", "PlanStale", "DeletedOutside"])
def test_what_an_approval_answers_asks_for_it(reason: str) -> None:
    plan = {"digest": "sha256:1", "state": "Pending", "actions": [{"waits": True}]}
    found = explain(world(unready(reason, stalled=True, plan=plan)))
    assert found.step.commands[-1] == "kubectl hyperpod approve research -n team"


def test_a_cluster_that_others_deleted_is_looked_into_before_it_is_created_again() -> None:
    plan = {"digest": "sha256:1", "state": "Pending", "summary": "create it", "actions": [{"waits": True}]}
    found = explain(world(unready("DeletedOutside", stalled=True, plan=plan)))
    assert found.reason == "DeletedOutside"
    assert found.step.what.startswith("Find out who deleted it.")
    assert found.step.commands[0].startswith("aws cloudtrail lookup-events")


def test_no_approval_helps_a_resource_that_only_plans() -> None:
    plan = {"digest": "sha256:1", "state": "Pending", "actions": [{"waits": True}]}
    assert explain(world(unready("PlanOnly", plan=plan))).reason == "PlanOnly"


def test_an_unhealthy_node_is_in_the_chain_with_its_fault() -> None:
    worst = [{"name": "hyperpod-i-1", "instanceGroupName": "gpu", "faultReason": "XidError", "message": "XID 79"}]
    found = explain(world(unready("NodesUnhealthy", stalled=True, nodeHealth={"worst": worst})))
    told = [link for link in found.chain if link.level is Level.NODE]
    assert [(link.about, link.reason, link.says) for link in told] == [("hyperpod-i-1 (gpu)", "XidError", "XID 79")]
    assert found.step.actor is Actor.YOU


def test_a_blocked_teardown_names_the_role() -> None:
    found = explain(world(unready("TeardownBlocked", stalled=True)))
    assert found.step.commands[0] == "aws iam get-role --role-name hyperpod-execution"


def test_volumes_that_hold_up_a_deletion_are_named() -> None:
    resource = unready("VolumesAttached", stalled=True)
    resource["metadata"]["deletionTimestamp"] = worlds.SINCE
    found = explain(world(resource, claims=(worlds.claim(),)))
    assert found.step.commands[0].startswith("kubectl patch evc cache -n team")
    assert [link.about for link in found.chain if link.level is Level.VOLUME] == ["EBSVolumeClaim cache"]


def test_a_rejected_call_says_when_it_is_sent_again() -> None:
    call = {
        "concern": "Cluster",
        "operation": "UpdateCluster",
        "state": "Rejected",
        "code": "ValidationException",
        "message": "Role is wrong.",
        "rejections": 3,
        "retryAt": "2026-11-28T12:30:00Z",
    }
    found = explain(world(unready("SpecRejected", stalled=True, operations=[call])))
    (told,) = [link for link in found.chain if link.level is Level.CALL]
    assert told.says == "Role is wrong. Sent 3 times. The operator sends it again at 2026-11-28T12:30:00Z."


def test_a_condition_that_asks_you_beats_a_summary_that_asks_nobody() -> None:
    resource = worlds.cluster(
        condition("Ready", "True", "ClusterReady"), condition("SpecSynced", "True", "CountOffset")
    )
    found = explain(world(resource))
    assert (found.reason, found.step.actor) == ("CountOffset", Actor.YOU)


def test_a_deletion_is_not_interrupted_by_other_advice() -> None:
    resource = unready("Deleting")
    resource["status"]["conditions"].append(condition("NodesHealthy", "False", "NodesNeverJoined"))
    resource["metadata"]["deletionTimestamp"] = worlds.SINCE
    assert explain(world(resource)).reason == "Deleting"


def test_a_reason_of_a_newer_operator_is_shown_as_it_is() -> None:
    found = explain(world(unready("FromTheFuture", message="Do this.", stalled=True)))
    assert found.step.actor is Actor.YOU
    assert "Do this." in found.step.what


def test_recent_warnings_come_last_and_old_ones_do_not() -> None:
    events = [
        {"type": "Warning", "reason": "HyperPodEvent", "note": note, "eventTime": at}
        for note, at in (("new", "2026-11-28T11:59:00Z"), ("old", "2026-11-27T11:59:00Z"))
    ]
    found = explain(world(unready("Scaling"), events=events))
    assert [link.says for link in found.chain if link.level is Level.EVENT] == ["new"]


def test_no_text_is_told_twice() -> None:
    same = [condition(kind, "False", "Scaling", "One node is missing.") for kind in ("Ready", "SpecSynced")]
    found = explain(world(worlds.cluster(*same)))
    assert [link.says for link in found.chain] == ["One node is missing."]


def test_the_answer_is_bounded_whatever_the_object_holds() -> None:
    groups = [{"instanceGroupName": f"g{n}", "message": "x" * 9000 + str(n)} for n in range(200)]
    problems = [{"instanceId": f"i-{n}", "status": "Failure", "message": f"{n}" * 5000} for n in range(20)]
    found = explain(world(unready("Scaling", instanceGroups=groups, nodeProblems=problems)))
    assert len(found.chain) <= MOST
    assert found.left_out == 195 + 15
    assert max(len(link.says) for link in found.chain) <= LONGEST


def test_an_equal_world_gives_an_equal_answer() -> None:
    resource = unready("Scaling", instanceGroups=[{"instanceGroupName": "a", "message": "m"}])
    assert explain(world(resource)) == explain(world(resource))


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [None], [{"type": 3}], {"checks": 4}])
@pytest.mark.parametrize(
    "member", ["conditions", "instanceGroups", "preflight", "operations", "nodeHealth", "plan", "nodeProblems"]
)
def test_odd_members_are_passed_over(member: str, odd: object) -> None:
    resource = unready("Scaling")
    resource["status"][member] = odd
    assert explain(world(resource)).step.what


def test_control_characters_of_others_do_not_reach_the_terminal() -> None:
    found = explain(world(unready("Scaling", message="\x1b[31mred\u202e")))
    assert found.chain[0].says == "red"


def test_what_could_not_be_read_is_listed() -> None:
    found = explain(replace(world(worlds.READY), unknown=("Events: forbidden.",)))
    assert found.unknown == ("Events: forbidden.",)


def test_the_same_is_plain_json() -> None:
    made: World = world(unready("Paused"))
    assert explain(made).as_json()["step"]["actor"] == "You"


def test_a_namespace_that_does_not_exist_is_said() -> None:
    found = explain(world(None, found=Found.MISSING, no_namespace=True))
    assert "There is no namespace team." in found.step.what


def test_words_that_the_summary_has_are_not_told_again_by_group_or_event() -> None:
    cause = "Lifecycle scripts did not run successfully."
    resource = unready(
        "LifecycleScriptFailed",
        message=f"group gpu 1/4: {cause} Read the log.",
        instanceGroups=[{"instanceGroupName": "gpu", "currentCount": 1, "targetCount": 4, "message": cause}],
    )
    resource["status"]["conditions"].append(condition("GroupsAtTarget", "False", "Scaling", "group gpu 1/4"))
    events = [event(f"HyperPod says about gpu: Instance creation in InstanceGroup gpu failed: {cause} ({UUID})")]
    found = explain(world(resource, events=events))
    assert [(link.level, link.says) for link in found.chain] == [
        (Level.RESOURCE, f"group gpu 1/4: {cause} Read the log."),
        (Level.GROUP, ""),
    ]


UUID = "94d20026-c6d5-43b0-bc3b-4285cee3bc11"


def event(note: str, *, reason: str = "HyperPodEvent", at: str = "2026-11-28T11:59:00Z") -> dict[str, str]:
    return {"type": "Warning", "reason": reason, "note": note, "eventTime": at}


@pytest.mark.parametrize("note", ["Ready is False: {}", "{} (request {id})", "{}"])
def test_an_event_of_what_the_summary_says_adds_nothing(note: str) -> None:
    said = "CreateCluster failed (ValidationException): EKS is wrong."
    told = note.format(said, id=UUID)
    found = explain(world(unready("SpecRejected", message=said), events=[event(told, reason="SpecRejected")]))
    assert [link.level for link in found.chain] == [Level.RESOURCE]


def test_events_that_differ_in_an_instance_only_are_one() -> None:
    events = [event(f"HyperPod says about gpu, i-0{n}abcdef0: It is slow. ({UUID})") for n in range(1, 4)]
    (told,) = [link for link in explain(world(unready("Scaling"), events=events)).chain if link.level is Level.EVENT]
    assert (told.about, told.reason) == ("3 times", "HyperPodEvent")


@pytest.mark.parametrize("note", [" ", " (", "(request ", "[x](", "pods ", "Nothing "], ids=repr)
def test_a_note_of_any_length_costs_little_time(note: str) -> None:
    """The API server bounds notes of events.k8s.io alone, and a tenant may write the others."""
    events = [event(note * (1_000_000 // len(note)))]
    before = time.process_time()
    explain(world(unready("Scaling"), events=events))
    assert time.process_time() - before < 5


def test_an_event_that_another_continues_is_left_out() -> None:
    events = [event("Instance creation failed"), event("Instance creation failed: no capacity")]
    told = [link.says for link in explain(world(unready("Scaling"), events=events)).chain if link.level is Level.EVENT]
    assert told == ["Instance creation failed: no capacity"]


def test_an_event_that_stands_for_others_explains_nothing() -> None:
    found = explain(world(unready("Scaling"), events=[event(f"{COMBINED}; see the status.")]))
    assert [link.level for link in found.chain] == [Level.RESOURCE]


def test_the_words_about_combined_events_are_those_that_the_operator_writes() -> None:
    assert series.COMBINED.startswith(COMBINED)


def test_warnings_of_preflight_come_after_what_stopped_something() -> None:
    checks = [{"name": "Minor", "result": "Warn", "message": "m"}, {"name": "Major", "result": "Fail", "message": "n"}]
    group = {"instanceGroupName": "gpu", "currentCount": 1, "targetCount": 4}
    resource = unready("PreflightFailed", stalled=True, preflight={"checks": checks}, instanceGroups=[group])
    order = [link.about for link in explain(world(resource)).chain]
    assert order.index("Major") < order.index("gpu 1/4 nodes") < order.index("Minor")


def test_a_condition_that_is_as_the_spec_asks_is_no_cause() -> None:
    claim = worlds.claim(condition("Ready", "True", "ClaimReady"), condition("Published", "False", "NotPublished"))
    assert [link.level for link in explain(world(claim)).chain] == [Level.RESOURCE]


def test_nothing_is_typed_for_what_is_ready() -> None:
    assert explain(world(worlds.READY)).step.commands == ()


BUDGET = "Waits for team/trainer-0: The disruption budget train needs 1 healthy pods and has 1 currently."


def test_a_drain_that_a_budget_holds_up_waits_for_you() -> None:
    node = {
        "id": "a",
        "name": "hyperpod-i-0a",
        "state": "Draining",
        "message": BUDGET,
        "waitingFor": ["team/trainer-0"],
    }
    found = explain(world(worlds.operation(condition("Ready", "False", "EvictionBlocked"), nodes=[node])))
    assert found.step.actor is Actor.YOU
    assert found.step.commands[:2] == ("kubectl get pdb -n team", "kubectl delete pod trainer-0 -n team")
    assert BUDGET in [link.says for link in found.chain]


def test_a_scale_in_that_a_budget_holds_up_names_the_pod() -> None:
    message = "Scale-in of group gpu from 4 to 3: hyperpod-i-0a gets no new pods and waits for team/trainer-0."
    found = explain(world(unready("EvictionBlocked", message=message)))
    assert found.step.commands[:2] == ("kubectl get pdb -n team", "kubectl delete pod trainer-0 -n team")


def test_an_operation_that_waits_for_another_one_names_it() -> None:
    node = {"id": "a", "state": "Pending", "message": "Waits for HyperPodNodeOperation team/replace-x, which has it."}
    found = explain(world(worlds.operation(condition("Ready", "False", "WaitingForNodes"), nodes=[node])))
    assert found.step.commands[0] == "kubectl hyperpod explain hpno/replace-x -n team"


def test_a_command_names_no_group_that_may_be_another_one() -> None:
    """A role or type of the first group, where the groups differ, would be a guess."""
    resource = unready("TeardownBlocked", stalled=True)
    other = {**resource["spec"]["instanceGroups"][0], "instanceGroupName": "cpu", "executionRole": "arn:x:role/other"}
    resource["spec"]["instanceGroups"].append(other)
    assert not any("get-role" in one for one in explain(world(resource)).step.commands)


def test_a_role_that_the_message_names_is_the_one_to_look_at() -> None:
    message = "AWS cannot assume arn:aws:iam::111122223333:role/path/one."
    found = explain(world(unready("TeardownBlocked", message=message, stalled=True)))
    assert found.step.commands[0] == "aws iam get-role --role-name one"


def test_a_quota_is_looked_up_by_the_type_that_aws_names() -> None:
    message = "The account-level service limit 'ml.g5.8xlarge for cluster usage' is 0 Instances."
    found = explain(world(unready("QuotaExceeded", message=message, stalled=True)))
    assert "contains(QuotaName,'ml.g5.8xlarge')" in found.step.commands[0]
