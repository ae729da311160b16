"""Whether a call waits for its checks: only CreateCluster and calls that add groups do, and only where one fails."""

from dataclasses import dataclass, replace
from datetime import datetime

from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.status import PreflightStatus
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.plan import Action, CreateCluster, UpdateCluster, operation
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.preflight.facts import Facts
from hyperpod_operator.core.preflight.model import Preflight
from hyperpod_operator.core.preflight.record import left, passed, pause
from hyperpod_operator.core.preflight.run import preflight as run
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.table import CLUSTER

ENFORCE, WARN, OFF = "Enforce", "Warn", "Off"
MODES = (ENFORCE, WARN, OFF)
SHORTAGE = "sufficient capacity"
"""In the cause of an event when AWS lacked an instance type (facts recorded on live clusters)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The checks of a call that are due. `mark` names what is checked."""

    mark: str
    subject: ClusterSubject
    operation: str


def due(snapshot: ClusterSnapshot, action: Action, *, mode: str) -> Due | None:
    """What a call has to be checked for; None for a call that brings nothing new into AWS."""
    resource = snapshot.resource
    if (resource.preflight or mode) == OFF:
        return None
    new = isinstance(action, CreateCluster)
    adds = frozenset(snapshot.changes.groups_added)
    if not new and not (isinstance(action, UpdateCluster) and adds):
        return None
    cluster = snapshot.observed.cluster
    subject = ClusterSubject(
        spec=resource.spec,
        here=snapshot.here,
        facts=Facts(),
        now=snapshot.now,
        name=resource.cluster_name,
        new=new,
        adds=adds,
        created_at=cluster.created_at if cluster else None,
        shortages=_shortages(snapshot),
    )
    spec = resource.spec.model_dump(mode="json", exclude_none=True, exclude={"management", "tags"})
    return Due(
        mark=fingerprint(operation="Preflight", desired=[spec, sorted(adds), new]),
        subject=subject,
        operation=operation(action),
    )


def _shortages(snapshot: ClusterSnapshot) -> tuple[str, ...]:
    """Types of groups for which AWS had no capacity in the events that this pass read."""
    groups = {event.group for event in snapshot.observed.events if SHORTAGE in event.cause}
    found = [
        str(group.members["instanceType"])
        for group in (snapshot.observed.cluster.groups if snapshot.observed.cluster else ())
        if group.name in groups and group.members.get("instanceType")
    ]
    return tuple(dict.fromkeys(found))


def preflight(subject: ClusterSubject) -> Preflight:
    """All checks of a cluster."""
    return run(CLUSTER, subject)


def stands(snapshot: ClusterSnapshot, wanted: Due) -> bool:
    """Whether what status records of these very checks counts still, so that nothing is read again."""
    if snapshot.resource.requested_anew:
        return False
    return left(snapshot.resource.status.preflight, mark=wanted.mark, now=snapshot.now) > 0


def rest(snapshot: ClusterSnapshot, action: Action) -> ClusterSnapshot | None:
    """The snapshot without the groups whose checks fail, so that they hold up nothing else; None for a creation."""
    if not isinstance(action, UpdateCluster):
        return None
    return replace(snapshot, held_groups=frozenset(snapshot.changes.groups_added))


def held(status: PreflightStatus, wanted: Due, *, mode: str, now: datetime) -> Wait | None:
    """Why the call is not made; None when it is."""
    failures = status.failures or 0
    count = f"{failures} checks fail" if failures != 1 else "1 check fails"
    opening = f"{wanted.operation} is not sent because {count}:"
    return waits(status, opening=opening, mark=wanted.mark, mode=mode, now=now)


def waits(status: PreflightStatus, *, opening: str, mark: str, mode: str, now: datetime) -> Wait | None:
    """Why a call of any kind waits for its checks, in a message that begins with `opening`; None when it does not."""
    said = passed(status)
    if said is None or said[0] or mode != ENFORCE:
        return None
    message = (
        f"{opening} {said[1]} The checks run again {pause(status) / 60:.0f} min after the last time, or at once when "
        "the spec changes or a reconcile is requested by annotation; spec.management.preflight: Warn sends the call "
        "regardless."
    )
    after = max(1.0, left(status, mark=mark, now=now))
    return Wait(reason=Reason.PREFLIGHT_FAILED, message=message, after=after, stalled=True)
