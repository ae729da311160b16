"""One pass over one Node: decide on what is held of it, write at most once, tell.

What HyperPod's agents, kubelets and people write arrives here thousands of times a day and hardly ever asks for
anything, so the judgement comes before the queue: only a Node that wants a write gets a pass. The order of the lanes
is the order of harm: a sick node that still takes pods first.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.metrics.nodes import NODE_CHANGES, NODE_RECOVERY_SECONDS, NODE_TAINT_SECONDS
from hyperpod_operator.api.names import Reason
from hyperpod_operator.controllers.cluster_cache import Change, ClusterCache, Entry
from hyperpod_operator.controllers.object_references import node_reference
from hyperpod_operator.core.audit import Audit, AuditRecord, recording
from hyperpod_operator.core.health.audit import patched
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.labels import contradiction, missing_labels, needs_instance
from hyperpod_operator.core.health.mass_failure import Lane
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.health.state import NO_PODS, State
from hyperpod_operator.core.health.taint import Step, TaintDecision, decide
from hyperpod_operator.core.outcome import Again, Done, Failed, Gone, Outcome, Requeue
from hyperpod_operator.core.ports import (
    Clock,
    Event,
    Events,
    Key,
    KubernetesError,
    Metrics,
    Nodes,
    NodeWrites,
    ObjectGone,
    StaleObject,
)

logger = logging.getLogger(__name__)

CONCERN = "NodeHealth"
"""Why a Node is written to, as the audit trail names it."""

LABELS = "The instance type that SageMaker reports is missing on the Node."

KUBERNETES_PAUSE = 5.0
"""Shortest pause in seconds after the API server failed."""


@dataclass(frozen=True, kw_only=True)
class NodePorts:
    """What a pass needs of the world. `budget` returns when one more write to a Node may be made."""

    nodes: Nodes
    writes: NodeWrites
    events: Events
    metrics: Metrics
    clock: Clock
    budget: Callable[[], Awaitable[None]]
    audit: Audit


@dataclass(frozen=True, kw_only=True)
class Enqueue:
    """Whom to wake: a Node now in a lane, a Node in so many seconds, or the HyperPodCluster of a changed Node.

    `gone` drops what is planned for a Node that left.
    """

    now: Callable[[Key, Lane], None]
    later: Callable[[Key, float], None]
    gone: Callable[[Key], None]
    cluster: Callable[[Key], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was last known of a Node; `since` (monotonic seconds) is when it was first seen unhealthy, and `bare` since
    when it lacks the taint for that."""

    cluster: Key
    state: State
    since: float | None
    bare: float | None
    contradiction: str | None


class NodeController:
    """Keeps the taint and the labels of HyperPod's Nodes right. What it remembers serves metrics and Events only."""

    def __init__(self, *, ports: NodePorts, clusters: ClusterCache, enqueue: Enqueue) -> None:
        self._ports = ports
        self._clusters = clusters
        self._enqueue = enqueue
        self._seen: dict[str, _Seen] = {}

    def changed(self, name: str) -> None:
        """A Node came, changed or went."""
        node = self._ports.nodes.get(name)
        if node is None:
            self._gone(name)
            return
        entry = self._clusters.of(node.cluster_id)
        if entry is None:
            return  # a stranger's cluster, or one that no pass has looked at yet: `cluster_updated` comes back to it
        moved = self._judge(node, entry)
        if moved or needs_instance(node, entry.facts):
            self._enqueue.cluster(entry.key)

    def cluster_updated(self, change: Change) -> None:
        """A pass learned something new about a cluster, or some instances of it; that very pass reports about them."""
        entry = self._clusters.of(change.cluster_id)
        if entry is None:
            return
        for node in self._ports.nodes.of_cluster(change.cluster_id):
            if change.instances is None or node.instance_id in change.instances:
                self._judge(node, entry)

    async def reconcile(self, key: Key, failures: int) -> Outcome:  # noqa: ARG002 - every kind's passes are called alike
        """One pass."""
        try:
            return await self._pass(key.name)
        except StaleObject:
            return Again()
        except ObjectGone:
            return Gone()
        except KubernetesError as error:
            self._ports.metrics.inc(NODE_CHANGES, "Write", "Refused")
            if not error.passes:
                self._refused(key.name, error)
            logger.warning(
                "The Node %s could not be changed: %s The operator retries. A rejection (403, 422) may come from "
                "an admission policy or from missing permissions on nodes.",
                key.name,
                error,
            )
            return Failed(Reason.INTERNAL_ERROR, KUBERNETES_PAUSE)

    def _refused(self, name: str, error: KubernetesError) -> None:
        """Say where people look that a Node is not as the cluster's status lets them expect."""
        node = self._ports.nodes.get(name)
        entry = self._clusters.of(node.cluster_id) if node is not None else None
        if node is None or entry is None:
            return
        decision = decide(node, entry.facts, now=self._ports.clock.now())
        bare = decision.change and decision.step is Step.TAINT
        harm = f" It is unhealthy and gets new pods: kubectl cordon {name} keeps them off." if bare else ""
        message = f"The API server refuses the operator's change of the Node: {error}{harm} The operator retries."
        event = Event(type="Warning", reason=Reason.NODE_NOT_CHANGED, action=_step(decision), message=message)
        self._publish(node, entry, event)

    async def _pass(self, name: str) -> Outcome:
        node = self._ports.nodes.get(name)
        if node is None:
            return Gone()
        try:
            return await self._settle(node)
        except StaleObject:
            # Somebody wrote since: decide again, on what is there now and not on what a watch will tell some time.
            self._ports.metrics.inc(NODE_CHANGES, "Write", "Conflict")
            fresh = await self._ports.writes.read(name)
            return Gone() if fresh is None else await self._settle(fresh)

    async def _settle(self, node: Node) -> Outcome:
        entry = self._clusters.of(node.cluster_id)
        if entry is None:
            return Gone()
        decision = decide(node, entry.facts, now=self._ports.clock.now())
        change = replace(decision.change, labels=missing_labels(node, entry.facts))
        if change:
            seen = self._seen.get(node.name)  # before the watch tells of the write
            await self._ports.budget()
            await self._write(node, entry, decision, change)
            self._tell(node, entry, decision, bare=seen.bare if seen else None)
        if decision.look_again is not None:
            return Requeue(Reason.HEALTH_NOT_REPORTED, decision.look_again)
        return Done()

    async def _write(self, node: Node, entry: Entry, decision: TaintDecision, change: NodeChange) -> None:
        with recording(self._ports.audit, partial(_audited, node, entry, decision, change)):
            await self._ports.writes.change(node, change)

    def _judge(self, node: Node, entry: Entry) -> bool:
        """Line the Node up if it wants a write. Says whether its state is another one than before."""
        decision = decide(node, entry.facts, now=self._ports.clock.now())
        key = _key(node.name)
        if decision.change:
            self._enqueue.now(key, Lane.TAINT if decision.step is Step.TAINT else Lane.UNTAINT)
        elif missing_labels(node, entry.facts):
            self._enqueue.now(key, Lane.LABEL)
        elif decision.look_again is not None:
            self._enqueue.later(key, decision.look_again)
        return self._follow(node, entry, decision)

    def _follow(self, node: Node, entry: Entry, decision: TaintDecision) -> bool:
        state, seen = decision.state, self._seen.get(node.name)
        since, bare = (seen.since, seen.bare) if seen else (None, None)
        if not decision.change or decision.step is not Step.TAINT:
            bare = None
        elif bare is None:
            bare = self._ports.clock.monotonic()
        if state in NO_PODS:
            since = self._ports.clock.monotonic() if since is None else since
        elif since is not None and state is State.SCHEDULABLE:
            self._ports.metrics.observe(NODE_RECOVERY_SECONDS, self._ports.clock.monotonic() - since)
            since = None
        odd = contradiction(node, entry.facts)
        if odd and (seen is None or seen.contradiction != odd):
            message = (
                f"{odd}. The operator leaves that label alone; remove it to let the operator set SageMaker's type."
            )
            event = Event(type="Warning", reason=Reason.NODE_CONTRADICTS, action="Observe", message=message)
            self._ports.events.publish(about=node_reference(node), event=event)
        self._seen[node.name] = _Seen(cluster=entry.key, state=state, since=since, bare=bare, contradiction=odd)
        return seen is None or seen.state is not state

    def _gone(self, name: str) -> None:
        self._enqueue.gone(_key(name))
        seen = self._seen.pop(name, None)
        if seen is None:
            return
        entry = self._clusters.get(seen.cluster)
        if entry is not None and seen.since is not None:
            seconds = self._ports.clock.monotonic() - seen.since
            message = (
                f"The Node {name}, {seen.state}, left Kubernetes {seconds:.0f} s after it was found unhealthy. If "
                "HyperPod replaces the instance, a new Node joins under another name; status.nodes shows when all are "
                "present."
            )
            event = Event(type="Normal", reason=Reason.NODE_REPLACED, action="Observe", message=message)
            self._ports.events.publish(about=entry.stored, event=event)
        self._enqueue.cluster(seen.cluster)

    def _tell(self, node: Node, entry: Entry, decision: TaintDecision, *, bare: float | None) -> None:
        """Metrics and Events of a write that was made; in the log it is a record of the audit trail."""
        self._ports.metrics.inc(NODE_CHANGES, _step(decision), "OK")
        if not decision.change or decision.step is Step.CLEAR_RECORD:
            return
        tainted = decision.step is Step.TAINT
        if tainted and bare is not None:
            self._ports.metrics.observe(NODE_TAINT_SECONDS, self._ports.clock.monotonic() - bare)
        event = Event(
            type="Warning" if tainted else "Normal",
            reason=Reason.NODE_TAINTED if tainted else Reason.NODE_UNTAINTED,
            action=str(decision.step),
            message=decision.message,
        )
        self._publish(node, entry, event)

    def _publish(self, node: Node, entry: Entry, event: Event) -> None:
        self._ports.events.publish(about=node_reference(node), event=event)
        # About the cluster it is an observation: when a thousand Nodes fail at once, the first ones are named.
        noted = replace(event, action="Observe", message=f"{node.name}: {event.message}")
        self._ports.events.publish(about=entry.stored, event=noted)


def _audited(
    node: Node, entry: Entry, decision: TaintDecision, change: NodeChange, *, failed: KubernetesError | None
) -> AuditRecord:
    """What the audit trail says of a write to a Node: for which cluster, what, and why."""
    return patched(
        change,
        node=node.name,
        kind=CLUSTER.name,
        key=entry.key,
        uid=entry.stored.uid,
        by=entry.by,
        concern=CONCERN,
        reason=_step(decision),
        message=decision.message if decision.change else LABELS,
        failed=failed,
    )


def _step(decision: TaintDecision) -> str:
    return str(decision.step) if decision.change else "Label"


def _key(name: str) -> Key:
    """Of a Node, which is in no namespace."""
    return Key("", name)
