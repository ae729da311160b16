"""Whether a node of an operation is empty, closed to new pods, and may be asked about in AWS."""

import math

from hyperpod_operator.core.drain.marks import held_by, held_since
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import State


def ready(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether AWS may be asked about the node now."""
    return (
        is_drained(snapshot, entry)
        and until_closed(snapshot, entry) <= 0
        and ((retry := parse_time(entry.remembered.retryTime or "")) is None or retry <= snapshot.now)
        and not snapshot.volumes_on(entry)
        and not snapshot.holder(entry)
        and not snapshot.is_ending(entry)
    )


def until_closed(snapshot: Snapshot, entry: Entry) -> float:
    """Seconds until no pod can come to the Node any more; infinite while it is not tainted for the operation."""
    node = snapshot.node(entry)
    # One that is not seen, because it has lost HyperPod's label, may have got its taint a moment ago.
    since = held_since(node) if node is not None else parse_time(entry.startTime or "")
    if since is None or (node is not None and held_by(node) != str(snapshot.operation.owner)):
        return math.inf
    return snapshot.timings.binding - (snapshot.now - since).total_seconds()


def is_drained(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether no pod keeps the node: all have left, or the time for it is over and onTimeout is Force."""
    if entry.state != State.DRAINING:
        return False
    found = snapshot.drains.nodes.get(entry.id)
    return found is not None and (
        found.done or (found.timed_out and snapshot.may_force and _was_asked(snapshot, entry))
    )


def _was_asked(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether no pod of the node ends without notice: the operator may have been away while the time went by, or have
    waited for pods to complete. Those that cannot be evicted are not waited for."""
    found, asked = snapshot.drains.nodes.get(entry.id), parse_time(entry.remembered.askedLast or "")
    if asked is not None:
        return (snapshot.now - asked).total_seconds() >= snapshot.timings.last_notice
    return found is None or not found.asks
