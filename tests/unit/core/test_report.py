"""What a pass leaves behind."""

import json
from typing import Any

from tests.unit.core.builders import (
    ARN,
    NOW,
    cluster,
    group,
    group_spec,
    recorded,
    resource,
    seen,
    situation,
    spec,
    with_group,
)

from hyperpod_operator.core.cluster.observed import ObservedEvent, ObservedNode
from hyperpod_operator.core.cluster.policy import decide
from hyperpod_operator.core.cluster.report import Report, intent, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.story import Accepted, Story
from hyperpod_operator.core.cluster.verdict import Act


def told(owner: Resource, found: Any, **fields: Any) -> Report:
    """The report of a pass that only looked."""
    snapshot = situation(owner, seen(owner, found, **fields))
    return report(Story(situation=snapshot, verdict=decide(snapshot)))


def test_five_thousand_troubled_nodes_in_two_hundred_groups_stay_below_100_kilobytes() -> None:
    names = [f"group-{number:03d}-{'x' * 50}" for number in range(200)]
    wanted = [group_spec(name, 25) for name in names]
    owner = resource(spec=spec(instanceGroups=wanted[:100]), status=recorded())
    found = cluster(groups=tuple(group(item, current=0, status="Degraded") for item in wanted))
    words = "We currently do not have sufficient capacity. " * 40
    nodes = tuple(
        ObservedNode(
            instance_id=f"i-{number:017x}",
            group=names[number % 200],
            instance_type="t",
            status="Failure",
            message=words,
        )
        for number in range(5000)
    )
    events = tuple(
        ObservedEvent(event_id=str(number), at=NOW, level="Error", description=words, group=name)
        for number, name in enumerate(names)
    )
    status = told(owner, found, nodes=nodes, events=events).status
    assert len(json.dumps(status.model_dump(mode="json", exclude_none=True))) < 100_000
    assert len(status.nodeProblems or []) == 20


def test_transition_times_move_only_with_the_status() -> None:
    owner = resource(status=recorded())
    first = told(owner, cluster()).status
    later = resource(status=first.model_dump(exclude_none=True))
    short = with_group(cluster(), group(group_spec(), current=1))
    second = told(later, short).status
    before = {item.type: item.lastTransitionTime for item in first.conditions or []}
    after = {item.type: item for item in second.conditions or []}
    assert after["Provisioned"].lastTransitionTime == before["Provisioned"]
    assert after["Ready"].status == "False"


def test_an_event_is_told_once_for_each_reason() -> None:
    notes = told(resource(status=recorded()), cluster()).notes
    assert len({note.reason for note in notes}) == len(notes)


def test_a_settled_pass_tells_nothing_new() -> None:
    owner = resource(status=recorded())
    status = told(owner, cluster()).status
    assert told(resource(status=status.model_dump(exclude_none=True)), cluster()).notes == ()


def creating() -> tuple[Story, Act]:
    owner = resource()
    snapshot = situation(owner, seen(owner, None))
    verdict = decide(snapshot)
    assert isinstance(verdict, Act)
    return Story(situation=snapshot, verdict=verdict), verdict


def test_the_intent_of_a_creation_is_complete_before_the_call() -> None:
    story, act = creating()
    status = intent(story, act)
    assert status.lastAction is not None
    assert (status.lastAction.operation, status.lastAction.outcome) == ("CreateCluster", "Started")
    assert {item.instanceGroupName: item.appliedInstanceCount for item in status.instanceGroups or []} == {
        "gpu": 4,
        "cpu": 2,
    }
    ready = next(item for item in status.conditions or [] if item.type == "Ready")
    assert ready.status == "Unknown"
    assert status.observedGeneration == 1


def test_an_accepted_creation_records_the_arn_and_the_origin() -> None:
    story, act = creating()
    result = Accepted(action=act.action, fingerprint=act.fingerprint, arn=ARN)
    status = report(Story(situation=story.situation, verdict=act, result=result)).status
    assert (status.clusterArn, status.origin) == (ARN, "Created")


def test_a_foreign_cluster_leaves_no_trace_of_ownership() -> None:
    status = told(resource(), cluster(), tags={}).status
    assert (status.clusterArn, status.origin, status.instanceGroups) == (None, None, None)
