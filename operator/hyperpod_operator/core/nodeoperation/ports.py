"""What a pass over a node operation needs of the world, beyond the ports that every kind uses."""

from typing import Protocol

from hyperpod_operator.core.ports import Objects, StoredObject


class OperationObjects(Objects, Protocol):
    """The HyperPodNodeOperation objects, which the operator may delete when their time is over."""

    async def delete(self, stored: StoredObject) -> None:
        """Delete this very object; one that is gone is no error. Raises KubernetesError or StaleObject."""
        ...
