"""Which cluster the plan of an operation is about."""

from dataclasses import replace

from tests.unit.core.nodeoperation.builders import ARN, NOW, cluster, entry, instance, operation, snapshot, spec

from hyperpod_operator.core.nodeoperation.approval import shown
from hyperpod_operator.core.nodeoperation.snapshot import Cluster


def made(**fields: object) -> Cluster:
    found = cluster([instance()])
    return replace(found, observed=replace(found.observed, **fields))  # type: ignore[arg-type]


def test_an_answer_without_the_time_of_its_creation_is_no_other_cluster() -> None:
    whole = snapshot(entries=[entry()], cluster=made(created_at=NOW))
    assert whole.planned is not None
    status = whole.operation.status.model_copy(update={"plan": shown(whole, whole.planned.gate)})
    later = snapshot(operation(status=status), entries=[entry()], cluster=made(created_at=None))
    assert later.planned is not None
    assert later.planned.gate.digest == whole.planned.gate.digest


def test_a_cluster_of_another_arn_has_a_plan_of_its_own() -> None:
    whole = snapshot(entries=[entry()], cluster=made(created_at=NOW))
    assert whole.planned is not None
    status = whole.operation.status.model_copy(update={"plan": shown(whole, whole.planned.gate)})
    other = made(created_at=None, arn=f"{whole.planned.target.cluster_arn}2")
    later = snapshot(operation(status=status), entries=[entry()], cluster=other)
    assert later.planned is not None
    assert later.planned.target.creation_time == ""


def test_nodes_that_join_another_cluster_than_the_approved_one_have_another_plan() -> None:
    """The object of the cluster may have been made again under its name since the approval."""
    move = operation(spec("Move", move={"instanceGroupName": "spare", "clusterRef": {"name": "other"}}))
    found = [
        snapshot(move, entries=[entry()], target=made(arn=f"{ARN}-{which}")).planned for which in ("old", "old", "new")
    ]
    digests = [one.gate.digest for one in found if one is not None]
    assert (digests[0] == digests[1], digests[0] == digests[2]) == (True, False)
