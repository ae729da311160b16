"""The confused deputy: a namespace asks the operator for what is not its own, and AWS is never asked."""

from dataclasses import replace

from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import spec

from hyperpod_operator.controllers.cluster import ClusterController
from hyperpod_operator.core.tenancy import Tenancy, Tenant

ROLE = "arn:aws:iam::111122223333:role/hyperpod-execution"


def restrict(rig: Rig, *tenants: Tenant) -> None:
    controller = rig.controller
    settings = replace(controller._settings, tenancy=Tenancy(tenants=tenants))
    rig.controller = ClusterController(ports=controller._ports, settings=settings)


async def test_a_foreign_role_costs_no_call(rig: Rig) -> None:
    restrict(rig, Tenant(namespaces=(KEY.namespace,), execution_roles=()))
    rig.apply(spec())
    await rig.rest()
    assert rig.condition("Ready")["reason"] == "NotAllowed"
    assert rig.condition("Stalled")["status"] == "True"
    assert rig.simulator.log.calls() == []


async def test_a_cluster_whose_tenant_lost_its_role_is_left_as_it_is(rig: Rig) -> None:
    rig.apply(spec())
    await rig.rest()
    restrict(rig, Tenant(namespaces=("other",)))
    since = rig.simulator.log.size()
    await rig.once()
    assert rig.condition("Ready")["reason"] == "NotAllowed"
    assert rig.simulator.log.calls(since=since) == []


async def test_it_can_still_be_deleted(rig: Rig) -> None:
    rig.apply(spec())
    await rig.rest()
    restrict(rig, Tenant(namespaces=("other",)))
    rig.objects.delete(KEY)
    await rig.rest()
    assert not rig.objects.exists(KEY)
    assert [call.operation for call in rig.simulator.log.calls(mutating=True)][-1] == "DeleteCluster"
