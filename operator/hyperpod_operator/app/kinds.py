"""Which controller reconciles which kind: the one table between the records of the kinds and what runs them."""

from collections.abc import Callable, Mapping

from hyperpod_operator.api.kinds import CLUSTER, NODE_OPERATION, VOLUME_CLAIM
from hyperpod_operator.app.clusters import cluster_runtime
from hyperpod_operator.app.dependencies import ControllerRuntime, Shared
from hyperpod_operator.app.node_operations import node_operation_runtime
from hyperpod_operator.app.volumes import volume_runtime

Controllers = Mapping[str, Callable[[Shared], ControllerRuntime]]
"""What runs the controller of each kind, by the kind's name."""

CONTROLLERS: Controllers = {
    CLUSTER.name: cluster_runtime,
    VOLUME_CLAIM.name: volume_runtime,
    NODE_OPERATION.name: node_operation_runtime,
}
