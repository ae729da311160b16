"""Every reason leads to an actor and a next step; what a person must do comes with a command."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.core.explain import worlds

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, Actor
from hyperpod_operator.core.explain.commands import COMMANDS, filled
from hyperpod_operator.core.explain.explain import explain
from hyperpod_operator.core.explain.explanation import Level
from hyperpod_operator.core.explain.values import values
from kubectl_hyperpod.resources import named

ON_OBJECTS = frozenset({"approve", "explain", "pause", "reconcile", "report", "resume", "status", "wait"})
KINDS = (worlds.cluster, worlds.claim, worlds.operation)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("make", KINDS, ids=["cluster", "claim", "operation"])
def test_each_reason_has_an_actor_and_a_next_step(reason: Reason, make: object) -> None:
    resource = make(worlds.condition("Ready", "False", reason))  # type: ignore[operator]
    found = explain(worlds.world(resource))
    assert found.reason == reason
    assert found.step.actor is REASONS[reason].actor
    assert found.step.what


@pytest.mark.parametrize("reason", [word for word, record in REASONS.items() if record.actor is Actor.YOU])
@pytest.mark.parametrize("make", KINDS, ids=["cluster", "claim", "operation"])
def test_what_you_must_do_comes_with_a_command(reason: Reason, make: object) -> None:
    resource = make(worlds.condition("Ready", "False", reason))  # type: ignore[operator]
    assert explain(worlds.world(resource)).step.commands


@pytest.mark.parametrize("reason", Reason)
def test_a_remedy_begins_with_nothing_where_and_only_where_aws_acts(reason: Reason) -> None:
    """It is read behind *you need to do*, or behind *You have to act*."""
    record = REASONS[reason]
    if record.actor is not Actor.NOBODY:
        assert record.remedy.startswith("Nothing") is (record.actor is Actor.AWS)


@pytest.mark.parametrize("reason", Reason)
def test_a_remedy_is_read_without_the_meaning_before_it(reason: Reason) -> None:
    assert not re.match(r"\w+ (it|them)\b", REASONS[reason].remedy)


@pytest.mark.parametrize("reason", Reason)
def test_you_are_never_asked_to_do_nothing(reason: Reason) -> None:
    step = explain(worlds.world(worlds.unready(reason, stalled=True))).step
    assert not step.what.startswith("Nothing")


@pytest.mark.parametrize("reason", [word for word, record in REASONS.items() if record.stalled])
def test_what_is_stalled_waits_for_you(reason: Reason) -> None:
    assert REASONS[reason].actor is Actor.YOU


@pytest.mark.parametrize("reason", Reason)
def test_a_stalled_pass_waits_for_you_whatever_its_reason(reason: Reason) -> None:
    assert explain(worlds.world(worlds.unready(reason, stalled=True))).step.actor is Actor.YOU


def test_no_command_has_a_gap() -> None:
    full: dict[str, str] = {}
    for make in KINDS:
        full |= values(worlds.world(make()))
    names = full | dict.fromkeys(("missing", "claim", "gone_node", "other", "other_namespace", "wanted_node"), "x")
    assert [one for listed in COMMANDS.values() for one in listed if filled(one, names) is None] == []


@pytest.mark.parametrize(
    "name", ["a b", "$(reboot)", "a;b", "x\n", "-", "`id`", "a'b", "--all", "-A", "--kubeconfig=x", ""]
)
def test_a_name_that_a_shell_would_read_or_that_is_an_option_makes_no_command(name: str) -> None:
    assert filled("kubectl get hpc {name}", {"name": name}) is None


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("make", KINDS, ids=["cluster", "claim", "operation"])
def test_no_status_puts_an_option_into_a_command(reason: Reason, make: Callable[..., Any]) -> None:
    """Whoever may write a status would have `kubectl delete node --all` typed by whoever is on call."""
    resource = make(worlds.condition("Ready", "False", reason, message="Waits for --all/--all, pods --all/--all."))
    resource["status"] = options(resource["status"])
    found = explain(worlds.world(resource))
    typed = [word for command in found.step.commands for word in command.split()]
    assert not {"--all", "--all/--all"} & set(typed)


def options(value: Any) -> Any:
    """The same with an option in place of each text that is no word of a condition."""
    if isinstance(value, dict):
        kept = {"type", "status", "reason", "message", "lastTransitionTime"} if "lastTransitionTime" in value else set()
        return {name: below if name in kept else options(below) for name, below in value.items()}
    if isinstance(value, list):
        return [options(one) for one in value]
    return "--all" if isinstance(value, str) else value


@pytest.mark.parametrize("kind", ConditionType)
@pytest.mark.parametrize("status", ["True", "False", "Unknown"])
def test_any_condition_is_explained(kind: ConditionType, status: str) -> None:
    found = explain(worlds.world(worlds.cluster(worlds.condition(kind, status, "ClusterReady"))))
    assert found.step.what


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("make", KINDS, ids=["cluster", "claim", "operation"])
def test_a_command_of_the_plugin_is_about_the_object_itself(reason: Reason, make: object) -> None:
    """A name alone is that of a HyperPodCluster, and a claim may have the name of one. What pauses an operation is its
    cluster."""
    resource = make(worlds.condition("Ready", "False", reason))  # type: ignore[operator]
    subject = worlds.SUBJECTS[
        "HyperPodCluster" if reason is Reason.PAUSED and make is worlds.operation else resource["kind"]
    ]
    for command in explain(worlds.world(resource)).step.commands:
        words = command.split()
        if words[:2] == ["kubectl", "hyperpod"] and words[2] in ON_OBJECTS:
            found = named((words[3],))
            assert found is not None
            assert (found.kind.name, found.name) == (subject.kind, subject.name), command


@pytest.mark.parametrize(
    ("move", "command"),
    [
        ({}, "kubectl hyperpod resume research -n team"),
        ({"clusterRef": {"name": "research"}}, "kubectl hyperpod resume research -n team"),
        ({"clusterRef": {"name": "other"}}, "kubectl describe hpno reboot-x -n team"),
    ],
)
def test_an_operation_whose_cluster_is_paused_goes_on_when_that_is_resumed(move: dict[str, Any], command: str) -> None:
    """To resume the operation changes nothing: it has no pause."""
    held = worlds.operation(worlds.condition("Ready", "False", "Paused"))
    held["spec"]["move"] = {"instanceGroupName": "spare", **move}
    assert explain(worlds.world(held)).step.commands == (command,)


def test_a_suspended_operation_is_continued_by_you() -> None:
    found = explain(worlds.world(worlds.operation(worlds.condition("Ready", "False", "OperationSuspended"))))
    assert found.step.commands == (
        'kubectl patch hpno reboot-x -n team --type=merge -p \'{"spec":{"suspend":false}}\'',
    )


def test_a_failed_operation_is_repeated_for_a_node_that_failed() -> None:
    failed = {"id": "i-0b", "name": "hyperpod-i-0b", "state": "Failed", "instanceGroupName": "gpu"}
    done = {"id": "i-0a", "name": "hyperpod-i-0a", "state": "Succeeded", "instanceGroupName": "gpu"}
    ended = worlds.operation(worlds.condition("Ready", "False", "OperationFailed"), nodes=[done, failed])
    assert explain(worlds.world(ended)).step.commands == (
        "kubectl hyperpod status hpno/reboot-x -n team",
        "kubectl hyperpod reboot hyperpod-i-0b --cluster research -n team",
    )


def test_a_volume_on_a_node_of_an_operation_names_its_claim() -> None:
    waiting = worlds.operation(worlds.condition("Ready", "False", "VolumesOnNodes"))
    on, elsewhere = worlds.claim(), worlds.claim()
    on["metadata"]["name"], elsewhere["metadata"]["name"] = "here", "there"
    on["status"]["attachment"]["instanceId"] = "i-0a"
    found = explain(worlds.world(waiting, claims=(elsewhere, on)))
    assert found.step.commands[0].startswith("kubectl patch evc here -n team")


def test_the_chain_of_an_operation_names_its_nodes_and_their_pods() -> None:
    found = explain(worlds.world(worlds.operation(worlds.condition("Ready", "False", "Draining"))))
    link = next(one for one in found.chain if one.level is Level.NODE)
    assert (link.about, link.reason) == ("hyperpod-i-0a (gpu)", "Draining")
    assert link.says == "2 pods are still there. Waits for team/trainer-0."


@pytest.mark.parametrize(
    ("reason", "message", "command"),
    [
        ("AttachmentLimit", "{} has no free attachment slot (4/4).", "nodeName={}"),
        ("NodeUnschedulable", "HyperPod marked {} as unschedulable.", "kubectl describe node {}"),
    ],
)
def test_a_node_that_does_not_get_the_volume_is_not_the_one_that_has_it(
    reason: str, message: str, command: str
) -> None:
    wanted = "hyperpod-i-0aaaaaaaaaaaaaaaa"
    found = explain(worlds.world(worlds.claim(worlds.condition("Ready", "False", reason, message.format(wanted)))))
    assert any(command.format(wanted) in one for one in found.step.commands)
    assert not any("hyperpod-i-0123456789abcdef0" in one for one in found.step.commands)


def test_no_command_goes_to_a_node_that_the_volume_has_left() -> None:
    gone = worlds.claim(worlds.condition("Ready", "False", "DetachBlocked"))
    gone["status"]["attachment"]["state"] = "detached"
    assert not any("0123456789abcdef0" in one for one in explain(worlds.world(gone)).step.commands)


def test_a_quota_of_a_claim_is_none_of_counts() -> None:
    claim = explain(worlds.world(worlds.claim(worlds.condition("Ready", "False", "QuotaExceeded")))).step.what
    assert "spec.volume" in claim
    assert "counts" not in claim


def test_a_suspended_claim_is_attached_by_you_and_not_waited_for() -> None:
    found = explain(worlds.world(worlds.claim(worlds.condition("Ready", "False", "Suspended"))))
    (command,) = found.step.commands
    assert command.startswith("kubectl patch evc cache -n team")
    assert '"suspend":false' in command


@pytest.mark.parametrize(
    ("ref", "attachment"),
    [({"name": "research"}, True), ({"clusterArn": worlds.ARN}, True), ({"clusterArn": worlds.ARN}, False)],
)
def test_calls_about_a_claims_cluster_name_it_as_aws_does(ref: dict[str, str], attachment: bool) -> None:
    """The HyperPodCluster that clusterRef names may have another name than its cluster in AWS."""
    resource = worlds.claim(worlds.condition("Ready", "False", "StuckAttaching"))
    resource["spec"]["clusterRef"] = ref
    if not attachment:
        resource["status"]["attachment"]["clusterArn"] = None
    reboots = [one for one in explain(worlds.world(resource)).step.commands if one.startswith("aws sagemaker")]
    assert [f"--cluster-name {worlds.ARN} " in one for one in reboots] == [True]


def test_a_key_is_looked_at_before_a_node_is_rebooted() -> None:
    """AWS drops an attachment whose key cannot be used, and nothing but the key says so."""
    resource = worlds.claim(worlds.condition("Ready", "False", "StuckAttaching"))
    first, second, *_ = explain(worlds.world(resource)).step.commands
    assert first == f"aws kms describe-key --key-id {worlds.KEY} --region us-west-2"
    assert second.startswith("kubectl hyperpod reboot hyperpod-i-0123456789abcdef0 --cluster research -n team")


def test_a_rejected_call_does_not_repeat_the_summary() -> None:
    words = "CreateVolume failed: " + "long " * 150
    call = {"operation": "CreateVolume", "state": "Rejected", "message": words, "attempts": 3}
    resource = worlds.claim(worlds.condition("Ready", "False", "QuotaExceeded", words), operations=[call])
    (link,) = [one for one in explain(worlds.world(resource)).chain if one.level is Level.CALL]
    assert link.says == "Sent 3 times."


def test_a_remedy_for_two_kinds_is_read_for_one() -> None:
    cluster = explain(worlds.world(worlds.unready("NotOwned", stalled=True))).step.what
    claim = explain(worlds.world(worlds.claim(worlds.condition("Ready", "False", "NotOwned")))).step.what
    assert "delete this resource and create one" in cluster
    assert "The message names the volume" not in cluster
    assert claim == "The message names the volume and what to do."
