"""The status of an operation without moments that have not come yet (see `core.engine.clocks`)."""

from datetime import datetime, timedelta

from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus, OperationNodeStatus
from hyperpod_operator.core.engine.clocks import by_now, has_come
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.timings import OperationTimings


def with_moments_until(
    status: HyperPodNodeOperationStatus, *, now: datetime, timings: OperationTimings
) -> HyperPodNodeOperationStatus:
    """All that a decision measures the time from; a retry is due within the longest pause."""
    found = by_now(status, "startTime", "completionTime", now=now)
    if found.memory is not None:
        found = found.model_copy(update={"memory": by_now(found.memory, "cutOffSince", now=now)})
    if status.nodes is None:
        return found
    latest = now + timedelta(seconds=timings.retry_most)
    nodes = [_node(one, now=now, latest=latest) for one in status.nodes]
    changed = any(after is not before for after, before in zip(nodes, status.nodes, strict=True))
    return found.model_copy(update={"nodes": nodes}) if changed else found


def _node(node: OperationNodeStatus, *, now: datetime, latest: datetime) -> OperationNodeStatus:
    node = by_now(node, "startTime", "sentTime", "completionTime", now=now)
    before = node.memory
    if before is None:
        return node
    after = by_now(before, "missingSince", "leftToAwsSince", "askedLast", now=now)
    if not has_come(after.retryTime, now=latest):
        after = after.model_copy(update={"retryTime": stamp(latest)})
    return node if after is before else node.model_copy(update={"memory": after})
