"""What metrics learn from two statuses of an operation, one after the other."""

from datetime import datetime

from hyperpod_operator.api.metrics.node_operations import DRAIN_TIMEOUTS, OPERATED_NODES, OPERATED_SECONDS
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.nodeoperation.states import FINAL, State
from hyperpod_operator.core.ports import Metrics


def measure(
    before: HyperPodNodeOperationStatus,
    after: HyperPodNodeOperationStatus,
    *,
    operation: str,
    now: datetime,
    metrics: Metrics,
) -> None:
    """Each node that left a phase is measured once, when the status that says so is written."""

    def took(start: datetime, end: datetime, phase: str) -> None:
        metrics.observe(OPERATED_SECONDS, (end - start).total_seconds(), operation, phase)

    old = {entry.id: entry for entry in before.nodes or ()}
    for entry in after.nodes or ():
        was = old.get(entry.id)
        started = parse_time(entry.startTime or "")
        sent = parse_time(entry.sentTime or "")
        if entry.state in FINAL and (was is None or was.state not in FINAL):
            metrics.inc(OPERATED_NODES, operation, entry.state)
            if started is not None:
                took(started, now, "Total")
            if sent is not None and entry.state == State.SUCCEEDED:
                took(sent, now, "Effect")
        if entry.remembered.drainTimedOut and (was is None or not was.remembered.drainTimedOut):
            metrics.inc(DRAIN_TIMEOUTS, operation)
        if sent is not None and started is not None and (was is None or was.sentTime is None):
            took(started, sent, "Drain")
