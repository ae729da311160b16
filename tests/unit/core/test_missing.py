"""What AWS showed before and does not show now is believed at the second look."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import (
    action,
    cluster,
    decision,
    doubted,
    group,
    group_spec,
    held,
    our_tags,
    recorded,
    resource,
    second_look,
    spec,
    told,
)

from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.cluster.missing import lacks
from hyperpod_operator.core.cluster.plan import UpdateCluster
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.observed import ObservedNode

HALF = (group(group_spec()),)


def settled(**fields: Any) -> Resource:
    """The object after a pass that found all in order."""
    return replace(resource(), status=report(told(resource(status=recorded(**fields)), cluster())).status)


@pytest.mark.parametrize("groups", [(), HALF], ids=["all groups", "one group"])
def test_a_group_that_is_missing_once_leads_to_nothing(groups: Any) -> None:
    owner = settled()
    assert "group cpu" in doubted(decision(owner, cluster(groups=groups))).message
    after = report(told(owner, cluster(groups=groups))).status
    assert after.instanceGroups == owner.status.instanceGroups
    before = [(one.type, one.status, one.reason) for one in owner.status.conditions or []]
    assert [(one.type, one.status, one.reason) for one in after.conditions or []] == before


def test_a_group_that_is_missing_twice_is_made_again() -> None:
    assert isinstance(action(second_look(settled(), cluster(groups=HALF))), UpdateCluster)


def inhabited(status: str) -> Any:
    return (ObservedNode(instance_id="i-1", group="cpu", instance_type="ml.m5.xlarge", status=status),)


def test_a_group_whose_nodes_are_listed_is_not_believed_to_be_gone() -> None:
    answer = doubted(second_look(settled(), cluster(groups=HALF), nodes=inhabited("Running")))
    assert "group cpu" in answer.message


def test_a_group_whose_last_nodes_end_is_believed_to_be_gone() -> None:
    assert isinstance(
        action(second_look(settled(), cluster(groups=HALF), nodes=inhabited("ShuttingDown"))), UpdateCluster
    )


def test_a_member_that_aws_held_and_does_not_show_is_looked_at_again() -> None:
    found = cluster(members={name: value for name, value in cluster().members.items() if name != "nodeRecovery"})
    assert "nodeRecovery" in doubted(decision(settled(), found)).message
    assert isinstance(action(second_look(settled(), found)), UpdateCluster)


@pytest.mark.parametrize("key", [TAG_OWNER_UID, TAG_OWNER, TAG_EKS_CLUSTER])
@pytest.mark.parametrize("deleting", [False, True])
def test_one_missing_tag_is_enough_to_look_again_and_never_to_release(key: str, deleting: bool) -> None:
    owner = replace(settled(), deleting=deleting)
    tags = {name: value for name, value in our_tags(owner).items() if name != key}
    assert key in doubted(decision(owner, cluster(), tags=tags)).message
    if deleting and key != TAG_OWNER:
        assert held(second_look(owner, cluster(), tags=tags)).reason is Reason.NOT_OWNED


def test_a_tag_of_the_spec_that_was_set_is_looked_for_again() -> None:
    owner = resource(spec=spec(tags=[{"key": "team", "value": "a"}]), status=recorded(appliedTagKeys=["team"]))
    assert "tag team" in doubted(decision(owner, cluster(), tags=our_tags(owner))).message


@pytest.mark.parametrize(
    ("observed", "wanted", "answer"),
    [
        (None, "a", True),
        ("", "a", True),
        ("b", "a", False),
        ({"x": 1}, {"x": 1, "y": 2}, True),
        ({"x": 3}, {"x": 1}, False),
        ([], ["a"], True),
        ([{"x": None}], [{"x": 1}], True),
        (None, [], False),
        (0, 1, False),
    ],
)
def test_what_lacks_something_of_the_wanted_value(observed: Any, wanted: Any, answer: bool) -> None:
    assert lacks(observed, wanted=wanted) is answer
