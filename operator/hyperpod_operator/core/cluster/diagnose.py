"""Why is a group short of its target? AWS answers in prose, which `causes` reads."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from hyperpod_operator.api.cluster.software import SOFTWARE_UPDATING, SYSTEM_UPDATING
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster import causes
from hyperpod_operator.core.health.facts import CHECKING, FAILING
from hyperpod_operator.core.observed import GONE, Observed, ObservedGroup
from hyperpod_operator.core.text import counted, listed, sentence

# [assumption: teardown-needs-the-role]
TEARDOWN_WEDGE = "does not have permission to perform"
"""InstanceStatus.Message of nodes whose network interfaces cannot be removed, because the group's execution
role (or its ec2:DeleteNetworkInterface) is gone. Seen on live clusters: they stay Deleting for ever."""


_LOOK_FOR_FAILED = (
    "nodeRecovery is None, so HyperPod does not replace failed instances: find them (kubectl get nodes -L "
    "sagemaker.amazonaws.com/node-health-status), and replace them with a HyperPodNodeOperation."
)

NAMED = 5
CAUSES = 5
"""Instances that a message names before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One group that is not where it should be, and what is known about it."""

    group: ObservedGroup
    reason: Reason
    detail: str
    remedy: str
    stalled: bool

    @property
    def counted(self) -> str:
        return f"{self.group.name} {self.group.current_count}/{self.group.target_count}"

    def __str__(self) -> str:
        return said((self,))


# [assumption: group-status-explains]
GROUP_TROUBLES: Mapping[str, tuple[Reason, bool]] = {
    "Failed": (Reason.GROUP_FAILED, True),
    "Degraded": (Reason.GROUP_DEGRADED, False),
    SYSTEM_UPDATING: (Reason.UPDATING_SOFTWARE, False),
}


AT_REST = frozenset({"InService", ""})
"""Group statuses that need no explanation (restricted groups may carry none)."""


def said(short: Sequence[Shortfall]) -> str:
    """One line: groups that have the same cause share it, and at most five causes are named."""
    by_cause: dict[tuple[str, str], list[str]] = {}
    for one in short:
        by_cause.setdefault((one.detail, one.remedy), []).append(one.counted)
    shown = [
        f"group{'s' if len(groups) > 1 else ''} {listed(groups, most=NAMED, separator=', ', rest=' ')}"
        + (f": {sentence(detail) if remedy else detail}" if detail else "")
        + (f" {remedy}" if remedy else "")
        for (detail, remedy), groups in by_cause.items()
    ]
    return listed(shown, most=CAUSES)


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
        or _of_status(group, observed, {CHECKING, *FAILING})
        or group.software_update_status in SOFTWARE_UPDATING
        or (group.software_update_status == "Failed" and not _is_back(group))
    )


# [assumption: rolled-back-images-are-one]
def _is_back(group: ObservedGroup) -> bool:
    """Whether all that is left of a failed software update is its word, which stays until the next one: the group has
    one image, the former one. One that AWS does not name is not known to be that."""
    running = {"imageId": group.current_image_id, "imageReleaseVersion": group.current_image_release_version}
    named = {name: image for name, image in running.items() if image}
    return bool(named) and all(group.members.get(name) == image for name, image in named.items())


def teardown_wedged(observed: Observed) -> str:
    """AWS's words when nodes cannot be torn down for lack of permission, else an empty string."""
    return next((node.message for node in observed.nodes or () if TEARDOWN_WEDGE in node.message), "")


def _shortfall(group: ObservedGroup, *, observed: Observed, since: datetime | None) -> Shortfall:
    updating = group.status == SYSTEM_UPDATING or group.software_update_status in SOFTWARE_UPDATING
    words = causes.words(group, observed=observed, since=since, updating=updating)
    cause = causes.cause_of(words)
    if not updating and (sick := _of_status(group, observed, FAILING)):
        return _failing(group, sick, words, observed=observed)
    # [assumption: ending-instances-still-count]
    ending = group.current_count - group.target_count
    if ending > 0 and group.status in AT_REST and not updating:
        # Events about how they came explain nothing. They leave ListClusterNodes before the count falls.
        text = counted(ending, "instance is", "instances are") + " ending"
        if staying := _above_target(group, observed):
            text = f"AWS holds {counted(staying, 'instance')} above its own target, and ends none of these yet"
        return Shortfall(group, Reason.SCALING, text, "", stalled=False)
    if cause and not updating:
        return Shortfall(group, cause.reason, words, cause.remedy, cause.stalled)
    if group.software_update_status in SOFTWARE_UPDATING:
        return Shortfall(group, Reason.UPDATING_SOFTWARE, words or "replacing the software", "", stalled=False)
    if group.software_update_status == "Failed":
        remedy = "Check the cluster's events (aws sagemaker list-cluster-events) and choose another release."
        return Shortfall(group, Reason.GROUP_FAILED, words or "the software update failed", remedy, stalled=True)
    reason, stalled = GROUP_TROUBLES.get(group.status, (Reason.SCALING, False))
    remedy, words = "", words or _unexplained(group, observed)
    if reason is Reason.GROUP_FAILED:
        remedy = "Check the cluster's events (aws sagemaker list-cluster-events), fix the cause and edit the group."
    if reason is Reason.GROUP_DEGRADED:
        recovers = observed.cluster is None or observed.cluster.recovers
        remedy = "HyperPod replaces failed instances." if recovers else _LOOK_FOR_FAILED
    checked = _of_status(group, observed, {CHECKING})
    if checked and reason is Reason.SCALING:
        nodes = counted(len(checked), "node", "nodes")
        text = f"deep health checks run on {nodes}: no pods start there until these pass (1 to 2 hours)"
        return Shortfall(group, Reason.DEEP_HEALTH_CHECKS, words or text, remedy, stalled)
    return Shortfall(group, reason, words, remedy, stalled)


def _unexplained(group: ObservedGroup, observed: Observed) -> str:
    """What is to be said of a group in trouble about which AWS has no words; some instances may not be listed."""
    if group.status not in {"Degraded", "Failed"}:
        return ""
    listed_now = sum(1 for node in observed.nodes or () if node.group == group.name and node.status not in GONE)
    unlisted = observed.nodes is not None and listed_now < group.current_count
    counts = f", counts {group.current_count} and lists {listed_now} of its instances" if unlisted else ""
    return f"AWS reports the group as {group.status}{counts}"


def _failing(group: ObservedGroup, sick: Sequence[str], words: str, *, observed: Observed) -> Shortfall:
    """Instances that SageMaker calls broken, by id; without recovery a person replaces them."""
    shown = listed(sick, most=NAMED, separator=", ", rest=" ")
    text = f"SageMaker reports {shown} as failing" + (f" ({words})" if words else "")
    cluster, cause = observed.cluster, causes.cause_of(words)
    if cluster is None or cluster.recovers:
        reason, remedy = (cause.reason, cause.remedy) if cause else (Reason.GROUP_DEGRADED, "HyperPod replaces them.")
        return Shortfall(group, reason, text, remedy, stalled=bool(cause and cause.stalled))
    remedy = (
        "nodeRecovery is None, so HyperPod does not replace them: `aws sagemaker batch-replace-cluster-nodes "
        f"--cluster-name {cluster.name} --node-ids {' '.join(sick[:25])}`."
    )
    return Shortfall(group, cause.reason if cause else Reason.GROUP_DEGRADED, text, remedy, stalled=True)


def _above_target(group: ObservedGroup, observed: Observed) -> int:
    """How many instances are beyond the target and not listed as ending; 0 where the list is not known."""
    listed_now = [node for node in observed.nodes or () if node.group == group.name]
    return max(0, sum(node.status not in GONE for node in listed_now) - group.target_count)


def _of_status(group: ObservedGroup, observed: Observed, statuses: Set[str]) -> tuple[str, ...]:
    """Ids of the group's instances that SageMaker lists with one of these statuses."""
    return tuple(
        sorted(
            node.instance_id for node in observed.nodes or () if node.group == group.name and node.status in statuses
        )
    )
