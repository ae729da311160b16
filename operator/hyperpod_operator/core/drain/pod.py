"""A pod as a drain sees it: only what decisions use, frozen, small enough to hold twenty thousand of.

Source: kubernetes.io, "Safely Drain a Node" and "API-initiated Eviction"; the annotation of mirror pods is
`kubernetes.io/config.mirror` (API reference, well-known annotations).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod that is bound to a node."""

    namespace: str
    name: str
    uid: str
    node: str
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)
    namespace_labels: Mapping[str, str] | None = field(default=None, hash=False)
    """Labels of its namespace; None where the operator has not read them or may not."""
    gang: str = ""
    """The workload whose pods leave together, as `JobSet research/train`; empty for a pod that stands by itself."""
    is_daemon: bool = False
    """Whether a DaemonSet controls it: it would come back at once."""
    is_static: bool = False
    """Whether it is the mirror of a static pod: only its kubelet can end it."""
    is_finished: bool = False
    """Whether its phase is Succeeded or Failed."""
    is_pending: bool = False
    """Whether its phase is Pending: no container of it runs yet."""
    is_ready: bool = True
    """Whether its condition Ready is True: a budget is about those that are."""
    created_at: datetime | None = None
    deleting_since: datetime | None = None
    """Its deletionTimestamp: when the grace period of its deletion ends."""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def stays(self) -> bool:
        """Whether it is neither evicted nor waited for, whatever the rules say."""
        return self.is_daemon or self.is_static or self.is_finished


def occupants(pods: Iterable[Pod]) -> tuple[Pod, ...]:
    """The pods that keep their nodes from being idle."""
    return tuple(pod for pod in pods if not pod.stays)


def awaited(pods: Iterable[Pod], *, unreachable: frozenset[str], now: datetime) -> tuple[Pod, ...]:
    """The occupants, without those that can never be seen to end: they are being deleted on a node whose kubelet does
    not respond (`unreachable`), and their grace period is over. Until then the pod may run, and save what it has:
    Kubernetes hears nothing of a kubelet either that only cannot reach it."""
    return tuple(
        pod
        for pod in occupants(pods)
        if not (pod.node in unreachable and pod.deleting_since is not None and pod.deleting_since <= now)
    )
