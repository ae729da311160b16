"""What a pass over a node operation needs of the world, beyond the ports that every kind uses."""

from collections.abc import Mapping
from typing import Protocol

from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import Objects, StoredObject


class SelectedNodes(Protocol):
    """Which Nodes have labels: of the Nodes that are held few labels are."""

    async def selected(self, *, selector: Mapping[str, str]) -> frozenset[str]:
        """Names of the Nodes that have all of these labels, as the API server has them. Raises KubernetesError."""
        ...


class StoredNodes(Protocol):
    """Single Nodes as the API server has them, whether the watch shows them or not."""

    async def read(self, name: str) -> Node | None:
        """None when there is none of HyperPod with this name. Raises KubernetesError."""
        ...


class OperationObjects(Objects, Protocol):
    """The HyperPodNodeOperation objects, which the operator may delete when their time is over."""

    async def delete(self, stored: StoredObject) -> None:
        """Delete this very object; one that is gone is no error. Raises KubernetesError or StaleObject."""
        ...
