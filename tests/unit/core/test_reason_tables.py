"""Tables keyed by reason, tried for every reason there is: a reason without an answer here fails, and so does a row
that is dropped from a table."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.core.builders import NOW, cluster, recorded, resource, told, unread

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.status import Condition
from hyperpod_operator.core.cluster.conditions import conditions
from hyperpod_operator.core.cluster.ending import BLOCKED, Ending, ending
from hyperpod_operator.core.cluster.events import events
from hyperpod_operator.core.cluster.verdict import Hold
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.outcome import Blocked, Done, Wait

WARNINGS = {
    "AdoptionAnnounced",
    "AWSError",
    "AWSUnreachable",
    "CapacityShortage",
    "ConfirmingDeletion",
    "CountOffset",
    "GroupDegraded",
    "HealthNotReported",
    "InstancesGone",
    "ManyNodesUnhealthy",
    "MinimumAboveCount",
    "NodesNeverJoined",
    "NodesUnhealthy",
    "RollingBack",
    "Throttled",
    "UnknownGroups",
    "UnknownOutcome",
}
"""Nobody has to act on these (no `Stalled`), and a person still wants to see them."""


def event_type(reason: Reason, *, status: str = "False", stalled: bool = False) -> str:
    """The type of the Event that tells of a condition with this reason."""
    condition = Condition(
        type=ConditionType.READY, status=status, reason=reason, message="m", lastTransitionTime=stamp(NOW)
    )
    owner = resource()
    new = owner.status.model_copy(update={"conditions": [condition]})
    end = Ending(outcome=Done(), reason=reason, message="m", stalled=stalled)
    (event,) = events(unread(owner), end, new)
    return event.type


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_that_asks_nobody_to_act_is_a_warning_only_where_it_is_listed(reason: Reason) -> None:
    assert event_type(reason) == ("Warning" if reason in WARNINGS else "Normal")


def test_the_listed_warnings_are_reasons() -> None:
    assert set(Reason) >= WARNINGS


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_that_asks_a_person_to_act_is_a_warning(reason: Reason) -> None:
    assert event_type(reason, stalled=True) == "Warning"


@pytest.mark.parametrize("reason", sorted(set(Reason) - WARNINGS))
def test_what_is_true_is_no_warning_although_something_else_stalls(reason: Reason) -> None:
    assert event_type(reason, status="True", stalled=True) == "Normal"


@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("reason", list(Reason))
def test_what_is_not_ready_is_reconciling_or_stalled_unless_a_person_paused_it(reason: Reason, stalled: bool) -> None:
    end = Ending(outcome=Done(), reason=reason, message="m", stalled=stalled)
    found = {item.type for item in conditions(unread(resource()), end)} & {"Reconciling", "Stalled", "Paused"}
    assert found == {"Paused" if reason is Reason.PAUSED else "Stalled" if stalled else "Reconciling"}


def documented(section: str) -> set[str]:
    """The reasons in a section of docs/conditions.md about clusters."""
    text = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text()
    part = text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE))


def test_the_documentation_and_the_operator_call_the_same_reasons_blocked() -> None:
    assert documented("Blocked") == set(BLOCKED)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_that_is_documented_as_blocked_is_stalled_whoever_gives_it(reason: Reason) -> None:
    held = Hold(reason=reason, message="m", after=60.0)
    end = ending(replace(told(resource(status=recorded()), cluster()), verdict=held))
    blocked = reason in documented("Blocked")
    assert end.stalled is blocked
    assert end.outcome == (Blocked(reason, 60.0) if blocked else Wait(reason, 60.0))
