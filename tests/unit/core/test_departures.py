"""How many nodes a scale-in is about, where the list of nodes and the count of the group say different things."""

import pytest
from tests.unit.core.builders import NOW, cluster, group, group_spec, recorded, resource, seen, snapshot_of, spec
from tests.unit.core.nodeoperation.builders import node

from hyperpod_operator.api.names import DELETE_NODE
from hyperpod_operator.core.cluster.departures import Candidate, Departure, departing, departures
from hyperpod_operator.core.observed import ObservedNode
from hyperpod_operator.core.timings import Timings


def scale_in(*, wanted: int, statuses: list[str], target: int = 4) -> Departure:
    """Of a group of `target`, of which AWS lists instances with these statuses."""
    given = spec(instanceGroups=[group_spec(count=wanted)])
    owner = resource(spec=given, status=recorded())
    shown = cluster(wanted=given, groups=(group(group_spec(), target_count=target),))
    listed = [
        ObservedNode(instance_id=f"i-{number}", group="gpu", instance_type="ml.p5.48xlarge", status=status)
        for number, status in enumerate(statuses)
    ]
    snapshot = snapshot_of(owner, seen(owner, shown, nodes=listed))
    (found,) = departures(
        resource=owner,
        observed=snapshot.observed,
        changes=snapshot.changes,
        going=departing(resource=owner, observed=snapshot.observed, changes=snapshot.changes, ends=False),
        nodes={},
        unhealthy=frozenset(),
        now=NOW,
        timings=Timings(),
    )
    return found


@pytest.mark.parametrize("replaced", ["Failure", "Running", "SystemUpdating"])
def test_an_instance_that_hyperpod_replaces_is_no_further_node_to_end(replaced: str) -> None:
    found = scale_in(wanted=3, statuses=[replaced, "Running", "Running", "Running", "Pending"])
    assert (found.surplus, len(found.members)) == (1, 5)


def test_instances_that_are_not_there_yet_need_not_be_ended() -> None:
    assert scale_in(wanted=2, statuses=["Running", "Running", "Running"]).surplus == 1


@pytest.mark.parametrize(
    ("value", "marked"),
    [("true", True), ("yes", True), ("", True), ("2026-11-30", True)]
    + [(denial, False) for denial in ("false", "False", "FALSE ", "no", "off", "0")],
)
def test_a_value_that_denies_it_marks_no_node(value: str, marked: bool) -> None:
    candidate = Candidate(instance_id="i-1", node=node("i-1", annotations={DELETE_NODE: value}))
    assert candidate.marked is marked


def test_a_node_without_the_annotation_is_not_marked() -> None:
    assert not Candidate(instance_id="i-1", node=node("i-1")).marked
    assert not Candidate(instance_id="i-1").marked
