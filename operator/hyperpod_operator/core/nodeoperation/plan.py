"""What a pass may do about an operation, as data: steps in Kubernetes, and one call to AWS."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.core.drain.marks import Lifecycle
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.engine.call import PlannedCall
from hyperpod_operator.core.nodeoperation.gate import EFFECTS
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import Phase
from hyperpod_operator.core.nodes.batch import BATCH, NodeCall

CONCERN = "Nodes"
"""The entry of the journal."""
LIFECYCLE: Mapping[Phase, frozenset[Lifecycle]] = {
    Phase.DRAIN: frozenset({Lifecycle.MAINTENANCE_PLANNED, Lifecycle.DRAIN_IN_PROGRESS}),
    Phase.DETACH: frozenset({Lifecycle.MAINTENANCE_PLANNED, Lifecycle.DRAINED}),
    Phase.MAINTENANCE: frozenset({Lifecycle.MAINTENANCE_IN_PROGRESS, Lifecycle.DRAINED}),
}
"""The conditions that a Node shows in each phase."""
ALONE_AFTER = 2
"""Refusals after which a node is sent alone: what AWS has against one node must not hold up the others."""
TOKEN_MOST = 64

OWNED = frozenset(
    {ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.PAUSED}
    | {ConditionType.COMPLETE, ConditionType.FAILED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Taint these Nodes for the operation and have them show a phase."""

    entries: tuple[str, ...]
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmark:
    """Remove what `Mark` put on these Nodes."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evict:
    """Evict these gangs, one after the other."""

    gangs: tuple[tuple[Pod, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Ask AWS about these entries. `batch` numbers the call within the operation; a repeated one has its number."""

    planned: PlannedCall
    entries: tuple[str, ...]
    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Delete the finished object: its time is over."""


Action = Mark | Unmark | Evict | Call | Expire


def call(snapshot: Snapshot, entries: tuple[Entry, ...], *, batch: int) -> Call:
    """The call about these nodes. Its fingerprint is the same after a restart."""
    operation, cluster = snapshot.operation, snapshot.cluster
    if cluster is None:
        raise AssertionError("asked only with a cluster")
    ids = tuple(entry.instanceId or "" for entry in entries)
    text = "\n".join((operation.uid, operation.call, str(batch), *ids))
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:TOKEN_MOST]
    planned = PlannedCall(
        operation=operation.call,
        effect=EFFECTS[operation.call],
        fingerprint=fingerprint,
        request=_request(snapshot, entries, ids, token=fingerprint),
        nodes=ids,
    )
    return Call(planned=planned, entries=tuple(entry.id for entry in entries), batch=batch)


def next_batch(snapshot: Snapshot, able: tuple[Entry, ...], *, together: bool = False) -> tuple[Entry, ...]:
    """The nodes of the next call: those of one group for a move, as many as AWS takes. `together`: also those that AWS
    has refused, because it has nothing against one of them."""
    if not able:
        return ()
    if (able[0].remembered.attempts or 0) >= ALONE_AFTER and not together:
        return able[:1]
    found = [entry for entry in able if together or (entry.remembered.attempts or 0) < ALONE_AFTER]
    if snapshot.operation.call is NodeCall.MOVE:
        found = [entry for entry in found if _group(snapshot, entry) == _group(snapshot, found[0])]
    return tuple(found[: BATCH[snapshot.operation.call]])


def _group(snapshot: Snapshot, entry: Entry) -> str:
    instance = snapshot.instance(entry)
    return instance.group if instance is not None else entry.instanceGroupName or ""


def _request(
    snapshot: Snapshot, entries: tuple[Entry, ...], ids: tuple[str, ...], *, token: str
) -> Mapping[str, object]:
    """What the port's method takes, beyond its name."""
    spec, cluster = snapshot.operation.spec, snapshot.cluster
    arn = cluster.arn if cluster else ""
    if spec.move is not None:
        return {
            "arn": arn,
            "group": entries[0].instanceGroupName or _group(snapshot, entries[0]),
            "target_arn": snapshot.target.arn if snapshot.target else "",
            "target_group": spec.move.instanceGroupName,
            "instance_ids": ids,
            "token": token,
        }
    if spec.healthCheck is not None:
        groups: dict[str, tuple[str, ...]] = {}
        for entry in entries:
            group = _group(snapshot, entry)
            groups[group] = (*groups.get(group, ()), entry.instanceId or "")
        return {"arn": arn, "groups": groups, "checks": tuple(spec.healthCheck.deepHealthChecks)}
    return {"arn": arn, "instance_ids": ids}
