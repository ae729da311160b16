"""Ready means usable: what nodes that check themselves, or that nobody repairs, mean for the cluster."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.core.builders import (
    cluster,
    conditions_of,
    group,
    group_spec,
    left,
    recorded,
    resource,
    scaled,
    spec,
    told,
    with_group,
)
from tests.unit.core.health import CHECK, GPU, HEALTH, NOW, facts, instance, node

from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.engine.decision import Report
from hyperpod_operator.core.engine.headline import headline
from hyperpod_operator.core.health.facts import FAILING
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.health.rollup import Health, rollup
from hyperpod_operator.core.health.state import NO_PODS, UNHEALTHY, State, state
from hyperpod_operator.core.observed import ObservedEvent, ObservedNode
from hyperpod_operator.core.outcome import Blocked, Done, Requeue


def listed(status: str, count: int = 2, group: str = "gpu", message: str = "") -> tuple[ObservedNode, ...]:
    """Instances of a group as SageMaker lists them."""
    return tuple(
        ObservedNode(instance_id=f"i-{n:017x}", group=group, instance_type="x", status=status, message=message)
        for n in range(count)
    )


def passed(
    nodes: tuple[ObservedNode, ...] = (), *, health: Health | None = None, recovery: str = "Automatic"
) -> Report:
    wanted = spec(nodeRecovery=recovery)
    pass_record = told(resource(spec=wanted, status=recorded()), cluster(wanted=wanted), nodes=nodes)
    snapshot = replace(pass_record.snapshot, health=health, health_watched=health is not None)
    return report(replace(pass_record, snapshot=snapshot, decision=decide(snapshot)))


def labelled(count: int, **labels: str) -> list[Node]:
    return [node(instance_id=f"i-{n:017x}", labels=labels) for n in range(count)]


def rolled(nodes: list[Node], status: str = "Running") -> Health:
    known = [instance(item.instance_id, group="gpu", instance_type="ml.p5.48xlarge", status=status) for item in nodes]
    since = {item.instance_id: NOW - timedelta(days=1) for item in known}
    return rollup(nodes, facts(*known), running_since=since, now=NOW)


@pytest.mark.parametrize("label", [None, "Schedulable", "Unschedulable"])
@pytest.mark.parametrize("by", ["label", "SageMaker"])
def test_a_node_that_checks_itself_is_not_sick(label: str | None, by: str) -> None:
    """HyperPod labels it Unschedulable meanwhile, which alone would mean a fault."""
    labels = ({HEALTH: label} if label else {}) | ({CHECK: "InProgress"} if by == "label" else {})
    status = "Running" if by == "label" else "DeepHealthCheckInProgress"
    assert state(node(labels=labels), facts(instance(GPU, status=status)), now=NOW) is State.CHECKING


@pytest.mark.parametrize("label", ["UnschedulablePendingReplacement", "UnschedulablePendingReboot", "SomethingNew"])
def test_a_check_does_not_hide_a_verdict(label: str) -> None:
    assert state(node(labels={HEALTH: label, CHECK: "InProgress"}), facts(), now=NOW) in UNHEALTHY


@pytest.mark.parametrize("status", sorted(FAILING))
def test_a_check_does_not_hide_a_failing_instance(status: str) -> None:
    found = state(node(labels={CHECK: "InProgress"}), facts(instance(GPU, status=status)), now=NOW)
    assert found is State.UNSCHEDULABLE


def test_a_node_that_checks_itself_takes_no_pods() -> None:
    assert {State.CHECKING} == NO_PODS - UNHEALTHY


def test_checks_of_many_nodes_are_no_mass_failure() -> None:
    health = rolled(labelled(16, **{HEALTH: "Unschedulable", CHECK: "InProgress"}))
    assert (health.checking, health.unhealthy, health.mass_failure, health.worst) == (16, 0, None, ())


def test_a_cluster_whose_nodes_check_themselves_is_reconciling_and_says_so() -> None:
    health = rolled(labelled(2, **{HEALTH: "Unschedulable", CHECK: "InProgress"}))
    made = passed(listed("DeepHealthCheckInProgress"), health=health)
    found = conditions_of(made.status)
    assert found["Ready"] == found["GroupsAtTarget"] == found["NodesHealthy"] == ("False", "DeepHealthChecks")
    assert found["Reconciling"] == ("True", "DeepHealthChecks")
    assert isinstance(made.outcome, Requeue)
    assert not [event for event in made.events if event.type == "Warning"]
    assert not any("nodeRecovery" in event.message for event in made.events)
    assert made.status.nodeHealth is not None
    assert (made.status.nodeHealth.deepHealthCheck, made.status.nodeHealth.unschedulable) == (2, None)


def test_a_failing_instance_without_recovery_waits_for_a_person_with_the_command_filled_in() -> None:
    made = passed(listed("Failure", 1, message="GPU fell off the bus."), recovery="None")
    ready = next(item for item in made.status.conditions or [] if item.type == "Ready")
    assert conditions_of(made.status)["Stalled"] == ("True", "GroupDegraded")
    assert "--cluster-name research --node-ids i-00000000000000000" in ready.message
    assert "GPU fell off the bus." in ready.message


def test_a_failing_instance_that_hyperpod_replaces_waits_for_nobody_and_is_named() -> None:
    made = passed(listed("Failure", 1))
    assert conditions_of(made.status)["Reconciling"] == ("True", "GroupDegraded")
    ready = next(item for item in made.status.conditions or [] if item.type == "Ready")
    assert "i-00000000000000000" in ready.message


@pytest.mark.parametrize(
    ("label", "command"),
    [("UnschedulablePendingReboot", "batch-reboot"), ("UnschedulablePendingReplacement", "batch-replace")],
)
def test_a_sick_node_without_recovery_stalls_the_cluster_with_its_command(label: str, command: str) -> None:
    made = passed(listed("Running"), health=rolled(labelled(1, **{HEALTH: label})), recovery="None")
    ready = next(item for item in made.status.conditions or [] if item.type == "Ready")
    assert conditions_of(made.status)["Stalled"] == ("True", "NodesUnhealthy")
    assert f"aws sagemaker {command}-cluster-nodes --cluster-name research --node-ids i-0" in ready.message
    assert isinstance(made.outcome, Blocked)


@pytest.mark.parametrize("other", [{"status": "Degraded"}, {"current_count": 0}], ids=["degraded", "scaling"])
def test_a_sick_node_that_nobody_repairs_is_yours_whatever_else_is_waited_for(other: dict[str, object]) -> None:
    """A group that AWS works on came first, and a row of kubectl get said that AWS has to act."""
    wanted = spec(nodeRecovery="None")
    seen = cluster(wanted=wanted)
    seen = replace(seen, groups=tuple(replace(one, **other) for one in seen.groups))  # type: ignore[arg-type]
    sick = rolled(labelled(1, **{HEALTH: "UnschedulablePendingReplacement"}))
    pass_record = told(resource(spec=wanted, status=recorded()), seen, nodes=listed("Running"))
    snapshot = replace(pass_record.snapshot, health=sick, health_watched=True)
    made = report(replace(pass_record, snapshot=snapshot, decision=decide(snapshot)))
    assert conditions_of(made.status)["Stalled"] == ("True", "NodesUnhealthy")
    assert headline(made.status.conditions or [])["actor"] == "You"


def test_a_sick_node_that_hyperpod_repairs_leaves_the_cluster_ready() -> None:
    made = passed(listed("Running"), health=rolled(labelled(1, **{HEALTH: "UnschedulablePendingReboot"})))
    assert conditions_of(made.status)["Ready"] == ("True", "ClusterReady")
    assert isinstance(made.outcome, Done)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (listed("Running", 3), "1 instance is ending"),
        ((*listed("Running", 3), *listed("ShuttingDown", 1)), "1 instance is ending"),
        (listed("Running", 4), "AWS holds 1 instance above its own target, and ends none of these yet"),
    ],
    ids=["left out already", "listed as ending", "none ends yet"],
)
def test_instances_that_end_are_progress_whether_or_not_they_are_still_listed(
    nodes: tuple[ObservedNode, ...], said: str
) -> None:
    """AWS drops them from the list before CurrentCount falls, and old errors of the group are about something else."""
    found = with_group(cluster(), group(group_spec(), target_count=3, current=4))
    old = ObservedEvent(event_id="e", at=NOW, level="Error", description="Lifecycle script failed.", group="gpu")
    status = recorded(instanceGroups=[{"instanceGroupName": "gpu", "appliedInstanceCount": 4, "origin": "Created"}])
    made = left(resource(spec=scaled(3), status=status), found, nodes=nodes, events=(old,))
    assert conditions_of(made)["GroupsAtTarget"] == conditions_of(made)["Ready"] == ("False", "Scaling")
    assert said in next(item.message for item in made.conditions or [] if item.type == "Ready")
