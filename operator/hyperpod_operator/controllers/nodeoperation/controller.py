"""What is particular about a pass over a HyperPodNodeOperation; `reconciler.py` has what all kinds share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.names import RESTORED, Reason
from hyperpod_operator.api.nodeoperation.resource import HyperPodNodeOperationSpec
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus
from hyperpod_operator.controllers.approval import approvers
from hyperpod_operator.controllers.nodeoperation.act import Steps, call
from hyperpod_operator.controllers.nodeoperation.holdings import Holdings
from hyperpod_operator.controllers.nodeoperation.measure import measure
from hyperpod_operator.controllers.nodeoperation.observe import Clusters
from hyperpod_operator.controllers.nodeoperation.observer import OperationObserver
from hyperpod_operator.controllers.nodeoperation.ports import OperationPorts
from hyperpod_operator.controllers.object_references import cluster_reference, node_reference
from hyperpod_operator.controllers.parse import (
    HalfReadError,
    parse_spec,
    parse_status_with_lost,
    reconcile_requested_at,
)
from hyperpod_operator.controllers.reconciler import Reconciler
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.engine.decision import RemoveFinalizer, Report
from hyperpod_operator.core.engine.finding import judge
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.health.node import node_name
from hyperpod_operator.core.managers import manager
from hyperpod_operator.core.nodeoperation.answers import intended
from hyperpod_operator.core.nodeoperation.audit import audited
from hyperpod_operator.core.nodeoperation.clocks import with_moments_until
from hyperpod_operator.core.nodeoperation.concerns import CONCERNS
from hyperpod_operator.core.nodeoperation.half_read import untold
from hyperpod_operator.core.nodeoperation.machine import advance
from hyperpod_operator.core.nodeoperation.operation import Operation
from hyperpod_operator.core.nodeoperation.plan import Call, Evict, Expire, Mark, Unmark
from hyperpod_operator.core.nodeoperation.proof import may_hold, named_after_instance
from hyperpod_operator.core.nodeoperation.record import PassRecord
from hyperpod_operator.core.nodeoperation.report import cluster_events, intent, node_events, report
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import IN_FLIGHT
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.core.ports import (
    Key,
    KubernetesError,
    StoredObject,
)
from hyperpod_operator.core.tenancy import Tenancy
from hyperpod_operator.core.text import listed


@dataclass(frozen=True, kw_only=True)
class OperationSettings:
    timings: OperationTimings = field(default_factory=OperationTimings)
    allowed_regions: frozenset[str] = frozenset()
    tenancy: Tenancy = field(default_factory=Tenancy)


class NodeOperationController(Reconciler[Operation, HyperPodNodeOperationStatus, PassRecord]):
    """Carries operations out. What it remembers is which nodes they hold, and that is stored in their statuses, too."""

    def __init__(self, *, ports: OperationPorts, settings: OperationSettings) -> None:
        super().__init__(
            kind=NODE_OPERATION,
            status=HyperPodNodeOperationStatus,
            objects=ports.operations,
            events=ports.events,
            metrics=ports.metrics,
            clock=ports.clock,
        )
        self._ports = ports
        self._settings = settings
        self._holdings = Holdings(ports.operations)
        self._steps = Steps(marks=ports.marks, evictor=ports.evictor, metrics=ports.metrics, audit=ports.audit)
        self._clusters = Clusters(
            objects=ports.clusters,
            cloud=ports.cloud,
            allowed_regions=settings.allowed_regions,
            tenancy=settings.tenancy,
        )
        self._observer = OperationObserver(
            ports=ports, clusters=self._clusters, holdings=self._holdings, timings=settings.timings
        )
        self._following: dict[Key, frozenset[str]] = {}
        """Nodes that a change of should wake an operation for, by name."""
        self._remarked: dict[Key, datetime] = {}
        """When Nodes of an operation were last marked again: it paces the next time."""
        self._refusals: dict[Key, int] = {}
        """Passes in a row in which the API server kept all marks that were to come off: they pace the next try."""

    def forget(self, key: Key) -> None:
        self._holdings.forget(key)
        self._following.pop(key, None)
        self._remarked.pop(key, None)
        self._refusals.pop(key, None)

    def node_changed(self, name: str) -> Mapping[Key, float]:
        """The operations that have to be looked at because this Node came, changed or went, and after how long."""
        news = self._settings.timings.news
        return {key: news(len(names)) for key, names in self._following.items() if name in names}

    def parse(self, stored: StoredObject) -> Operation:
        given, timings = approvers(stored), self._settings.timings
        status, lost = parse_status_with_lost(stored, HyperPodNodeOperationStatus)
        if unclear := untold(status, lost):
            raise HalfReadError(listed(unclear, most=3))
        metadata = stored.body.get("metadata") or {}
        return Operation(
            key=stored.key,
            uid=stored.uid,
            generation=stored.generation,
            deleting=stored.deleting,
            reconcile_requested_at=reconcile_requested_at(stored),
            spec=parse_spec(stored, HyperPodNodeOperationSpec),
            status=with_moments_until(status, now=self._ports.clock.now(), timings=timings),
            approved=given["approve_plan"],
            approved_by=given["approved_by"],
            requested_by=given["requested_by"],
            created_by=manager(metadata, field_manager=given["requested_by"]),
            held=NODE_OPERATION.finalizer in stored.finalizers,
            restored_by=(metadata.get("labels") or {}).get(RESTORED, ""),
        )

    async def look(self, stored: StoredObject, operation: Operation, failures: int) -> PassRecord:  # noqa: ARG002
        await self._holdings.ready()
        before = tuple(map(named_after_instance, operation.status.nodes or ()))
        snapshot = Snapshot(
            operation=operation,
            entries=before,
            foreseen=bool(operation.status.remembered.foreseen),
            now=self._ports.clock.now(),
            timings=self._settings.timings,
        )
        over = operation.deleting or operation.ended_at is not None
        if not over:
            try:
                snapshot = await self._observer.observed(snapshot)
            except CloudError as error:
                return await self._unread(snapshot, before, error)
        snapshot = await self._observer.with_nodes(snapshot)
        snapshot = await self._observer.with_claims(snapshot)
        snapshot = await self._observer.chosen(snapshot)
        snapshot = await self._observer.with_pods(snapshot)
        # From here on nothing waits until the nodes are taken: two operations never take one.
        held, remarked = self._holdings.others(operation.key), self._remarked.get(operation.key)
        snapshot = replace(snapshot, held=held, remarked_at=remarked)
        followed = over and bool(snapshot.left_to_aws)
        snapshot = await self._observer.followed(snapshot) if followed else advance(snapshot)
        self._hold(snapshot)
        decision = judge(CONCERNS, snapshot)
        if isinstance(decision.action, Call) and await self._observer.occupied_since(snapshot, decision.action):
            # The watch is behind: a pod came before the taint did. The next pass sees it.
            decision = replace(decision, action=None, wake_after=self._settings.timings.drain)
        kept = not snapshot.nodes_known or bool(snapshot.left_to_aws)
        if operation.deleting and decision.action is None and not kept:
            message = "Nothing of the operation is left on the nodes."
            release = RemoveFinalizer(reason=Reason.RELEASED, message=message)
            return PassRecord(snapshot=snapshot, before=before, decision=decision, release=release)
        return PassRecord(snapshot=snapshot, before=before, decision=decision)

    async def _unread(self, snapshot: Snapshot, before: tuple[Entry, ...], error: CloudError) -> PassRecord:
        """AWS cannot be read: what does not need it goes on, the deadline, a suspension, and taints that come off."""
        snapshot = await self._observer.with_nodes(await self._observer.unread(snapshot, error))
        snapshot = advance(replace(snapshot, held=self._holdings.others(snapshot.operation.key)))
        self._hold(snapshot)
        return PassRecord(snapshot=snapshot, before=before, decision=judge(CONCERNS, snapshot), read_error=error)

    def _hold(self, snapshot: Snapshot) -> None:
        key, flying = snapshot.operation.key, [one for one in snapshot.entries if one.state in IN_FLIGHT]
        ids = [one.instanceId for one in flying if one.instanceId]
        self._holdings.hold(key, [one for one in ids if may_hold(snapshot, one, node=self._ports.nodes.get)])
        names = {one.name for one in (*flying, *snapshot.left_to_aws) if one.name}
        names |= {node_name(one.replacedBy) for one in flying if one.replacedBy}
        self._following[key] = frozenset(names)

    def needs_finalizer(self, record: PassRecord) -> bool:
        return any(entry.state in IN_FLIGHT or entry.remembered.marked for entry in record.snapshot.entries)

    def not_begun(self, record: PassRecord, error: KubernetesError) -> PassRecord:  # noqa: ARG002 - a pass that is repeated
        raise error

    def acts(self, record: PassRecord) -> bool:
        return record.action is not None

    def intent(self, record: PassRecord) -> tuple[PassRecord, HyperPodNodeOperationStatus | None]:
        """A call is stored before it is sent; the steps in Kubernetes are repeated without harm."""
        if not isinstance(record.action, Call):
            return record, None
        planned = replace(record, snapshot=intended(record.snapshot, record.action))
        status = intent(planned)
        operation = replace(planned.snapshot.operation, status=status)
        return replace(planned, snapshot=replace(planned.snapshot, operation=operation)), status

    async def act(self, record: PassRecord, *, unedited: Confirm) -> PassRecord:
        snapshot, action = record.snapshot, record.action
        match action:
            case Mark():
                if any(snapshot.by_id[one].remembered.marked == action.phase for one in action.entries):
                    self._remarked[snapshot.operation.key] = snapshot.now
                return replace(record, snapshot=await self._steps.mark(snapshot, action))
            case Unmark():
                return self._counted(replace(record, snapshot=await self._steps.unmark(snapshot, action)), action)
            case Evict():
                return replace(record, snapshot=await self._steps.evict(snapshot, action))
            case Call():
                region = snapshot.cluster.region if snapshot.cluster is not None else ""

                async def confirm() -> None:
                    await unedited()
                    await self._observer.unchanged(snapshot)

                made = await call(self._ports.cloud.clusters(region=region), record, action, confirm=confirm)
                entry = audited(made)
                if entry is not None:
                    self._ports.audit.record(entry)
                return made
            case Expire():
                stored = await self._ports.operations.read(snapshot.operation.key)
                if stored is not None and stored.uid == snapshot.operation.uid:
                    await self._ports.operations.delete(stored)
                return record
            case None:
                raise AssertionError("asked only of a pass that acts")
            case _:
                assert_never(action)

    def _counted(self, record: PassRecord, action: Unmark) -> PassRecord:
        """With how often in a row nothing came off. Nothing else of an operation that goes on waits for it."""
        key, over = record.snapshot.operation.key, not any(one.state in IN_FLIGHT for one in record.snapshot.entries)
        before = self._refusals.pop(key, 0)
        if not over or not record.snapshot.refused >= set(action.nodes):
            return record
        self._refusals[key] = before + 1
        return replace(record, refusals=before + 1)

    def releases(self, record: PassRecord) -> RemoveFinalizer | None:
        return record.release

    def report(self, record: PassRecord) -> Report[HyperPodNodeOperationStatus]:
        return report(record)

    def recorded(
        self,
        stored: StoredObject,  # noqa: ARG002
        *,
        record: PassRecord | None,
        before: HyperPodNodeOperationStatus,
        after: HyperPodNodeOperationStatus,
    ) -> None:
        if record is None:
            return
        operation = record.snapshot.operation
        # What the pass began with: an intent that was stored before a call is a part of this pass.
        before = before.model_copy(update={"nodes": list(record.before)})
        measure(before, after, operation=operation.spec.operation, now=record.snapshot.now, metrics=self._ports.metrics)
        for name, event in node_events(record):
            node = self._ports.nodes.get(name)
            if node is not None and node.instance_id in record.snapshot.nodes:
                self._ports.events.publish(about=node_reference(node), event=event)
        cluster = record.snapshot.cluster
        if cluster is not None:
            key = Key(operation.key.namespace, operation.spec.clusterRef.name)
            for event in cluster_events(record):
                self._ports.events.publish(about=cluster_reference(key, uid=cluster.uid), event=event)

    def untouched(self, status: HyperPodNodeOperationStatus) -> bool:
        return not status.nodes

    def left_behind(self, status: HyperPodNodeOperationStatus) -> str:
        marked = [entry.name or entry.id for entry in status.nodes or () if entry.remembered.marked]
        names = listed(marked, most=5, separator=", ", rest=" ") or "no node"
        return f"its taint and conditions stay on {names} for some minutes; what AWS was asked for goes on."
