"""Why is a group short of its target? AWS answers in prose, which `causes` reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster import causes
from hyperpod_operator.core.cluster.observed import Observed, ObservedGroup

TEARDOWN_WEDGE = "does not have permission to perform"
"""InstanceStatus.Message of nodes whose network interfaces cannot be removed, because the group's execution
role (or its ec2:DeleteNetworkInterface) is gone. Seen on live clusters: they stay Deleting for ever."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One group that is not where it should be, and what is known about it."""

    group: ObservedGroup
    reason: Reason
    detail: str
    remedy: str
    stalled: bool

    def __str__(self) -> str:
        text = f"group {self.group.name} {self.group.current_count}/{self.group.target_count}"
        return ": ".join(part for part in (text, self.detail) if part) + (f" {self.remedy}" if self.remedy else "")


GROUP_TROUBLES: Mapping[str, tuple[Reason, bool]] = {
    "Failed": (Reason.GROUP_FAILED, True),
    "Degraded": (Reason.GROUP_DEGRADED, False),
    "SystemUpdating": (Reason.UPDATING_SOFTWARE, False),
}

SOFTWARE_UPDATING = frozenset({"Pending", "InProgress", "RollbackInProgress"})
"""SoftwareUpdateStatus while an update works or goes back. ClusterStatus and the group's Status are `Updating` then, as
seen on a live cluster, or `SystemUpdating`, as documented."""

AT_REST = frozenset({"InService", ""})
"""Group statuses that need no explanation (restricted groups may carry none)."""


def shortfalls(observed: Observed, *, since: datetime | None) -> tuple[Shortfall, ...]:
    """Every group that lacks nodes or is not in service, with the newest words that AWS has about it.

    `since` leaves out events from before the current change: a shortage that was healed is history.
    """
    if observed.cluster is None:
        return ()
    return tuple(
        _shortfall(group, observed=observed, since=since)
        for group in observed.cluster.groups
        if group.current_count != group.target_count
        or group.status not in AT_REST
        or group.software_update_status in {*SOFTWARE_UPDATING, "Failed"}
    )


def teardown_wedged(observed: Observed) -> str:
    """AWS's words when nodes cannot be torn down for lack of permission, else an empty string."""
    return next((node.message for node in observed.nodes or () if TEARDOWN_WEDGE in node.message), "")


def _shortfall(group: ObservedGroup, *, observed: Observed, since: datetime | None) -> Shortfall:
    updating = group.status == "SystemUpdating" or group.software_update_status in SOFTWARE_UPDATING
    words = causes.words(group, observed=observed, since=since, updating=updating)
    cause = causes.cause_of(words)
    if cause and not updating:
        return Shortfall(group, cause.reason, words, cause.remedy, cause.stalled)
    if group.software_update_status in SOFTWARE_UPDATING:
        return Shortfall(group, Reason.UPDATING_SOFTWARE, words or "replacing the software", "", stalled=False)
    if group.software_update_status == "Failed":
        remedy = "Look at the cluster's events (aws sagemaker list-cluster-events) and choose another release."
        return Shortfall(group, Reason.GROUP_FAILED, words or "the software update failed", remedy, stalled=True)
    reason, stalled = GROUP_TROUBLES.get(group.status, (Reason.SCALING, False))
    remedy = ""
    if reason is Reason.GROUP_FAILED:
        remedy = "Look at the cluster's events (aws sagemaker list-cluster-events), mend the cause and edit the group."
    if group.members.get("onStartDeepHealthChecks") and _checking(group, observed):
        reason, words = Reason.DEEP_HEALTH_CHECKS, words or "deep health checks run; they take 1 to 2 hours"
    return Shortfall(group, reason, words, remedy, stalled)


def _checking(group: ObservedGroup, observed: Observed) -> bool:
    nodes: Sequence[object] = [
        node for node in observed.nodes or () if node.group == group.name and node.status == "DeepHealthCheckInProgress"
    ]
    return bool(nodes)
