"""A call about nodes may wait for its turn; what their cluster and its object say by then counts."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, METHODS, OperationRig
from tests.unit.core.builders import OTHERS

from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.ports import Key


def manage(rig: OperationRig, **management: Any) -> None:
    spec: dict[str, Any] = rig.clusters._bodies[CLUSTER_KEY]["spec"]
    rig.clusters.apply(CLUSTER_KEY, {**spec, "management": management})


def deleted(rig: OperationRig) -> None:
    """Its finalizer is there, so it goes when its cluster has gone."""
    rig.clusters._bodies[CLUSTER_KEY]["metadata"]["finalizers"] = ["x"]
    rig.clusters.delete(CLUSTER_KEY)


def taken_over(rig: OperationRig) -> None:
    rig.simulator.world.set_tags("research", dict(OTHERS))


def made_again(rig: OperationRig) -> None:
    spec = rig.clusters._bodies[CLUSTER_KEY]["spec"]
    rig.clusters.delete(CLUSTER_KEY)
    rig.clusters.apply(CLUSTER_KEY, spec)


MEANWHILE: Mapping[str, Callable[[OperationRig], None]] = {
    "paused": lambda rig: manage(rig, paused=True),
    "another change policy": lambda rig: manage(rig, changePolicy="ApproveDisruptive"),
    "no plan is carried out": lambda rig: manage(rig, changePolicy="PlanOnly"),
    "deleted": deleted,
    "another object": made_again,
    "taken over": taken_over,
}


def before_its_turn(rig: OperationRig, operation: str, happens: Callable[[OperationRig], None]) -> None:
    """Before the call has its turn for the first time, something happens."""
    clusters, name = rig.cloud.clusters(region=""), METHODS[operation]
    call = getattr(clusters, name)

    async def later(**fields: Any) -> Any:
        setattr(clusters, name, call)
        happens(rig)
        return await call(**fields)

    setattr(clusters, name, later)


@pytest.mark.parametrize("happens", MEANWHILE)
@pytest.mark.parametrize("operation", METHODS)
async def test_no_call_is_sent_that_the_cluster_does_not_allow_any_more(
    rig: OperationRig, operation: str, happens: str
) -> None:
    before_its_turn(rig, operation, MEANWHILE[happens])
    rig.apply(operation, rig.ids[:1])
    for _ in range(12):
        await rig.step()
    assert (rig.calls(), rig.status_of().get("operations")) == ([], None)


async def test_no_node_moves_into_a_cluster_that_is_paused_by_then(rig: OperationRig) -> None:
    other = Key(KEY.namespace, "other")
    rig.add_cluster(other, nodes=1, eks="arn:aws:eks:us-west-2:111122223333:cluster/theirs")
    spec = rig.clusters._bodies[other]["spec"]
    before_its_turn(rig, "Move", lambda found: found.clusters.apply(other, {**spec, "management": {"paused": True}}))
    rig.apply("Move", rig.ids[:1], move={"instanceGroupName": "spare", "clusterRef": {"name": "other"}})
    for _ in range(12):
        await rig.step()
    assert rig.calls() == []
    rig.clusters.apply(other, spec)
    await rig.rest()
    assert len(rig.calls()) == 1


@pytest.mark.parametrize("kind", [ErrorKind.TRANSIENT, ErrorKind.UNKNOWN_OUTCOME, ErrorKind.INVALID])
async def test_a_call_whose_cluster_could_not_be_read_again_was_not_sent(rig: OperationRig, kind: ErrorKind) -> None:
    clusters = rig.cloud.clusters(region="")
    read = clusters.tags

    async def unread(**fields: Any) -> Any:
        clusters.tags = read  # type: ignore[method-assign]
        raise CloudError(kind=kind, operation="ListTags", code="X", message="no")

    before_its_turn(rig, "Delete", lambda _: setattr(clusters, "tags", unread))
    rig.apply("Delete", rig.ids[:1])
    await rig.rest()
    assert (len(rig.calls()), rig.states()) == (1, ["Succeeded"])


async def test_a_status_of_the_cluster_that_is_written_meanwhile_holds_no_call_up(rig: OperationRig) -> None:
    before_its_turn(rig, "Reboot", lambda found: found.clusters.set_status(CLUSTER_KEY, {"observedGeneration": 1}))
    rig.apply("Reboot", rig.ids[:1])
    await rig.until(lambda: bool(rig.calls()))
