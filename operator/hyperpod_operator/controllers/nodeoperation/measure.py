"""What metrics learn from two statuses of an operation, one after the other."""

from datetime import datetime

from hyperpod_operator.api.node_operation_status import HyperPodNodeOperationStatus
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.nodeoperation.ports import OperationMetrics
from hyperpod_operator.core.nodeoperation.states import FINAL, State


def measure(
    before: HyperPodNodeOperationStatus,
    after: HyperPodNodeOperationStatus,
    *,
    operation: str,
    now: datetime,
    metrics: OperationMetrics,
) -> None:
    """Each node that left a phase is measured once, when the status that says so is written."""
    old = {entry.id: entry for entry in before.nodes or ()}
    for entry in after.nodes or ():
        was = old.get(entry.id)
        started = parse_time(entry.startTime or "")
        sent = parse_time(entry.sentTime or "")
        if entry.state in FINAL and (was is None or was.state not in FINAL):
            metrics.node_ended(operation=operation, state=entry.state)
            if started is not None:
                metrics.node_operated(operation=operation, phase="Total", seconds=(now - started).total_seconds())
            if sent is not None and entry.state == State.SUCCEEDED:
                metrics.node_operated(operation=operation, phase="Effect", seconds=(now - sent).total_seconds())
        if entry.remembered.drainTimedOut and (was is None or not was.remembered.drainTimedOut):
            metrics.drain_timed_out(operation=operation)
        if sent is not None and started is not None and (was is None or was.sentTime is None):
            metrics.node_operated(operation=operation, phase="Drain", seconds=(sent - started).total_seconds())
