"""What Kubernetes Events are about, where it is no object that the operator itself is declared by."""

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import API_VERSION
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import Key, StoredObject


def cluster_reference(key: Key, *, uid: str) -> StoredObject:
    """The HyperPodCluster as what an Event is about, for controllers of other kinds."""
    return StoredObject(
        key=key,
        uid=uid,
        resource_version="",
        generation=0,
        deleting=False,
        finalizers=(),
        annotations={},
        body={"apiVersion": API_VERSION, "kind": CLUSTER.name},
    )


def node_reference(node: Node) -> StoredObject:
    """The Node as what an Event is about."""
    return StoredObject(
        key=Key("", node.name),
        uid=node.uid,
        resource_version=node.resource_version,
        generation=0,
        deleting=node.deleting,
        finalizers=(),
        annotations=node.annotations,
        body={"apiVersion": "v1", "kind": "Node"},
    )
