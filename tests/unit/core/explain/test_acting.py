"""Who must act: one table for all reasons, and the same answer in the column ACTOR and in an explanation."""

import pytest
from tests.unit.core.explain import worlds

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, Actor, Severity
from hyperpod_operator.core.engine.headline import headline
from hyperpod_operator.core.explain.acting import BAD_WHEN_TRUE, NEITHER, SUMMARY, Stated, turn
from hyperpod_operator.core.explain.explain import explain

CHOICES = frozenset({Reason.CHECKS_PASSED, Reason.OPERATION_LISTED, Reason.CLUSTER_DISAPPEARED, Reason.HYPERPOD_EVENT})
"""Reasons with which nothing waits, and whose remedy says what else you may do."""
ASKING = [
    word
    for word, record in REASONS.items()
    if record.actor is Actor.YOU and record.severity is not Severity.PAUSED  # of the summary alone
]
OTHERS = [kind for kind in ConditionType if kind not in (*SUMMARY, *NEITHER)]


@pytest.mark.parametrize("reason", Reason)
def test_a_remedy_that_asks_for_something_names_you_as_the_actor(reason: Reason) -> None:
    """`-` is for what the operator, Kubernetes or time solves: its remedy begins with *Nothing*."""
    record = REASONS[reason]
    idle = record.remedy.startswith("Nothing")
    rests = record.severity is Severity.AT_REST or reason in CHOICES
    assert (record.actor is Actor.YOU) is not (idle or rests)


@pytest.mark.parametrize("kind", OTHERS)
def test_any_condition_that_asks_you_makes_you_the_actor(kind: ConditionType) -> None:
    bad = "True" if kind in BAD_WHEN_TRUE else "False"
    found = {
        reason: turn([Stated("Ready", "False", Reason.SCALING), Stated(kind, bad, reason)], deleted=False).by
        for reason in ASKING
    }
    assert found == {reason: REASONS[reason] for reason in ASKING}


def test_a_condition_that_is_as_it_should_be_asks_nothing() -> None:
    stated = [Stated("Ready", "True", Reason.CLUSTER_READY), Stated("NodesHealthy", "True", Reason.NODES_NEVER_JOINED)]
    assert turn(stated, deleted=False).actor is Actor.NOBODY


def test_a_deletion_is_asked_about_by_its_summary_alone() -> None:
    stated = [Stated("Ready", "False", Reason.DELETING), Stated("NodesHealthy", "False", Reason.NODES_NEVER_JOINED)]
    assert turn(stated, deleted=True).actor is Actor.AWS


@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("reason", Reason)
def test_the_column_and_the_explanation_name_the_same_actor(reason: Reason, stalled: bool) -> None:
    listed = [
        worlds.condition("Ready", "False", "Scaling"),
        worlds.condition("NodesHealthy", "False", reason),
        worlds.condition("Stalled", str(stalled), "Scaling"),
    ]
    shown = headline([Condition.model_validate(one) for one in listed])["actor"]
    assert shown == explain(worlds.world(worlds.cluster(*listed))).step.actor
