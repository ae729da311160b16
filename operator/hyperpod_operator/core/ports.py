"""What the controllers need of the world, as Protocols.

`controllers` talks to these and to nothing else; `app.py` puts the real ones (`aws`, `kube`, `runtime`)
behind them and tests put theirs. All of them may be called from one event loop; none may block it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.metrics.instrument import Counter, Gauge, Histogram
from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT, TRIGGER_ANNOTATIONS
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.nodes.ports import NodeBatches
from hyperpod_operator.core.observed import Json, ListedCluster, ObservedCluster, ObservedEvent, ObservedNode


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What travels through the queue: which object, never what happened to it."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """A custom resource as the API server returned it, with the parts that every pass needs at hand."""

    key: Key
    uid: str
    resource_version: str
    generation: int
    deleting: bool
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    body: Mapping[str, Any]
    """The whole object as decoded JSON; `spec` and `status` are read from here."""

    def is_edited(self, read: "StoredObject") -> bool:
        """Whether a person asked for something else since it was `read`: by the spec, a deletion, an annotation."""
        return self._asked() != read._asked()

    def _asked(self) -> tuple[object, ...]:
        said = {name: self.annotations.get(name) for name in TRIGGER_ANNOTATIONS if name != RECONCILE_REQUESTED_AT}
        return self.generation, self.deleting, said


class StaleObject(Exception):  # noqa: N818 - a state of affairs, not an error
    """The object changed since it was read (HTTP 409), or is another one of the same name by now."""


class ObjectGone(Exception):  # noqa: N818 - a state of affairs, not an error
    """The object does not exist any more (HTTP 404)."""


class KubernetesError(Exception):
    """The API server refused a call or could not be reached. `status` is the HTTP status, 0 without an answer.

    `budget` has the words about a PodDisruptionBudget that does not allow an eviction; empty for everything else.
    `namespace_ends`: nothing is created there any more, because the namespace is being deleted.
    """

    def __init__(self, *, status: int, message: str, budget: str = "", namespace_ends: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.budget = budget
        self.namespace_ends = namespace_ends

    @property
    def passes(self) -> bool:
        """Whether the same call may be answered in a moment: no answer came, or the API server had no time for it, or a
        fault of its own."""
        return self.status in {0, 429} or self.status >= 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What AWS said to a changing call that it took. `arn` is CreateCluster's answer, empty for others."""

    request_id: str = ""
    arn: str = ""


class Clusters(NodeBatches, Protocol):
    """SageMaker HyperPod in one region. Every method raises `core.errors.CloudError` and nothing else."""

    async def describe(self, *, name: str) -> ObservedCluster | None:
        """DescribeCluster by name; None when AWS says that there is no such cluster."""
        ...

    async def listed(self) -> tuple[ListedCluster, ...]:
        """All pages of ListClusters: every cluster of the account in this region, whoever made it."""
        ...

    async def nodes(self, *, name: str, logical_ids: bool = False) -> tuple[ObservedNode, ...]:
        """All pages of ListClusterNodes; empty when AWS says that there is no such cluster.

        With `logical_ids` (clusters with continuous provisioning have them) also nodes that have no instance yet.
        """
        ...

    async def tags(self, *, arn: str) -> Mapping[str, str]:
        """All pages of ListTags. Raises NOT_FOUND where AWS knows no such cluster: that says nothing about its tags."""
        ...

    # [assumption: events-need-continuous]
    async def events(
        self, *, name: str, enough: Callable[[tuple[ObservedEvent, ...]], bool]
    ) -> tuple[ObservedEvent, ...]:
        """ListClusterEvents, newest first: page by page (100) until those read so far are `enough`.

        HyperPod keeps events for clusters with continuous provisioning only. They explain and decide nothing:
        a refusal (invalid, denied) is logged and answered with an empty tuple, as is an absent cluster.
        """
        ...

    async def cause(self, *, name: str, event_id: str) -> str | None:
        """DescribeClusterEvent: FailureMessage of one event, empty if it has none; None if AWS has no such event."""
        ...

    async def create(self, *, request: Mapping[str, Json], confirm: Confirm | None = None) -> Receipt:
        """CreateCluster; the receipt has the ARN. `confirm` runs when the call's turn has come; if it raises, nothing
        is sent."""
        ...

    async def update(
        self, *, request: Mapping[str, Json], refresh: Callable[[], Awaitable[Mapping[str, Json]]] | None = None
    ) -> Receipt:
        """UpdateCluster. `refresh` makes the request anew when the call's turn has come, just before it is sent."""
        ...

    async def update_software(self, *, request: Mapping[str, Json], confirm: Confirm | None = None) -> Receipt:
        """UpdateClusterSoftware."""
        ...

    async def delete(self, *, arn: str, confirm: Confirm | None = None) -> Receipt:
        """DeleteCluster by ARN: a cluster of the same name that somebody made since is never hit."""
        ...

    async def add_tags(self, *, arn: str, tags: Mapping[str, str], confirm: Confirm | None = None) -> Receipt:
        """AddTags."""
        ...

    async def delete_tags(self, *, arn: str, keys: tuple[str, ...], confirm: Confirm | None = None) -> Receipt:
        """DeleteTags."""
        ...


class Nodes(Protocol):
    """The Nodes that HyperPod brought, as they are held in memory: no call waits for the API server."""

    @property
    def synced(self) -> bool:
        """Whether all of them were listed once; before that, answers are incomplete."""
        ...

    def get(self, name: str) -> Node | None: ...

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        """The Nodes of the cluster of this id, in no particular order."""
        ...

    def all(self) -> tuple[Node, ...]:
        """The Nodes of every cluster: for what is seldom asked."""
        ...


class NodeWrites(Protocol):
    """Guarded changes of single Nodes. Methods raise StaleObject, ObjectGone or KubernetesError."""

    async def read(self, name: str) -> Node | None:
        """The Node from the API server; None when there is none of HyperPod with this name."""
        ...

    async def change(self, node: Node, change: NodeChange) -> None:
        """All of `change` or nothing, and only if the Node is still what `node` says."""
        ...


class Cloud(Protocol):
    """AWS, by region. An empty region means the installation's own."""

    @property
    def region(self) -> str:
        """The installation's own region."""
        ...

    def clusters(self, *, region: str) -> Clusters: ...

    async def location(self, *, region: str) -> Location:
        """Where calls to this region go; the account is empty while STS does not tell it. Never raises."""
        ...


class Objects(Protocol):
    """The HyperPodCluster objects. Methods raise StaleObject, ObjectGone or KubernetesError."""

    async def read(self, key: Key) -> StoredObject | None:
        """The object from the API server (never from a cache), or None."""
        ...

    async def list(self) -> tuple[StoredObject, ...]:
        """All objects in scope, read in chunks."""
        ...

    async def add_finalizer(self, stored: StoredObject, finalizer: str) -> StoredObject:
        """Add it unless it is there; guarded by uid and resourceVersion. Returns the object as it is now."""
        ...

    async def remove_finalizer(self, stored: StoredObject, finalizer: str) -> None:
        """Remove it and leave the others; guarded like `add_finalizer`. An object that is gone is no error."""
        ...

    async def write_status(
        self, stored: StoredObject, status: Mapping[str, Any], *, unedited: bool = False
    ) -> StoredObject:
        """Make `.status` equal to `status` in one merge-patch guarded by uid and resourceVersion.

        Writes nothing when it is equal already. If only spec or metadata changed since the read, the write is
        repeated on the new version, because nobody else writes status; otherwise StaleObject. With `unedited` an
        edit of a person is StaleObject, too: what is to be stored then holds for the object as it was read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One Kubernetes Event: `reason` is a CamelCase word of `api/names.py`, `action` what was done or looked at.

    `reference` is AWS's name for this occurrence. It ends the note of the first; Events that differ in it alone are one
    Event, with their count.
    """

    type: Literal["Normal", "Warning"]
    reason: str
    action: str
    message: str
    reference: str = field(default="", compare=False)


class Events(Protocol):
    """Kubernetes Events about an object. Best effort: never raises, never makes a pass wait for the server."""

    def publish(self, *, about: StoredObject, event: Event) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the API server says about a bearer token: whose it is, and whether that user may read /metrics."""

    authenticated: bool
    allowed: bool
    user: str = ""
    """Empty where the token is nobody's."""


class Metrics(Protocol):
    """Counters, durations and gauges of `api/metrics`; never raises. Labels are in the order of the instrument's."""

    def inc(self, counter: Counter, *labels: str, by: float = 1.0) -> None: ...

    def observe(self, histogram: Histogram, seconds: float, *labels: str) -> None: ...

    def set(self, gauge: Gauge, value: float, *labels: str) -> None: ...

    def object_state(self, *, kind: str, key: Key, status: Model) -> None:
        """The last status of an object, which the gauges of its kind are computed from; `kind` is the kind's word."""
        ...

    def object_gone(self, *, kind: str, key: Key) -> None: ...


class Clock(Protocol):
    """Time as an argument: `now` is aware UTC for what people read, `monotonic` seconds for durations."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...
