"""The conformance script against the simulator: it cleans up, and a comparison finds what differs and nothing else."""

import pytest

from hyperpod_testbed.conformance.compare import answers, compare, simulate, table
from hyperpod_testbed.conformance.questions import QUESTIONS
from hyperpod_testbed.conformance.record import Record
from hyperpod_testbed.simulator import Options, Timings, profile

OTHERWISE: dict[str, object] = {
    "attach_again": "IncorrectState",
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
    "never_modified": "empty",
    "new_group_may_be_empty": False,
    "node_end": "keep",
    "node_recovery_default": "None",
    "not_found_code": "ResourceNotFoundException",
    "omitted_groups": "delete",
    "omitted_members": "unset",
    "paired_events": False,
    "pending_instance_id": "omit",
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
    assert set(OTHERWISE) | UNSEEN | ONE_ANSWER == {question.option for question in QUESTIONS}


def test_each_call_on_a_node_is_asked_while_an_update_blocks_it(usual: Record) -> None:
    blocked = [usual.first(f"software.{step}") for step in ("reboot", "replace", "move", "delete")]
    assert [call.ok for call in blocked if call is not None] == [False] * 4
    assert usual.first("software.restore") is None


def answer_of(option: str, record: Record) -> object:
    (question,) = (one for one in QUESTIONS if one.option == option)
    return question.answer(record)


def test_the_nodes_in_kubernetes_are_described_without_their_names(usual: Record) -> None:
    assert answer_of("provider_id", usual) == "aws:///ZONE/sagemaker/cluster/hyperpod-CLUSTER-INSTANCE"
    labels = answer_of("node_labels", usual)
    assert isinstance(labels, list)
    assert {"sagemaker.amazonaws.com/node-health-status", "sagemaker.amazonaws.com/cluster-name"} <= set(labels)
    assert answer_of("expired_token", usual) == "ExpiredTokenException"


def test_the_time_from_running_to_the_node_is_measured(usual: Record) -> None:
    late = simulate(options=Options(), rounds=1, timings=Timings(node_join=90.0))
    assert (answer_of("node_join", usual), answer_of("node_join", late)) == (0.0, 90.0)
    (row,) = (row for row in compare(late, usual) if row.differs)
    assert "no switch has this answer: report node_join" in table((row,))
    assert answers((row,)) == {}


def test_a_run_without_kubernetes_and_an_expired_profile_leaves_those_questions_open(usual: Record) -> None:
    without = Record(about=usual.about, calls=tuple(one for one in usual.calls if one.service in {"sagemaker", "ec2"}))
    assert {row.question.option for row in compare(without, usual) if not row.seen} == UNSEEN | ONE_ANSWER


APART = (
    {"omitted_groups", "lifecycle_config_required", "software_update_status", "device_names"},
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
    {"failed_nodes", "fill_defaults", "paired_events", "read_lag.ListTags", "restricted_beside_groups"},
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
    told = profile.answering(Options(), {name: OTHERWISE[name] for name in options})
    recorded = simulate(options=told, rounds=1)
    found = {row.question.option: row.recorded for row in compare(recorded, usual) if row.differs}
    for name in options & set(found):
        wanted = OTHERWISE[name]
        assert found[name] == (pytest.approx(wanted, abs=2.0) if isinstance(wanted, float) else wanted)
    return set(found)


def test_a_profile_of_a_record_makes_the_simulator_answer_as_recorded(usual: Record) -> None:
    switches = {"clusters_per_eks": "many", "ec2_errors": "plain", "never_modified": "empty"}
    recorded = simulate(options=Options().changed(**switches), rounds=1)
    found = answers(compare(recorded, usual))
    adopted = profile.read(profile.write(profile.answering(Options(), found)))
    assert not [row for row in compare(recorded, simulate(options=adopted, rounds=1)) if row.differs]
