"""AWS's words about a group that is short of nodes: which events explain it, and which cause the words name.

The description of an event is generic ("Failed to provision EC2 Instance in Cluster c and InstanceGroup g"); the cause
is in its details (DescribeClusterEvent, `FailureMessage`), which cost a call each. So only the newest events of each
short group are asked for. Fragments come from HyperPod's troubleshooting pages and from messages seen on live clusters.
A text that matches none keeps its words and gets no guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.observed import Observed, ObservedCluster, ObservedEvent, ObservedGroup

LOUD = frozenset({"Warn", "Error"})
MOST_PER_GROUP: Mapping[str, int] = {"Error": 3, "Warn": 1}
"""Newest events of a group, by level, that can explain it. A fault makes a pair of Error events: instance and group."""
# [assumption: faults-make-paired-events]
PAIR = timedelta(minutes=1)
"""Events this close to each other are about the same fault."""
HORIZON = timedelta(hours=1)
"""How far back events are read when it is not known since when a group is short."""

# [assumption: scaling-makes-warnings]
NOISE = ("lost orchestration-ready status", "request to service failed")
"""Every scaling makes such events, and a retry cures them: they explain nothing (seen on live clusters)."""
# [assumption: cause-is-in-event-details]
GENERIC = ("failed to provision ec2 instance", "instance creation in cluster")
"""How descriptions begin that only say that something failed; one that goes on with a cause is read for it."""
HINT = "AWS keeps the cause in the event's details; allow sagemaker:DescribeClusterEvent (docs/iam.md)"


@dataclass(frozen=True, slots=True)
class Cause:
    """A recognised cause. `stalled` says that waiting will not help."""

    reason: Reason
    remedy: str
    stalled: bool


_CAPACITY = Cause(
    Reason.CAPACITY_SHORTAGE,
    "AWS has no free capacity of this type there. With continuous provisioning HyperPod keeps trying; use a "
    "training plan, other instance types or another zone.",
    stalled=False,
)
_LIFECYCLE_REMEDY = (
    "Read the LifecycleConfig log stream of the instance in CloudWatch (/aws/sagemaker/Clusters/...); usual "
    "causes: CRLF line ends, no S3 access, a missing S3 endpoint."
)

CAUSES: Mapping[tuple[str, ...], Cause] = {
    ("sufficient capacity",): _CAPACITY,
    ("insufficient capacity",): _CAPACITY,
    ("cannot provision requested instances",): _CAPACITY,
    ("no subnets in the capacity az",): Cause(
        Reason.NETWORK_MISCONFIGURED,
        "Add a subnet in the Availability Zone that has the capacity (of the training plan or reservation).",
        stalled=True,
    ),
    ("security group", "does not exist"): Cause(
        Reason.NETWORK_MISCONFIGURED,
        "Create the security group again, or name one that exists in vpcConfig or overrideVpcConfig.",
        stalled=True,
    ),
    ("efa health checks did not run successfully",): Cause(
        Reason.EFA_CHECK_FAILED,
        "Allow all traffic from and to the security group itself.",
        stalled=True,
    ),
    ("lifecycle script",): Cause(Reason.LIFECYCLE_SCRIPT_FAILED, _LIFECYCLE_REMEDY, stalled=True),
    ("network misconfiguration",): Cause(
        Reason.NETWORK_MISCONFIGURED,
        "Check route tables, VPC endpoints and DNS of the subnets.",
        stalled=True,
    ),
    ("hardware failure",): Cause(
        Reason.GROUP_DEGRADED,
        "HyperPod replaces the instance when nodeRecovery is Automatic.",
        stalled=False,
    ),
    # Last: a time-out says least. HyperPod tries again, so it is not taken for final.
    ("timed out",): Cause(Reason.LIFECYCLE_SCRIPT_FAILED, _LIFECYCLE_REMEDY, stalled=False),
}
"""All fragments of a key have to be in the text, in lower case. The first match counts."""


def cause_of(text: str) -> Cause | None:
    """The cause that AWS's words name."""
    lowered = text.lower()
    return next((cause for key, cause in CAUSES.items() if all(part in lowered for part in key)), None)


def is_noise(event: ObservedEvent) -> bool:
    """Whether an event only reports that a scaling is under way."""
    return _any_in(NOISE, event.description)


def says_something(event: ObservedEvent) -> bool:
    """Whether an event has words that are worth telling."""
    words = event.description or event.cause
    return bool(words) and not _any_in(NOISE, words)


def explaining(events: Iterable[ObservedEvent], *, group: str, since: datetime | None) -> tuple[ObservedEvent, ...]:
    """The newest events that can explain a group, newest first; those of the whole cluster where it has none."""
    loud = [
        event
        for event in events
        if event.level in LOUD and not is_noise(event) and (since is None or event.at >= since)
    ]
    for name in (group, ""):
        found: list[ObservedEvent] = []
        for event in loud:
            same_level = sum(1 for other in found if other.level == event.level)
            if event.group == name and same_level < MOST_PER_GROUP[event.level]:
                found.append(event)
        if found:
            return tuple(found)
    return ()


def short_groups(cluster: ObservedCluster) -> tuple[str, ...]:
    """Names of the groups that have fewer nodes than they should."""
    return tuple(group.name for group in cluster.groups if group.current_count < group.target_count)


def far_enough(events: Sequence[ObservedEvent], *, groups: Sequence[str], since: datetime | None) -> bool:
    """Whether older events are not needed: each short group has its own, or these go back to the last change."""
    if not events:
        return True
    if events[-1].at < (since or events[0].at - HORIZON):
        return True
    return all(any(one.group == group for one in explaining(events, group=group, since=since)) for group in groups)


def to_read(observed: Observed, *, since: datetime | None) -> tuple[str, ...]:
    """Ids of the events whose details explain the short groups: the newest of each group before the next of any."""
    if observed.cluster is None:
        return ()
    lists = [explaining(observed.events, group=name, since=since) for name in short_groups(observed.cluster)]
    longest = max((len(found) for found in lists), default=0)
    ids = [found[place].event_id for place in range(longest) for found in lists if place < len(found)]
    return tuple(dict.fromkeys(ids))


def words(group: ObservedGroup, *, observed: Observed, since: datetime | None, updating: bool) -> str:
    """What AWS says about a group: a cause, else a telling description, else a node's message, else anything.

    During a software update (`updating`) a node keeps the message of its last failed try, so it is left out.
    """
    events = explaining(observed.events, group=group.name, since=since)
    causes = [event for event in events if event.cause and not _any_in(NOISE, event.cause)]
    if causes:
        pair = [event for event in causes if causes[0].at - event.at <= PAIR]
        return next((event.cause for event in pair if cause_of(event.cause)), causes[0].cause)
    descriptions = [event.description for event in events if event.description]
    telling = next((text for text in descriptions if cause_of(text) or not _any_in(GENERIC, text)), "")
    if telling:
        return telling
    for node in observed.nodes or ():
        if node.group == group.name and node.message and node.status != "Running" and not updating:
            return f"{node.instance_id}: {node.message}" if node.instance_id else node.message
    if descriptions:
        return f"{descriptions[0]} ({HINT})" if observed.causes_denied else descriptions[0]
    return observed.cluster.failure_message if observed.cluster else ""


def _any_in(fragments: Iterable[str], text: str) -> bool:
    lowered = text.lower()
    return any(fragment in lowered for fragment in fragments)
