"""The check of what the cluster's own events say of AWS's capacity."""

from collections.abc import Iterable, Iterator

from hyperpod_operator.core.preflight.facts import Shortage
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject, Planned


def recent_shortage(subject: ClusterSubject) -> Iterator[Finding]:
    if not subject.has_history:
        return
    found = subject.facts.shortages
    if isinstance(found, Unread):
        yield unknown(found)
        return
    for group in subject.groups:
        mine = [(name, one) for one in found for name in group.types if _is_near(subject, one, group, name)]
        for name, one in mine[:1]:  # the newest says it
            yield warns(
                group=group.name,
                type=name,
                at=one.at.isoformat(timespec="seconds"),
                who=f" (group {one.group})" if one.group else "",
            )
        if not mine:
            yield passes(group=group.name)


def _is_near(subject: ClusterSubject, shortage: Shortage, group: Planned, instance_type: str) -> bool:
    """Whether a shortage was of this type, in a zone that the group may get instances in. A place that is not known is
    no other place."""
    held = next((one for one in subject.holds if one.name == shortage.group), None)
    types = shortage.types or (held.types if held is not None else ())
    if instance_type not in types:
        return False
    there, here = _zones(subject, held.subnets if held is not None else ()), _zones(subject, group.subnets)
    return not there or not here or bool(there & here)


def _zones(subject: ClusterSubject, subnets: Iterable[str]) -> set[str]:
    known = subject.facts.subnets
    return set() if isinstance(known, Unread) else {known[one].zone for one in subnets if one in known}


CHECKS = (
    Check(
        name="CapacityHistory",
        area=Area.CAPACITY,
        what="In the cluster's events of the last 24 hours AWS had capacity for these instance types in these zones",
        why="A type that AWS lacked a while ago is likely to be short again.",
        source="INF: what lacked capacity an hour ago is likely to lack it still; ListClusterEvents of this cluster",
        judge=recent_shortage,
        reads=("sagemaker:ListClusterEvents", "sagemaker:DescribeClusterEvent"),
        warn="AWS had no capacity for {type} in a zone of this group's subnets at {at}{who}.",
        remedy="Add another type or zone (instanceRequirements, overrideVpcConfig), or reserve capacity.",
    ),
)
