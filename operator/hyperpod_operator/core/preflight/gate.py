"""Whether a call is checked, and whether it waits for that: only CreateCluster and calls that add groups wait, and only
where a check fails. Scale-outs are checked and sent: what fails is said with the plan and in the condition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.changes import group_of
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.parts import sendable
from hyperpod_operator.core.cluster.plan import Action, CreateCluster, UpdateCluster
from hyperpod_operator.core.cost.cluster import types_of
from hyperpod_operator.core.engine.call import PlannedCall, fingerprint
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.preflight.facts import Facts
from hyperpod_operator.core.preflight.model import Preflight
from hyperpod_operator.core.preflight.modes import ENFORCE, OFF
from hyperpod_operator.core.preflight.record import left, passed, pause
from hyperpod_operator.core.preflight.run import preflight as run
from hyperpod_operator.core.preflight.subject import ClusterSubject, Held
from hyperpod_operator.core.preflight.table import CLUSTER
from hyperpod_operator.core.text import counted, listed

CREATE, UPDATE = "CreateCluster", "UpdateCluster"
GROUPS_SHOWN = 5
"""Groups that `status.preflight.call` names before it counts the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The checks of a call that are due. `mark` names what is checked, `call` says it to people; `holds` is whether the
    call waits where one fails."""

    mark: str
    subject: ClusterSubject
    operation: str
    call: str
    holds: bool


def due(snapshot: ClusterSnapshot, action: Action, *, mode: str) -> Due | None:
    """What a call has to be checked for; None for a call that brings no instances."""
    if isinstance(action, CreateCluster):
        return _due(snapshot, mode=mode, new=True)
    if not isinstance(action, UpdateCluster):
        return None
    # A group that waits for an approval, or for its pods, is not removed by this call, and keeps its instances.
    return _due(snapshot, mode=mode, new=False, leaving=sendable(snapshot))


def due_of_plan(snapshot: ClusterSnapshot, *, mode: str) -> Due | None:
    """What the calls of a plan that waits for a person would be checked for, so that whoever decides knows it."""
    plan = snapshot.plan
    if plan is None or not (plan.waiting or (snapshot.resource.paused and plan.steps)):
        return None
    return due_of_calls(snapshot, plan.calls, mode=mode)


def due_of_calls(snapshot: ClusterSnapshot, calls: Sequence[PlannedCall], *, mode: str) -> Due | None:
    """What these calls would be checked for."""
    operations = {call.operation for call in calls}
    if "CreateCluster" in operations:
        return _due(snapshot, mode=mode, new=True)
    if "UpdateCluster" not in operations:
        return None
    # What needs no approval goes first: a group that waits for one does not leave with it.
    waits = snapshot.unapproved("UpdateCluster")
    comes = frozenset(snapshot.changes.groups_added) | growth(snapshot).keys()
    leaving = None if comes <= waits else frozenset(snapshot.changes.groups_removed) - waits
    return _due(snapshot, mode=mode, new=False, leaving=leaving)


def growth(snapshot: ClusterSnapshot) -> Mapping[str, int]:
    """How many instances come to each group that exists and is scaled out."""
    counts = (one for one in snapshot.changes.groups_changed if one.path.endswith("].instanceCount"))
    return {group_of(one): one.wanted - one.observed for one in counts if one.wanted > one.observed}


def _due(snapshot: ClusterSnapshot, *, mode: str, new: bool, leaving: frozenset[str] | None = None) -> Due | None:
    """`leaving` are the groups that go with the call, as far as the spec removes them; None for all of these."""
    resource, removed = snapshot.resource, frozenset(snapshot.changes.groups_removed)
    if (resource.preflight or mode) == OFF:
        return None
    adds = frozenset() if new else frozenset(snapshot.changes.groups_added) - snapshot.held_groups
    grows = {} if new else growth(snapshot)
    if not (new or adds or grows):
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
        grows=grows,
        holds=() if new else _held(snapshot, leaving=removed if leaving is None else removed & leaving),
        created_at=cluster.created_at if cluster else None,
    )
    spec = resource.spec.model_dump(mode="json", exclude_none=True, exclude={"management", "tags"})
    return Due(
        mark=fingerprint(operation="Preflight", desired=[spec, sorted(adds), sorted(grows.items()), new]),
        subject=subject,
        operation=CREATE if new else UPDATE,
        call=_call(new=new, adds=adds, grows=grows),
        holds=new or bool(adds),
    )


def _call(*, new: bool, adds: frozenset[str], grows: Mapping[str, int]) -> str:
    if new:
        return CREATE
    added = [f"group {name}" for name in sorted(adds)]
    parts = [*added, *(f"+{count} in {name}" for name, count in sorted(grows.items()))]
    return f"{UPDATE}: {listed(parts, most=GROUPS_SHOWN, separator=', ')}"


def _held(snapshot: ClusterSnapshot, *, leaving: frozenset[str]) -> tuple[Held, ...]:
    """What the cluster keeps in AWS, without the groups that leave."""
    cluster, everywhere = snapshot.observed.cluster, snapshot.resource.spec.vpcConfig.subnets
    return tuple(
        Held(
            name=group.name,
            types=types_of(group.members),
            count=group.target_count,
            subnets=tuple((group.members.get("overrideVpcConfig") or {}).get("subnets") or everywhere),
            spot=(group.members.get("capacityRequirements") or {}).get("spot") is not None,
            plan=str(group.members.get("trainingPlanArn") or ""),
        )
        for group in (cluster.groups if cluster is not None else ())
        if group.name not in leaving
    )


def outdated(snapshot: ClusterSnapshot) -> bool:
    """Whether failures that status records of a call are history: it was made regardless, or is not wanted any more.
    Nothing is to be added, and every group has its nodes."""
    recorded, cluster = snapshot.resource.status.preflight, snapshot.observed.cluster
    if recorded is None or not recorded.failures:
        return False
    if not (recorded.call or "").startswith(UPDATE) and (cluster is None or cluster.status != "InService"):
        return False
    lacks = cluster is not None and any(group.current_count < group.target_count for group in cluster.groups)
    return not (snapshot.changes.groups_added or growth(snapshot) or lacks)


def preflight(subject: ClusterSubject) -> Preflight:
    """All checks of a cluster."""
    return run(CLUSTER, subject)


def stands(snapshot: ClusterSnapshot, wanted: Due, *, waiting: bool = False) -> bool:
    """Whether what status records of these very checks counts still, so that nothing is read again. `waiting`: no call
    is about to be sent, so that checks that passed need no repetition."""
    recorded = snapshot.resource.status.preflight
    if snapshot.resource.requested_anew:
        return False
    if waiting and recorded is not None and recorded.fingerprint == wanted.mark and not recorded.failures:
        return True
    return left(recorded, mark=wanted.mark, now=snapshot.now) > 0


def rest(snapshot: ClusterSnapshot, action: Action) -> ClusterSnapshot | None:
    """The snapshot without the groups whose checks fail, so that they hold up nothing else; None for a creation."""
    if not isinstance(action, UpdateCluster):
        return None
    return replace(snapshot, held_groups=snapshot.held_groups | frozenset(snapshot.changes.groups_added))


def held(status: PreflightStatus, wanted: Due, *, mode: str, now: datetime) -> Wait | None:
    """Why the call is not made; None when it is."""
    if not wanted.holds:
        return None
    failures = status.failures or 0
    count = counted(failures, "check fails", "checks fail")
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
