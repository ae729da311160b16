"""The taint contract, by table and for every combination of what can be seen."""

import itertools

import pytest
from tests.unit.core.health import CHECK, CPU, GPU, HEALTH, NOW, THEIRS, applied, facts, instance, node

from hyperpod_operator.api.names import TAINT_REASON, TAINTED_AT
from hyperpod_operator.core.health.node import Node, Taint
from hyperpod_operator.core.health.state import GRACE, State
from hyperpod_operator.core.health.taint import TAINT, Step, decide

RECORD = {TAINTED_AT: "2026-11-23T11:00:00Z", TAINT_REASON: "HyperPod labels it Unschedulable"}
OTHER_VALUE = Taint(key=TAINT.key, value="Other", effect="NoSchedule")
OTHER_EFFECT = Taint(key=TAINT.key, value="Unschedulable", effect="NoExecute")


def step(given: Node, *instances: object, **fields: object) -> Step:
    return decide(given, facts(*instances, **fields), now=NOW).step  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "label", ["Unschedulable", "UnschedulablePendingReplacement", "UnschedulablePendingReboot", "SomethingNew", ""]
)
def test_a_node_that_hyperpod_calls_sick_gets_the_missing_taint(label: str) -> None:
    decision = decide(node(labels={HEALTH: label}, taints=(THEIRS,)), facts(), now=NOW)
    assert decision.step is Step.TAINT
    assert decision.change.taints == (THEIRS, TAINT)
    assert decision.change.annotations[TAINTED_AT] == "2026-11-23T12:00:00Z"
    assert decision.change.labels == {}


def test_so_does_one_under_a_deep_health_check() -> None:
    assert step(node(labels={HEALTH: "Schedulable", CHECK: "InProgress"})) is Step.TAINT
    assert step(node(), instance(status="DeepHealthCheckInProgress")) is Step.TAINT


@pytest.mark.parametrize("status", ["Failure", "Failed"])
def test_and_one_whose_instance_sagemaker_calls_broken(status: str) -> None:
    decision = decide(node(labels={HEALTH: "Schedulable"}), facts(instance(status=status, message="xid")), now=NOW)
    assert decision.step is Step.TAINT
    assert "xid" in decision.message


@pytest.mark.parametrize("label", ["Unschedulable", "UnschedulablePendingReboot"])
def test_a_sick_node_with_the_taint_is_hyperpods_own_business(label: str) -> None:
    assert step(node(labels={HEALTH: label}, taints=(TAINT,))) is Step.KEEP


def test_our_own_taint_goes_when_hyperpod_says_schedulable() -> None:
    decision = decide(
        node(labels={HEALTH: "Schedulable"}, taints=(THEIRS, TAINT), annotations=RECORD), facts(), now=NOW
    )
    assert decision.step is Step.UNTAINT
    assert decision.change.taints == (THEIRS,)
    assert decision.change.annotations == {TAINTED_AT: None, TAINT_REASON: None}


def test_the_time_that_the_api_server_adds_makes_it_no_other_taint() -> None:
    dated = Taint(key=TAINT.key, value=TAINT.value, effect=TAINT.effect, time_added="2026-11-23T11:00:00Z")
    assert step(node(labels={HEALTH: "Schedulable"}, taints=(dated,), annotations=RECORD)) is Step.UNTAINT


def test_a_taint_that_somebody_else_set_stays() -> None:
    assert step(node(labels={HEALTH: "Schedulable"}, taints=(TAINT,))) is Step.KEEP


@pytest.mark.parametrize("contradiction", [{CHECK: "InProgress"}, {CHECK: "Failed"}])
def test_a_contradicted_word_of_health_frees_nothing(contradiction: dict[str, str]) -> None:
    given = node(labels={HEALTH: "Schedulable", **contradiction}, taints=(TAINT,), annotations=RECORD)
    assert step(given) is Step.KEEP


def test_no_label_is_no_word_of_health() -> None:
    assert step(node(taints=(TAINT,), annotations=RECORD)) is Step.KEEP


def test_a_record_without_the_taint_is_dropped() -> None:
    assert step(node(labels={HEALTH: "Schedulable"}, annotations=RECORD)) is Step.CLEAR_RECORD


def test_a_taint_of_another_value_leaves_no_place_for_ours() -> None:
    """The API server takes one taint for a key and an effect."""
    assert step(node(labels={HEALTH: "Unschedulable"}, taints=(OTHER_VALUE,))) is Step.KEEP
    assert step(node(labels={HEALTH: "Unschedulable"}, taints=(OTHER_EFFECT,))) is Step.TAINT


def test_a_young_node_without_labels_is_given_time() -> None:
    decision = decide(node(age=60), facts(), now=NOW)
    assert (decision.step, decision.state) == (Step.KEEP, State.JOINING)
    assert decision.look_again == GRACE - 60


def test_an_old_gpu_node_without_labels_is_reported_and_not_tainted() -> None:
    decision = decide(node(), facts(), now=NOW)
    assert (decision.step, decision.state) == (Step.KEEP, State.NOT_REPORTED)


def test_a_cpu_node_waits_for_no_label() -> None:
    decision = decide(node(instance_id=CPU, age=1), facts(), now=NOW)
    assert (decision.state, decision.look_again) == (State.SCHEDULABLE, None)


def test_a_cpu_node_whose_instance_recovered_is_untainted() -> None:
    assert step(node(instance_id=CPU, taints=(TAINT,), annotations=RECORD)) is Step.UNTAINT


def test_observing_says_what_would_be_done_and_does_nothing() -> None:
    decision = decide(node(labels={HEALTH: "Unschedulable"}), facts(enforce=False), now=NOW)
    assert decision.step is Step.TAINT
    assert not decision.change
    assert "Only observed" in decision.message


def test_a_node_that_is_going_is_left_alone() -> None:
    assert step(node(labels={HEALTH: "Unschedulable"}, deleting=True)) is Step.KEEP


LABELS = [None, "Schedulable", "Unschedulable", "UnschedulablePendingReplacement", "UnschedulablePendingReboot", "New"]
CHECKS = [None, "InProgress", "Passed", "Failed", "New"]
STATUSES = [None, "Running", "Pending", "Failure", "Failed", "DeepHealthCheckInProgress", "SystemUpdating", "New"]
TAINTS = [(), (TAINT,), (THEIRS,), (THEIRS, TAINT), (TAINT, THEIRS), (OTHER_VALUE,), (OTHER_EFFECT, THEIRS)]


@pytest.mark.parametrize("accelerated", [True, False, None])
@pytest.mark.parametrize("enforce", [True, False])
def test_every_decision_is_stable_and_touches_only_what_is_ours(accelerated: bool | None, enforce: bool) -> None:
    for label, check, status, taints, record, age in itertools.product(
        LABELS, CHECKS, STATUSES, TAINTS, [{}, RECORD], [1.0, GRACE + 1]
    ):
        labels = {key: value for key, value in ((HEALTH, label), (CHECK, check)) if value is not None}
        kind = {True: "ml.p5.48xlarge", False: "ml.m5.xlarge", None: "ml.who.knows"}[accelerated]
        known = [] if status is None else [instance(GPU, status=status, instance_type=kind, group="other")]
        world = facts(*known, instance(CPU), enforce=enforce)
        given = node(labels=labels, annotations=record, taints=taints, age=age)
        decision = decide(given, world, now=NOW)
        seen = (label, check, status, taints, record, age)
        if not enforce:
            assert not decision.change, seen
            continue
        after = applied(given, decision.change)
        again = decide(after, world, now=NOW)
        assert again.step is Step.KEEP, seen
        assert not again.change, seen
        assert decision.change.labels == {}, seen
        assert set(decision.change.annotations) <= {TAINTED_AT, TAINT_REASON}, seen
        assert [taint for taint in after.taints if taint != TAINT] == [t for t in taints if t != TAINT], seen
        if TAINT in taints and not record:
            assert TAINT in after.taints, seen  # somebody else's
        if label is not None and label != "Schedulable":
            assert any((taint.key, taint.effect) == (TAINT.key, TAINT.effect) for taint in after.taints), seen


def test_no_control_character_of_sagemakers_words_reaches_the_node() -> None:
    failed = instance(status="Failure", message="xid \x1b[31m79\u202e")
    decision = decide(node(labels={HEALTH: "Schedulable"}), facts(failed), now=NOW)
    assert decision.change.annotations[TAINT_REASON] == "SageMaker reports the instance as Failure (xid 79)"
