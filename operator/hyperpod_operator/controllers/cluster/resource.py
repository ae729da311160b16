"""From a stored HyperPodCluster to the resource that decisions look at."""

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.controllers.approval import approvers
from hyperpod_operator.controllers.parse import parse_spec_with_unknown, parse_status, reconcile_requested_at
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.ports import StoredObject


def resource_of(stored: StoredObject) -> Resource:
    """A stored object, parsed. Raises InvalidSpecError."""
    spec, unknown = parse_spec_with_unknown(stored, HyperPodClusterSpec)
    return Resource(
        key=stored.key,
        uid=stored.uid,
        generation=stored.generation,
        deleting=stored.deleting,
        reconcile_requested_at=reconcile_requested_at(stored),
        spec=spec,
        status=parse_status(stored, HyperPodClusterStatus),
        unknown=unknown,
        autoscaled=False,
        **approvers(stored),
    )
