"""Writes to Nodes, one conditional JSON-patch each.

`spec.taints` is replaced as a whole list, and kubelets, the health monitoring agent and people write to the same
Nodes. So every patch tests that the Node is the one, and the version, that the decision was made on: a write that
lost a race changes nothing, and the taints of others cannot get lost. It is not tried again here: whoever decided
has to decide anew.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node, Taint, kept
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.decoding import NodeObject, node_object
from hyperpod_operator.kube.nodes.factory import NodeFactory
from hyperpod_operator.kube.nodes.stream import PATH
from hyperpod_operator.kube.watch.decoding import Garbled

Operation = dict[str, Any]

METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""The answer to a write: nobody reads it, and a whole Node would be 11 KB, for the API server, too."""
_UNPROCESSABLE = 422
"""The answer to a failed `test` of a JSON-patch, to a path that is not there, and to content that is refused."""
_MAPS = ("labels", "annotations")


class NodeWriter:
    """Reads and writes single Nodes on the server itself, never on what is held of them."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._factory = NodeFactory()

    async def read(self, name: str) -> Node | None:
        """The Node as it is now, or None when there is none of HyperPod with this name."""
        found = await self._read(name)
        return None if found is None else self._factory.node(found)

    async def change(self, node: Node, change: NodeChange) -> None:
        """Apply `change` to `node` as it was read, all or nothing. The watch tells what the Node is then.

        Raises StaleObject when the Node changed since, ObjectGone when it was deleted (and perhaps another one
        made), KubernetesError for a refusal; with status 0 nobody knows whether the change was made.
        """
        operations = _operations(node, change)
        if operations:
            await self._apply(node, operations)

    async def _apply(self, node: Node, operations: Sequence[Operation], *, maps: Sequence[Operation] = ()) -> None:
        guards = [
            {"op": "test", "path": "/metadata/uid", "value": node.uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": node.resource_version},
        ]
        try:
            await self._api.json_patch(_path(node.name), [*guards, *maps, *operations], accept=METADATA)
            return
        except (StaleObject, KubernetesError) as error:
            if isinstance(error, KubernetesError) and error.status != _UNPROCESSABLE:
                raise
            missing = _missing_maps(await self._unchanged(node, error), operations)
            if isinstance(error, StaleObject) or maps or not missing:
                raise
        await self._apply(node, operations, maps=missing)

    async def _unchanged(self, node: Node, error: StaleObject | KubernetesError) -> NodeObject:
        """The Node on the server when it is still the one that was decided on; says what happened to it else."""
        found = await self._read(node.name)
        if found is None:
            raise ObjectGone(f"The Node {node.name} was deleted since it was read.") from error
        if found.metadata.uid != node.uid:
            raise ObjectGone(
                f"The Node {node.name} was deleted, and another one created, since it was read."
            ) from error
        if found.metadata.resource_version != node.resource_version:
            raise StaleObject(f"The Node {node.name} was changed by another client since it was read.") from error
        return found

    async def _read(self, name: str) -> NodeObject | None:
        try:
            return _decoded(name, await self._api.get(_path(name)))
        except ObjectGone:
            return None


def _operations(node: Node, change: NodeChange) -> list[Operation]:
    """What `change` alters on this Node; nothing for what is so already."""
    operations: list[Operation] = []
    if change.taints is not None and change.taints != node.taints:
        # An `add` replaces the list if there is one.
        taints = [_taint(taint) for taint in change.taints]
        path = "/spec/taints"
        operations.append({"op": "add", "path": path, "value": taints} if taints else {"op": "remove", "path": path})
    operations += _entries("labels", node.labels, change.labels)
    operations += _entries("annotations", node.annotations, change.annotations)
    return operations


def _entries(member: str, held: Mapping[str, str], wanted: Mapping[str, str | None]) -> list[Operation]:
    operations: list[Operation] = []
    for key, value in wanted.items():
        if not kept(key):
            raise ValueError(f"{member} of Nodes are changed only where they are read, which {key} is not")
        path = f"/metadata/{member}/{key.replace('~', '~0').replace('/', '~1')}"
        if value is None and key in held:
            operations.append({"op": "remove", "path": path})
        elif value is not None and held.get(key) != value:
            operations.append({"op": "add", "path": path, "value": value})
    return operations


def _missing_maps(found: NodeObject, operations: Sequence[Operation]) -> list[Operation]:
    """Creates the maps that `operations` add to and that are not there: a patch cannot add to nothing.

    What is held of a Node does not tell an absent map from one of others' keys, and to create one that is there
    would empty it; so this is for a Node that was just read, with the resourceVersion that the patch tests.
    """
    return [
        {"op": "add", "path": f"/metadata/{member}", "value": {}}
        for member in _MAPS
        if getattr(found.metadata, member) is None
        and any(operation["path"].startswith(f"/metadata/{member}/") for operation in operations)
    ]


def _taint(taint: Taint) -> Operation:
    optional = {"value": taint.value, "timeAdded": taint.time_added}
    return {"key": taint.key, "effect": taint.effect} | {name: value for name, value in optional.items() if value}


def _decoded(name: str, body: Mapping[str, Any]) -> NodeObject:
    try:
        return node_object(body)
    except Garbled as error:
        raise KubernetesError(
            status=200,
            message=f"The API server's answer about the Node {name} cannot be used: {error}. "
            "Check that nothing between the operator and the API server changes its answers.",
        ) from error


def _path(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"
