"""What Kubernetes Events are about, where it is no object that the operator itself is declared by."""

from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import Key, StoredObject


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
