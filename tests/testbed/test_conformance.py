"""The conformance script against the simulator: it cleans up, and a comparison finds what differs and nothing else."""

import re
from dataclasses import fields, replace

import pytest

from hyperpod_testbed.conformance.compare import answers, compare, durations, simulate, table
from hyperpod_testbed.conformance.questions import QUESTIONS
from hyperpod_testbed.conformance.record import Call, Record
from hyperpod_testbed.simulator import Options, Timings, profile
from hyperpod_testbed.simulator.profile import Profile

OTHERWISE: dict[str, object] = {
    "attach_again": "IncorrectState",
    "attachment_labels": False,
    "attach_gate_error": "ConflictException",
    "batch_all_failed": "error",
    "batch_delete_limit": 99,
    "batch_delete_lowers_target": False,
    "blocked_batch_error": "items",
    "busy_code": "ValidationException",
    "clusters_per_eks": "many",
    "create_lag": 30.0,
    "delete_on_termination": True,
    "detach_while_attaching": "IncorrectState",
    "device_names": "sd",
    "ec2_errors": "plain",
    "empty_storage_echoed": False,
    "encryption_by_default": True,
    "event_cause": "description",
    "failed_nodes": "listed",
    "fill_defaults": False,
    "failed_node_status": "Failed",
    "immutables": "none",
    "lifecycle_config_required": False,
    "move_changes_targets": False,
    "network_labels": False,
    "never_modified": "empty",
    "new_group_may_be_empty": False,
    "node_end": "keep",
    "node_recovery_default": "None",
    "not_found_code": "ResourceNotFoundException",
    "omitted_groups": "delete",
    "omitted_members": "unset",
    "paired_events": False,
    "pending_instance_id": "omit",
    "provider_id": "instance",
    "read_lag.ListTags": 30.0,
    "replace_keeps_logical_id": False,
    "restricted_beside_groups": "accept",
    "scale_in": "count_first",
    "scaling_noise": False,
    "software_update_status": "SystemUpdating",
    "spot_excludes_training_plan": False,
    "spot_needs_continuous": False,
    "volume_lag": 45.0,
}
"""For each question an answer that is not the simulator's default."""
UNSEEN = {"throttling_code"}
"""What a run against the simulator does not see: nothing throttles it."""
ONE_ANSWER = {question.option for question in QUESTIONS if not question.settable}
"""What the simulator answers in one way only."""
TIMED = {question.option for question in QUESTIONS if question.grain is not None}
"""What is a duration."""
OF_KUBERNETES = {"provider_id", "network_labels", "attachment_labels", "node_labels", "node_join"}
"""What only a run with a kubeconfig sees."""


@pytest.fixture(scope="module")
def usual() -> Record:
    """The script against the simulator as it is."""
    return simulate(options=Options(), rounds=2)


def test_the_script_runs_to_its_end_and_leaves_nothing(usual: Record) -> None:
    assert usual.about["failed"] == []
    assert usual.about["left"] == []


def test_a_record_compared_with_its_own_options_shows_no_difference(usual: Record) -> None:
    rows = compare(usual, usual)
    assert not [row for row in rows if row.differs]
    assert {row.question.option for row in rows if not row.seen} == UNSEEN


def test_every_question_has_another_answer_to_be_tried() -> None:
    assert set(OTHERWISE) | UNSEEN | ONE_ANSWER | TIMED == {question.option for question in QUESTIONS}


def test_each_call_on_a_node_is_asked_while_an_update_blocks_it(usual: Record) -> None:
    blocked = [usual.first(f"software.{step}") for step in ("reboot", "replace", "move", "delete")]
    assert [call.ok for call in blocked if call is not None] == [False] * 4
    assert usual.first("software.restore") is None


def answer_of(option: str, record: Record) -> object:
    (question,) = (one for one in QUESTIONS if one.option == option)
    return question.answer(record)


def test_the_nodes_in_kubernetes_are_described_without_their_names(usual: Record) -> None:
    assert answer_of("provider_id", usual) == "hyperpod"
    labels = answer_of("node_labels", usual)
    assert isinstance(labels, list)
    assert {"sagemaker.amazonaws.com/node-health-status", "sagemaker.amazonaws.com/cluster-name"} <= set(labels)
    assert answer_of("expired_token", usual) == "ExpiredTokenException"


def test_a_provider_id_of_an_unknown_form_is_reported_and_not_set(usual: Record) -> None:
    def otherwise(call: Call) -> Call:
        nodes = [{**node, "ProviderID": "aws:///usw2-az1/pod/i-0123456789abcdef0"} for node in call.get("Nodes") or []]
        return replace(call, answer={"Nodes": nodes}) if call.service == "kubernetes" else call

    recorded = Record(about=usual.about, calls=tuple(otherwise(call) for call in usual.calls))
    (row,) = (row for row in compare(recorded, usual) if row.differs)
    assert row.recorded == "aws:///ZONE/pod/INSTANCE"
    assert "no switch has this answer: report provider_id" in table((row,))
    assert answers((row,)) == {}


def test_each_duration_is_one_of_the_simulators_timings_and_was_seen(usual: Record) -> None:
    known = {item.name for item in fields(Timings)}
    assert {part for option in TIMED for part in option.split("+")} <= known
    assert {row.question.option for row in compare(usual, usual) if row.seen} >= TIMED


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "members `options` and `timings`"),
        ("{}", "members `options` and `timings`"),
        ('{"timings": {}, "more": {}}', "members `options` and `timings`"),
        ('{"timings": 3}', "each an object"),
        ('{"timings": {"cluster_bake": 3}}', "no such timing: cluster_bake; timings are allocate"),
        ('{"timings": {"node_join": -1}}', "node_join is -1"),
        ('{"timings": {"node_join": "90"}}', "node_join is '90'"),
        ('{"timings": {"node_join": true}}', "node_join is True"),
        ('{"options": {"node_jump": 1}}', "no such option: node_jump"),
    ],
)
def test_a_profile_that_is_wrong_says_where(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        profile.read(text)


def test_a_profile_changes_what_it_names_and_leaves_the_rest_as_given() -> None:
    found = profile.read('{"timings": {"node_join": 90}}', timings=Timings.live())
    assert found.timings == replace(Timings.live(), node_join=90)
    assert profile.write(Profile()) == '{\n  "options": {}\n}\n'


def test_a_sum_sets_its_last_part_and_nothing_below_zero() -> None:
    found = Profile().taking({"lifecycle_script+boot": 1000.0, "update_settle+patch_node": 10.0}).timings
    assert found == replace(Timings(), boot=1000.0 - Timings().lifecycle_script, patch_node=0.0)


def test_a_sum_follows_the_question_about_its_first_part() -> None:
    settled: set[str] = set()
    for option in (question.option for question in QUESTIONS if question.grain is not None):
        *others, last = option.split("+")
        assert set(others) & TIMED <= settled
        settled.add(last)


@pytest.mark.slow
def test_the_durations_of_a_record_are_those_of_the_account(usual: Record) -> None:
    slow = {
        "cluster_setup": 300.0,
        "allocate": 120.0,
        "boot": 420.0,
        "node_join": 180.0,
        "reboot": 400.0,
        "move_detach": 500.0,
        "move_attach": 700.0,
        "node_delete": 1050.0,
        "patch_node": 1500.0,
        "volume_create": 9.0,
        "volume_attach": 14.0,
        "volume_detach": 20.0,
        "snapshot": 200.0,
        "volume_modify": 60.0,
        "cluster_delete": 900.0,
        "eks_release": 60.0,
    }
    recorded = simulate(options=Options(), timings=replace(Timings(), **slow), rounds=1)
    rows = compare(recorded, usual)
    assert {row.question.option for row in rows if row.differs} == TIMED
    found = profile.read(profile.write(Profile().answering(answers(rows)).taking(durations(rows))))
    assert found.options == Options()
    measured = {name: getattr(found.timings, name) for name in slow}
    assert measured == {name: pytest.approx(seconds, rel=0.35, abs=15.0) for name, seconds in slow.items()}
    assert replace(found.timings, **slow) == replace(Timings(), **slow)


def test_a_run_without_kubernetes_and_an_expired_profile_leaves_those_questions_open(usual: Record) -> None:
    without = Record(about=usual.about, calls=tuple(one for one in usual.calls if one.service in {"sagemaker", "ec2"}))
    unseen = {row.question.option for row in compare(without, usual) if not row.seen}
    assert unseen == UNSEEN | OF_KUBERNETES | {"expired_token"}


@pytest.mark.parametrize("kind", ["refused", "unanswered"])
def test_a_run_that_ended_early_measures_nothing_that_it_has_not_seen(kind: str, usual: Record) -> None:
    """Each call with an effect was refused, or nothing was looked at after it."""

    def otherwise(call: Call) -> Call:
        return replace(call, answer=None, code="AccessDenied", message="no", status=400)

    calls = tuple(otherwise(call) for call in usual.calls) if kind == "refused" else ()
    assert {
        option for option in TIMED if answer_of(option, Record(about=usual.about, calls=calls)) is not None
    } == set()


APART = (
    {"omitted_groups", "lifecycle_config_required", "software_update_status", "device_names", "provider_id"},
    {
        "ec2_errors",
        "node_end",
        "immutables",
        "batch_all_failed",
        "spot_needs_continuous",
        "create_lag",
        "move_changes_targets",
    },
    {"busy_code", "event_cause", "empty_storage_echoed", "encryption_by_default", "scale_in", "scaling_noise"},
    {
        "attachment_labels",
        "failed_nodes",
        "fill_defaults",
        "network_labels",
        "paired_events",
        "read_lag.ListTags",
        "restricted_beside_groups",
    },
    {
        "attach_again",
        "batch_delete_limit",
        "never_modified",
        "not_found_code",
        "omitted_members",
        "pending_instance_id",
        "replace_keeps_logical_id",
        "volume_lag",
    },
)
"""Switches that a run can have together: none of them keeps another one from being seen."""


@pytest.mark.slow
@pytest.mark.parametrize("options", [pytest.param(one, id="-".join(sorted(one))) for one in APART])
def test_a_comparison_finds_just_the_switches_that_differ(options: set[str], usual: Record) -> None:
    assert _differences(options, usual) == options


@pytest.mark.long
@pytest.mark.parametrize("option", sorted(OTHERWISE))
def test_a_comparison_finds_the_one_switch_that_differs(option: str, usual: Record) -> None:
    assert _differences({option}, usual) == {option}


def _differences(options: set[str], usual: Record) -> set[str]:
    """Options that the comparison names, after a look at the values that it gives."""
    told = Profile().answering({name: OTHERWISE[name] for name in options})
    recorded = simulate(options=told.options, rounds=1)
    found = {row.question.option: row.recorded for row in compare(recorded, usual) if row.differs}
    for name in options & set(found):
        wanted = OTHERWISE[name]
        assert found[name] == (pytest.approx(wanted, abs=2.0) if isinstance(wanted, float) else wanted)
    return set(found)


def test_a_profile_of_a_record_makes_the_simulator_answer_as_recorded(usual: Record) -> None:
    switches = {"clusters_per_eks": "many", "ec2_errors": "plain", "never_modified": "empty"}
    recorded = simulate(options=Options().changed(**switches), rounds=1)
    found = answers(compare(recorded, usual))
    adopted = profile.read(profile.write(Profile().answering(found)))
    assert not [row for row in compare(recorded, simulate(options=adopted.options, rounds=1)) if row.differs]
