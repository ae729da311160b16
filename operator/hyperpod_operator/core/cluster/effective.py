"""What a pass over a cluster names in AWS: the spec early, for a message, and the very request just before a call.

The request is what counts. A Region that the spec leaves out is the operator's own, an adopted cluster is named by no
spec at all, and what AWS holds already is repeated in updates and asks for nothing.
"""

from collections.abc import Mapping
from typing import assert_never

from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.plan import (
    Action,
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteNodes,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
)
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.once import once
from hyperpod_operator.core.observed import Json, ObservedCluster
from hyperpod_operator.core.tenancy import Matter, Named
from hyperpod_operator.core.tenancy.names import names_of_cluster

REQUEST = "request"
"""How paths of a request begin in messages."""


def spec_names(resource: Resource, *, own_region: str) -> tuple[Named, ...]:
    """What the spec names, and the Region in which it is carried out. `own_region` is the installation's."""
    return (*in_region(resource.spec.region, own_region=own_region), *_stated_names(resource))


@once
def _stated_names(resource: Resource) -> tuple[Named, ...]:
    """All but the Region."""
    return names_of_cluster({name: value for name, value in resource.stated.items() if name != "region"})


def in_region(region: str | None, *, own_region: str) -> tuple[Named, ...]:
    """The Region of every call of the pass; unset is the installation's own."""
    if region:
        return (Named("spec.region", region, Matter.REGIONS),)
    return (Named("the operator's own Region", own_region, Matter.REGIONS),)


def call_names(snapshot: ClusterSnapshot, action: Action) -> tuple[Named, ...]:
    """What a call names that neither AWS holds already nor our ownership tags prove in this pass to be ours."""
    match action:
        case CreateCluster(request=request) | UpdateClusterSoftware(request=request):
            return _of_request(request)
        case UpdateCluster(request=request):
            held = frozenset(_held(snapshot.observed.cluster))
            return tuple(one for one in _of_request(request) if one not in held)
        case DeleteCluster(arn=arn) | AddTags(arn=arn) | DeleteTags(arn=arn) | DeleteNodes(arn=arn):
            ours = snapshot.ownership in {Ownership.OURS, Ownership.FORMER}
            return () if ours else (Named("the cluster that exists", arn, Matter.CLUSTERS),)
        case _:
            assert_never(action)


def _of_request(request: Mapping[str, Json]) -> tuple[Named, ...]:
    """Tags stay out: those of the operator are among them, and those of the spec were judged there."""
    return tuple(one for one in names_of_cluster(request, path=REQUEST) if one.matter is not None)


def _held(cluster: ObservedCluster | None) -> tuple[Named, ...]:
    """What AWS has on this cluster at the same places."""
    if cluster is None:
        return ()
    observed: Mapping[str, Json] = {
        **cluster.members,
        "instanceGroups": [_group(group.name, group.members) for group in cluster.groups if not group.restricted],
        "restrictedInstanceGroups": [_group(group.name, group.members) for group in cluster.groups if group.restricted],
    }
    return _of_request(observed)


def _group(name: str, members: Mapping[str, Json]) -> Mapping[str, Json]:
    return {**members, "instanceGroupName": name}
