"""Every reason leads to an actor and a next step; what a person must do comes with a command."""

import pytest
from tests.unit.core.explain import worlds

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, Actor
from hyperpod_operator.core.explain.commands import COMMANDS, filled
from hyperpod_operator.core.explain.explain import explain
from hyperpod_operator.core.explain.values import values

BOTH = (worlds.cluster, worlds.claim)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("make", BOTH, ids=["cluster", "claim"])
def test_each_reason_has_an_actor_and_a_next_step(reason: Reason, make: object) -> None:
    resource = make(worlds.condition("Ready", "False", reason))  # type: ignore[operator]
    found = explain(worlds.world(resource))
    assert found.reason == reason
    assert found.step.actor is REASONS[reason].actor
    assert found.step.what


@pytest.mark.parametrize("reason", [word for word, record in REASONS.items() if record.actor is Actor.YOU])
@pytest.mark.parametrize("make", BOTH, ids=["cluster", "claim"])
def test_what_you_must_do_comes_with_a_command(reason: Reason, make: object) -> None:
    resource = make(worlds.condition("Ready", "False", reason))  # type: ignore[operator]
    assert explain(worlds.world(resource)).step.commands


@pytest.mark.parametrize("reason", [word for word, record in REASONS.items() if record.stalled])
def test_what_is_stalled_waits_for_you(reason: Reason) -> None:
    assert REASONS[reason].actor is Actor.YOU


@pytest.mark.parametrize("reason", Reason)
def test_a_stalled_pass_waits_for_you_whatever_its_reason(reason: Reason) -> None:
    assert explain(worlds.world(worlds.unready(reason, stalled=True))).step.actor is Actor.YOU


def test_no_command_has_a_gap() -> None:
    full = values(worlds.world(worlds.cluster())) | values(worlds.world(worlds.claim()))
    names = full | dict.fromkeys(("missing", "claim", "gone_node"), "x")
    assert [one for listed in COMMANDS.values() for one in listed if filled(one, names) is None] == []


@pytest.mark.parametrize("name", ["a b", "$(reboot)", "a;b", "x\n", "-", "`id`", "a'b"])
def test_a_name_that_a_shell_would_read_makes_no_command(name: str) -> None:
    made = filled("kubectl get hpc {name}", {"name": name})
    assert made is None or name == "-"


@pytest.mark.parametrize("kind", ConditionType)
@pytest.mark.parametrize("status", ["True", "False", "Unknown"])
def test_any_condition_is_explained(kind: ConditionType, status: str) -> None:
    found = explain(worlds.world(worlds.cluster(worlds.condition(kind, status, "ClusterReady"))))
    assert found.step.what
