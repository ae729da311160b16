"""Conditions follow kstatus, move their time only when they change, and say the same thing as the pass."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    OTHERS,
    cluster,
    conditions_of,
    group,
    group_spec,
    managed,
    recorded,
    resource,
    scaled,
    told,
    unread,
    with_group,
)

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.engine.conditions import MESSAGE_MOST, initial, settle
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.observed import ObservedEvent, ObservedNode

READY = ConditionType.READY
LATER = NOW + timedelta(minutes=5)


def made(owner: Any, found: Any, **fields: Any) -> dict[str, tuple[str, str]]:
    return conditions_of(report(told(owner, found, **fields)).status)


def test_a_settled_cluster_is_ready_and_nothing_else_is_going_on() -> None:
    assert made(resource(status=recorded()), cluster()) == {
        "Ready": ("True", "ClusterReady"),
        "Provisioned": ("True", "Provisioned"),
        "SpecSynced": ("True", "InSync"),
        "GroupsAtTarget": ("True", "AtTarget"),
    }


def test_a_cluster_that_is_being_made_is_reconciling() -> None:
    assert made(resource(), None) == {
        "Ready": ("False", "Creating"),
        "Reconciling": ("True", "Creating"),
        "Provisioned": ("False", "Creating"),
        "SpecSynced": ("False", "Creating"),
        "GroupsAtTarget": ("False", "Creating"),
    }


def test_an_update_leaves_the_cluster_provisioned_and_not_in_sync() -> None:
    found = made(resource(spec=scaled(), status=recorded()), cluster())
    assert found["Ready"] == ("False", "Updating")
    assert found["Reconciling"] == ("True", "Updating")
    assert found["Provisioned"] == ("True", "Provisioned")
    assert found["SpecSynced"] == ("False", "Updating")


def test_what_needs_a_person_is_stalled_and_not_reconciling() -> None:
    found = made(resource(), cluster(), tags=OTHERS)
    assert found["Stalled"] == ("True", "NotOwned")
    assert found["Ready"] == ("False", "NotOwned")
    assert found["Provisioned"] == ("False", "NotOwned")
    assert "Reconciling" not in found


def test_missing_nodes_do_not_mean_that_the_spec_is_not_applied() -> None:
    short = with_group(cluster(), group(group_spec(), current=1))
    event = ObservedEvent(event_id="1", at=NOW, level="Warn", description="insufficient capacity", group="gpu")
    found = made(resource(status=recorded()), short, events=(event,))
    assert found["Ready"] == ("False", "CapacityShortage")
    assert found["Reconciling"] == ("True", "CapacityShortage")
    assert found["SpecSynced"] == ("True", "InSync")
    assert found["GroupsAtTarget"] == ("False", "CapacityShortage")


def test_groups_that_somebody_else_added_are_mentioned_and_harmless() -> None:
    found = made(resource(status=recorded()), with_group(cluster(), group(group_spec("theirs", 1))))
    assert found["Ready"] == ("True", "ClusterReady")
    assert found["SpecSynced"] == ("True", "UnknownGroups")


def test_a_group_that_somebody_else_scaled_out_is_neither_in_sync_nor_at_target() -> None:
    found = made(resource(status=recorded()), with_group(cluster(), group(group_spec(), target_count=8)))
    assert found["SpecSynced"] == found["GroupsAtTarget"] == ("False", "ScaledOutside")
    assert found["Stalled"] == ("True", "ScaledOutside")


@pytest.mark.parametrize(
    ("spec", "ready"), [(managed(paused=True), "True"), (scaled(management={"paused": True}), "False")]
)
def test_paused_is_ready_only_without_open_changes(spec: dict[str, Any], ready: str) -> None:
    found = made(resource(spec=spec, status=recorded()), cluster())
    assert found["Ready"] == (ready, "Paused")
    assert found["Paused"] == ("True", "Paused")
    assert not {"Reconciling", "Stalled"} & found.keys()


@pytest.mark.parametrize("group_status", ["InService", "Updating"])
def test_paused_is_not_ready_while_a_group_is_short_of_nodes(group_status: str) -> None:
    short = with_group(cluster(), group(group_spec(), current=3, status=group_status))
    found = made(resource(spec=managed(paused=True), status=recorded()), short)
    assert found["Ready"] == ("False", "Paused")
    assert found["GroupsAtTarget"][0] == "False"


def test_paused_before_creation_is_not_ready() -> None:
    assert made(resource(spec=managed(paused=True)), None)["Ready"] == ("False", "Paused")


@pytest.mark.parametrize("status", ["Failed", "Deleting", "Creating"])
def test_a_cluster_that_aws_does_not_serve_is_not_provisioned(status: str) -> None:
    assert made(resource(status=recorded()), cluster(status=status))["Provisioned"][0] == "False"


@pytest.mark.parametrize("status", ["Updating", "RollingBack", "SystemUpdating"])
def test_a_cluster_that_aws_changes_stays_provisioned(status: str) -> None:
    assert made(resource(status=recorded()), cluster(status=status))["Provisioned"] == ("True", "Provisioned")


def test_a_wedged_teardown_has_a_condition_of_its_own() -> None:
    words = "SageMaker does not have permission to perform ec2:DeleteNetworkInterface."
    node = ObservedNode(instance_id="i-1", group="gpu", instance_type="x", status="ShuttingDown", message=words)
    found = made(resource(deleting=True, status=recorded()), cluster(status="Deleting"), nodes=(node,))
    assert found["TeardownBlocked"] == found["Stalled"] == ("True", "TeardownBlocked")


def test_an_unreadable_world_makes_ready_unknown_and_keeps_what_was_known() -> None:
    first = report(told(resource(status=recorded()), cluster())).status
    owner = resource(status=first.model_dump(exclude_none=True), generation=2)
    found = conditions_of(report(unread(owner)).status)
    assert found["Ready"] == ("Unknown", "AWSUnreachable")
    assert found["Reconciling"] == ("True", "AWSUnreachable")
    assert found["Provisioned"] == ("True", "Provisioned")
    assert found["SpecSynced"] == ("True", "InSync")


def test_what_an_unreadable_world_keeps_is_not_about_the_newest_spec() -> None:
    """Whoever waits for SpecSynced after an edit must not be answered by what was known before it."""
    first = report(told(resource(status=recorded()), cluster())).status
    owner = resource(spec=scaled(), status=first.model_dump(exclude_none=True), generation=2)
    status = report(unread(owner)).status
    of = {one.type: one.observedGeneration for one in status.conditions or ()}
    assert status.observedGeneration == 2
    assert of == {"Ready": 2, "Reconciling": 2, "Provisioned": 1, "SpecSynced": 1, "GroupsAtTarget": 1}


def test_an_unreadable_world_that_a_person_has_to_mend_is_stalled() -> None:
    found = conditions_of(report(unread(resource(status=recorded()), ErrorKind.CREDENTIALS)).status)
    assert found["Stalled"] == ("True", "CredentialsInvalid")
    assert "Reconciling" not in found


def test_stalled_does_not_outlive_its_cause() -> None:
    stalled = report(unread(resource(status=recorded()), ErrorKind.DENIED)).status
    owner = resource(status=stalled.model_dump(exclude_none=True), generation=2)
    assert "Stalled" not in conditions_of(report(unread(owner)).status)
    assert "Stalled" not in made(owner, cluster())


def test_a_reason_of_another_version_is_not_carried_on() -> None:
    """A later operator's word, stored before a downgrade, must not stop this one."""
    old = {"type": "Provisioned", "status": "True", "reason": "LaterWord", "message": "x", "lastTransitionTime": "t"}
    owner = resource(status=recorded(conditions=[old]), generation=2)
    assert "Provisioned" not in conditions_of(report(unread(owner)).status)


def one(status: str, reason: Reason, message: str = "m", before: list[Condition] | None = None) -> Condition:
    drafts = [(READY, status, reason, message)]
    now = LATER if before else NOW
    return settle(table=CLUSTER.table, drafts=drafts, before=before or [], generation=3, now=now)[0]


def test_a_new_condition_starts_now() -> None:
    first = one("True", Reason.CLUSTER_READY)
    assert first.lastTransitionTime == stamp(NOW) == "2026-11-23T12:00:00Z"
    assert first.observedGeneration == 3


def test_another_reason_alone_does_not_move_the_transition_time() -> None:
    again = one("False", Reason.SCALING, "other words", [one("False", Reason.UPDATING)])
    assert (again.lastTransitionTime, again.reason, again.message) == (stamp(NOW), "Scaling", "other words")


def test_another_status_moves_the_transition_time() -> None:
    assert one("True", Reason.CLUSTER_READY, before=[one("False", Reason.UPDATING)]).lastTransitionTime == stamp(LATER)


def test_a_long_message_is_cut_to_what_a_screen_shows_and_still_says_what_to_do() -> None:
    message = one("False", Reason.SCALING, f"Groups lack nodes: {'gpu 1/4, ' * 1000}. To approve it, run: this").message
    assert len(message) <= MESSAGE_MOST
    assert message.startswith("Groups lack nodes:")
    assert message.endswith("To approve it, run: this")


def test_conditions_come_in_one_order_whatever_the_pass() -> None:
    drafts = [(kind, "True", Reason.SCALING, "m") for kind in reversed(CLUSTER.table)]
    assert [item.type for item in settle(table=CLUSTER.table, drafts=drafts, before=[], generation=1, now=NOW)] == list(
        CLUSTER.table
    )


def test_a_new_object_does_not_look_finished() -> None:
    found = initial(reason=Reason.CREATING, message="m")
    assert [(kind, status) for kind, status, *_ in found] == [("Ready", "Unknown"), ("Reconciling", "True")]
