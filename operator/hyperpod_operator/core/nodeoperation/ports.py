"""What a pass over a node operation needs of the world, beyond the ports that every kind uses."""

from typing import Protocol

from hyperpod_operator.core.ports import Objects, StoredObject


class OperationObjects(Objects, Protocol):
    """The HyperPodNodeOperation objects, which the operator may delete when their time is over."""

    async def delete(self, stored: StoredObject) -> None:
        """Delete this very object; one that is gone is no error. Raises KubernetesError or StaleObject."""
        ...


class OperationMetrics(Protocol):
    """What happens in node operations; never raises. Seconds count from the beginning of the node's drain."""

    def node_operated(self, *, operation: str, phase: str, seconds: float) -> None:
        """A node left a phase: Drain (until AWS was asked), Effect (until it was seen), Total."""
        ...

    def node_ended(self, *, operation: str, state: str) -> None: ...

    def pods_evicted(self, *, answer: str, count: int) -> None: ...

    def drain_timed_out(self, *, operation: str) -> None: ...
