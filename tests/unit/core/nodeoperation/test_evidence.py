"""What is seen of the effect of each operation, sign by sign."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.nodeoperation.builders import (
    FIRST,
    IDS,
    NOW,
    OPERATIONS,
    SECOND,
    cluster,
    entry,
    instance,
    node,
    operation,
    snapshot,
    spec,
)

from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.answers import answered
from hyperpod_operator.core.nodeoperation.evidence import Evidence, Sign, evidence
from hyperpod_operator.core.nodeoperation.machine import advance
from hyperpod_operator.core.nodeoperation.plan import call
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.nodes.batch import CODES, BatchAnswer, NodeFailure, Treatment
from hyperpod_operator.core.observed import ObservedNode

NEW = "i-0000000000000000a"
SENT: dict[str, Any] = {
    "sentTime": stamp(NOW),
    "bootId": f"{FIRST}-0",
    "newestLaunch": stamp(NOW - timedelta(days=1)),
}


def seen(word: str, *, instances: list[ObservedNode], nodes: list[Any], **fields: Any) -> Evidence:
    one = entry(state=State.WAITING, **{**SENT, **fields})
    return evidence(snapshot(operation(spec(word)), entries=[one], instances=instances, nodes=nodes), one)


def others() -> list[ObservedNode]:
    return [instance(one) for one in IDS[1:]]


@pytest.mark.parametrize("word", OPERATIONS)
def test_a_node_that_is_as_it_was_shows_nothing(word: str) -> None:
    assert seen(word, instances=[instance(), *others()], nodes=[node()]).sign is Sign.NONE


@pytest.mark.parametrize("word", ["Reboot", "HealthCheck"])
def test_an_instance_that_is_gone_is_not_what_these_do(word: str) -> None:
    assert seen(word, instances=others(), nodes=[]).sign is Sign.GONE


def test_another_boot_id_is_a_reboot_although_nobody_saw_the_node_away() -> None:
    assert seen("Reboot", instances=[instance()], nodes=[node(boot_id="another")]).sign is Sign.DONE


def test_a_node_that_was_away_with_the_same_boot_id_did_not_reboot() -> None:
    assert seen("Reboot", instances=[instance()], nodes=[node()], begun=True).sign is Sign.BEGUN


def test_without_boot_ids_a_reboot_is_seen_by_its_absence() -> None:
    away = seen("Reboot", instances=[instance(status="Pending")], nodes=[node(boot_id="", ready=False)], bootId=None)
    assert away.sign is Sign.BEGUN
    back = seen("Reboot", instances=[instance()], nodes=[node(boot_id="")], bootId=None, begun=True)
    assert back.sign is Sign.DONE


def test_a_node_that_comes_to_sight_again_did_not_reboot() -> None:
    """It had lost HyperPod's label at the call, so that no boot id was recorded; it ran all the time."""
    sent = {"bootId": None, "sentTime": stamp(NOW - timedelta(minutes=5))}
    assert seen("Reboot", instances=[instance()], nodes=[], **sent).sign is Sign.NONE
    assert seen("Reboot", instances=[instance()], nodes=[node()], **sent).sign is Sign.NONE
    joined = node(created_at=NOW - timedelta(minutes=1))
    assert seen("Reboot", instances=[instance()], nodes=[joined], **sent).sign is Sign.DONE


def test_a_node_that_leaves_sight_after_the_call_is_away() -> None:
    assert seen("Reboot", instances=[instance()], nodes=[]).sign is Sign.BEGUN


@pytest.mark.parametrize(
    "unusable",
    [
        node(boot_id="another", ready=False),
        node(boot_id="another", ready=None),
        node(boot_id="another", labels={"sagemaker.amazonaws.com/node-health-status": "Unschedulable"}),
        node(boot_id="another", deleting=True),
    ],
)
def test_a_rebooted_node_that_takes_no_pods_is_not_done(unusable: Any) -> None:
    assert seen("Reboot", instances=[instance()], nodes=[unusable]).sign is Sign.BEGUN


def test_a_replaced_node_is_done_when_the_new_one_is_usable() -> None:
    new = instance(NEW, logical_id=f"logical-{FIRST}", launched_at=NOW)
    assert seen("Replace", instances=[new, *others()], nodes=[]).sign is Sign.BEGUN
    done = seen("Replace", instances=[new, *others()], nodes=[node(NEW)])
    assert (done.sign, done.replaced_by) == (Sign.DONE, NEW)


def test_a_replacement_with_another_logical_id_is_known_by_its_launch() -> None:
    new = instance(NEW, logical_id="another", launched_at=NOW)
    assert seen("Replace", instances=[new, *others()], nodes=[node(NEW)]).replaced_by == NEW


@pytest.mark.parametrize("group", ["gpu", "spare"])
def test_where_karpenter_scales_a_replaced_node_is_done_when_it_is_gone(group: str) -> None:
    """No pod may need another one. Elsewhere AWS starts one, and the operation waits for it."""
    one = entry(state=State.WAITING, **SENT)
    given = snapshot(operation(spec("Replace")), entries=[one], nodes=[])
    scaled = replace(cluster(others()), filled_by_need=frozenset({group}))
    (once,) = advance(replace(given, cluster=scaled)).entries
    assert once.state == State.WAITING
    later = given.now + timedelta(seconds=given.timings.missing)
    (after,) = advance(replace(given, cluster=scaled, entries=(once,), now=later)).entries
    assert after.state == (State.SUCCEEDED if group == "gpu" else State.WAITING)
    assert ("Karpenter scales group gpu" in (after.message or "")) == (group == "gpu")


def test_an_instance_that_was_there_before_the_call_replaces_nothing() -> None:
    assert seen("Replace", instances=others(), nodes=[node(SECOND)]).replaced_by == ""


def test_an_instance_that_replaced_another_node_is_not_counted_twice() -> None:
    new = instance(NEW, logical_id="another", launched_at=NOW)
    one = entry(state=State.WAITING, **SENT)
    given = snapshot(operation(spec("Replace")), entries=[one], instances=[new], nodes=[node(NEW)])
    assert evidence(given, one, taken=frozenset({NEW})).replaced_by == ""


def test_the_logical_id_of_another_node_of_the_operation_is_not_taken() -> None:
    new = instance(NEW, logical_id=f"logical-{SECOND}", launched_at=NOW)
    first, second = entry(state=State.WAITING, **SENT), entry(SECOND, state=State.WAITING, **SENT)
    given = snapshot(operation(spec("Replace")), entries=[first, second], instances=[new], nodes=[node(NEW)])
    assert evidence(given, first).replaced_by == ""
    assert evidence(given, second).replaced_by == NEW


def test_a_deleted_node_whose_kubelet_still_reports_is_not_gone() -> None:
    assert seen("Delete", instances=others(), nodes=[node()]).sign is Sign.BEGUN
    assert seen("Delete", instances=others(), nodes=[node(ready=False)]).sign is Sign.DONE


def test_a_moved_node_is_done_in_the_other_group() -> None:
    assert seen("Move", instances=[instance(status="DetachInProgress")], nodes=[node()]).sign is Sign.BEGUN
    assert seen("Move", instances=[instance(group="spare")], nodes=[node()]).sign is Sign.DONE
    assert seen("Move", instances=[instance(group="spare", status="AttachInProgress")], nodes=[]).sign is Sign.BEGUN


def test_a_node_that_moves_to_another_cluster_is_looked_for_there() -> None:
    one = entry(state=State.WAITING, begun=True, **SENT)
    given = snapshot(operation(spec("Move")), entries=[one], instances=others(), nodes=[node()])
    assert evidence(given, one).sign is Sign.BEGUN
    there = replace(given, target=cluster([instance(group="spare")]))
    assert evidence(there, one).sign is Sign.DONE


def test_a_check_that_is_not_seen_is_not_done() -> None:
    label = {"sagemaker.amazonaws.com/deep-health-check-status": "Passed"}
    assert seen("HealthCheck", instances=[instance()], nodes=[node(labels=label)]).sign is Sign.NONE


def test_a_check_that_was_seen_and_is_over_is_done() -> None:
    running = instance(status="DeepHealthCheckInProgress")
    assert seen("HealthCheck", instances=[running], nodes=[node()]).sign is Sign.BEGUN
    assert seen("HealthCheck", instances=[instance()], nodes=[node()], begun=True).sign is Sign.DONE


def test_a_failed_check_is_a_failure() -> None:
    label = {"sagemaker.amazonaws.com/deep-health-check-status": "Failed"}
    assert seen("HealthCheck", instances=[instance()], nodes=[node(labels=label)], begun=True).sign is Sign.FAILED


def test_a_list_without_the_old_instance_is_believed_after_a_while_only() -> None:
    """An instance that came for another reason must not end the operation because one list left the old one out."""
    new = instance(NEW, logical_id="another", launched_at=NOW)
    given = snapshot(
        operation(spec("Replace")),
        entries=[entry(state=State.WAITING, **SENT)],
        instances=[new, *others()],
        nodes=[node(NEW)],
    )
    (once,) = advance(given).entries
    assert (once.state, once.replacedBy) == (State.WAITING, NEW)
    (listed,) = advance(replace(given, entries=(once,), cluster=cluster([instance(), new, *others()]))).entries
    assert (listed.state, listed.remembered.missingSince) == (State.WAITING, None)
    later = given.now + timedelta(seconds=given.timings.missing)
    (gone,) = advance(replace(given, entries=(once,), now=later)).entries
    assert (gone.state, gone.message) == (State.SUCCEEDED, f"Replaced by {NEW}.")


@pytest.mark.parametrize("wanted", [one for one in OPERATIONS if one != "Delete"])
@pytest.mark.parametrize("code", [code for code, means in CODES.items() if means is Treatment.ABSENT])
def test_a_node_that_aws_lists_and_does_not_know_is_asked_about_again(wanted: str, code: str) -> None:
    sent = entry(state=State.SENT, **SENT)
    given = snapshot(operation(spec(wanted)), entries=[sent])
    action = call(given, (sent,), batch=1)
    refusal = NodeFailure(instance_id=FIRST, code=code, message="no such node")
    (after,) = answered(given, action, BatchAnswer(failed=(refusal,))).entries
    assert (after.state, after.awsCode) == (State.DRAINING, code)
    assert after.remembered.retryTime is not None
