"""One refusal never holds up the rest: an update goes on without the groups that AWS refused.

UpdateCluster carries all changes of a cluster at once, so a group that AWS refuses would keep back every edit of the
others. A refusal is put down to the groups that AWS names; where it names none, each changed group is sent by itself
until the one at fault is known. A refused group is left as AWS has it until its wish or AWS's picture of it changes, a
reconcile is requested, or its time is over.

A group that did not reach its minInstanceCount in the time that AWS gives it (3 hours) is treated alike: AWS ended what
ran of it and rolled its count back, so the next try comes after a pause that grows from the first time on. So is a
group that AWS names where it rolled an update of several parts back as a whole.
"""

import re
from collections.abc import Iterable, Mapping

from hyperpod_operator.api.cluster.status import RejectedGroup
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.causes import cause_of
from hyperpod_operator.core.cluster.culprits import culprits, is_about_a_role, naming
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.guards import went_back
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.pauses import refusal_pause
from hyperpod_operator.core.cluster.plan import UpdateCluster
from hyperpod_operator.core.cluster.resource import Resource, desired
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.journal import PENDING, age, entry_of
from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import SLOW, ErrorKind
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.observed import ObservedCluster, ObservedGroup
from hyperpod_operator.core.text import counted, sentence, shortened

ISOLATED = frozenset({ErrorKind.INVALID, ErrorKind.QUOTA, ErrorKind.ROLE_PROPAGATION})
"""Refusals that can be about one group: its members, its quota, its role. All others are about the call or account."""

MINIMUM_WINDOW = 3 * 3600.0 - 600.0
"""Seconds from an update until AWS may give a minimum up, a little less than its three hours."""
UPDATES = "Cluster"
"""The concern of UpdateCluster in the journal."""
MOST = 100
"""Refused groups that status keeps; more than AWS takes in one call."""
REPORTED_MOST = 512
"""Characters of AWS's words about a rollback that a message repeats."""


def sendable(snapshot: ClusterSnapshot) -> frozenset[str]:
    """What the next update carries: all that was not refused; else one suspected part by itself; else nothing."""
    entries = _standing(snapshot)
    changed = snapshot.changed_parts
    waiting = snapshot.unapproved("UpdateCluster") | snapshot.held_groups
    free = [name for name in changed if name not in waiting]
    fresh = frozenset(name for name in free if name not in entries)
    suspects = sorted(name for name in free if name in entries and entries[name].suspected)
    return fresh or frozenset(suspects[:1])


def rejected_parts(snapshot: ClusterSnapshot) -> tuple[RejectedGroup, ...]:
    """The changed parts that AWS refused and that are left as they are."""
    changed, entries = snapshot.changed_parts, _standing(snapshot)
    return tuple(entries[name] for name in sorted(changed) if name in entries and not entries[name].suspected)


def pause(snapshot: ClusterSnapshot, entry: RejectedGroup) -> float:
    """Seconds from the refusal until the group is tried again."""
    timings = snapshot.timings
    if _back(entry):
        return growing(first=timings.rollback_backoff, most=timings.rollback_backoff_most, attempts=entry.attempts)
    if entry.reason != Reason.SPEC_REJECTED:
        return SLOW
    return refusal_pause(snapshot, mark=entry.fingerprint, attempts=entry.attempts)


def remembered(pass_record: PassRecord, end: ResultSummary) -> list[RejectedGroup] | None:
    """`status.rejectedGroups` after the pass."""
    if pass_record.creates:
        return None
    snapshot, old = pass_record.snapshot, _recorded(pass_record.snapshot.resource)
    if pass_record.blind or snapshot.observed.cluster is None:
        return list(old.values()) or None
    changed = snapshot.changed_parts
    entries = {name: entry for name, entry in old.items() if _valid(snapshot, entry, changed)}
    entries |= _rolled_back(snapshot, changed)
    if snapshot.resource.requested_anew:
        entries = {}
    result = pass_record.result
    if result is not None and isinstance(result.action, UpdateCluster):
        sent = sendable(snapshot)
        if isinstance(result, Accepted):
            entries = {
                name: _tried(entry) if name in sent else entry
                for name, entry in entries.items()
                if name not in sent or _back(entry)
            }
        elif end.stalled and (result.error.kind in ISOLATED or is_about_a_role(result, among=sent)):
            entries |= _refused(pass_record, end, result, sent=sent, changed=changed, before=old)
    return [entries[name] for name in sorted(entries)][:MOST] or None


def goes_on(pass_record: PassRecord, entries: Iterable[RejectedGroup]) -> bool:
    """Whether a refusal of this pass left something that can be sent without the refused groups."""
    refused = {entry.instanceGroupName for entry in entries if not entry.suspected}
    called = isinstance(pass_record.result, Rejected) and isinstance(pass_record.result.action, UpdateCluster)
    return called and bool(refused or _suspected(entries)) and bool(pass_record.snapshot.changed_parts.keys() - refused)


def _suspected(entries: Iterable[RejectedGroup]) -> bool:
    return any(entry.suspected for entry in entries)


def _refused(
    pass_record: PassRecord,
    end: ResultSummary,
    result: Rejected,
    *,
    sent: frozenset[str],
    changed: Mapping[str, str],
    before: Mapping[str, RejectedGroup],
) -> Mapping[str, RejectedGroup]:
    found = culprits(result, among=sent) or (sent if len(sent) == 1 else frozenset())
    return {
        name: RejectedGroup(
            instanceGroupName=name,
            fingerprint=changed[name],
            reason=end.reason,
            message=end.message[:1024],
            time=stamp(pass_record.snapshot.now),
            attempts=_attempts(before.get(name), changed[name]),
            suspected=None if found else True,
        )
        for name in found or sent
    }


def _attempts(before: RejectedGroup | None, mark: str) -> int:
    same = before is not None and before.fingerprint == mark and not before.suspected
    return (before.attempts or 1) + 1 if same and before is not None else 1


def _recorded(resource: Resource) -> Mapping[str, RejectedGroup]:
    return {entry.instanceGroupName: entry for entry in resource.status.rejectedGroups or []}


def _standing(snapshot: ClusterSnapshot) -> Mapping[str, RejectedGroup]:
    if snapshot.resource.requested_anew:
        return {}
    changed = snapshot.changed_parts
    recorded = {
        name: entry
        for name, entry in _recorded(snapshot.resource).items()
        if _valid(snapshot, entry, changed) and left(snapshot, entry) > 0
    }
    return {**recorded, **_rolled_back(snapshot, changed)}


def _valid(snapshot: ClusterSnapshot, entry: RejectedGroup, changed: Mapping[str, str]) -> bool:
    """Whether an entry is still about what is wanted; one of a rollback until the group has reached its minimum."""
    name = entry.instanceGroupName
    if not _back(entry):
        return changed.get(name) == entry.fingerprint
    cluster, minimum = snapshot.observed.cluster, _minimum(snapshot, name)
    group = cluster.group(name) if cluster else None
    if minimum:
        reached = group is not None and group.current_count >= minimum
    else:
        reached = cluster is not None and cluster.status == "InService" and name not in changed
    return entry.fingerprint == _wished(snapshot, name) and not reached


def _rolled_back(snapshot: ClusterSnapshot, changed: Mapping[str, str]) -> Mapping[str, RejectedGroup]:
    """Groups that AWS is seen to have rolled back below their minimum since they were last sent."""
    resource, cluster = snapshot.resource, snapshot.observed.cluster
    last = resource.status.last
    if cluster is None or (last is not None and last.state in PENDING):
        return {}
    found = _blamed(snapshot, cluster, changed)
    for group in cluster.groups:
        record, known = resource.recorded_groups.get(group.name), _recorded(resource).get(group.name)
        minimum = _minimum(snapshot, group.name)
        if group.name not in changed or record is None or group.target_count >= minimum:
            continue
        if record.remembered.appliedInstanceCount != resource.groups[group.name].instanceCount:
            continue  # AWS never worked towards the spec's count
        if (record.currentCount or 0) >= minimum:
            continue  # it had its minimum, which ends AWS's window: others lowered the count
        if known is not None and known.time and _known(snapshot, known):
            continue
        entry = _rollback(snapshot, group.name)
        ended = max(0, (record.currentCount or 0) - group.target_count)
        # AWS's words about what kept the group short; those of an earlier rollback are our own.
        reported = "" if known is not None and known.message == record.message else record.message or ""
        message = (
            f"{_fell(snapshot, group, minimum=minimum, ended=ended)} "
            f"{f'Before, AWS said: {_words(reported)} ' if reported else ''}The operator retries after "
            f"{pause(snapshot, entry) / 60:.0f} min. {_remedy(reported)}"
        )
        found[group.name] = entry.model_copy(update={"message": message})
    return found


def _fell(snapshot: ClusterSnapshot, group: ObservedGroup, *, minimum: int, ended: int) -> str:
    """That the count of the group fell below its minimum, and by whom, as far as the time tells."""
    if age(entry_of(snapshot.resource.status.operations, UPDATES), now=snapshot.now) < MINIMUM_WINDOW:
        return (
            f"The count of group {group.name} fell to {group.target_count} before the group reached its "
            f"minInstanceCount {minimum}, and sooner than 3 hours after the operator's last update: others lowered it, "
            "or AWS rolled an earlier update of the group back."
        )
    return (
        f"Group {group.name} did not reach its minInstanceCount {minimum} within 3 hours: AWS rolled it back to "
        f"{group.target_count} and ended {counted(ended, 'running node')}."
    )


# [assumption: failed-updates-roll-back]
def _blamed(
    snapshot: ClusterSnapshot, cluster: ObservedCluster, changed: Mapping[str, str]
) -> dict[str, RejectedGroup]:
    """Groups that AWS names as the reason why it has just rolled an update back."""
    reported = cluster.failure_message if went_back(snapshot) else ""
    named = frozenset(name for name in changed if name and re.search(naming(name), reported))
    entries = {name: _rollback(snapshot, name) for name in named}
    return {
        name: entry.model_copy(
            update={
                "message": f"AWS rolled an update back and names group {name}: {_words(reported)} The operator leaves "
                "the group as it is, sends everything else, and retries the group after "
                f"{pause(snapshot, entry) / 60:.0f} min. Correct the group or the cause."
            }
        )
        for name, entry in entries.items()
    }


def _words(reported: str) -> str:
    return sentence(shortened(reported, REPORTED_MOST))


def _remedy(reported: str) -> str:
    """What to do about a group that stayed below its minimum for what AWS said."""
    cause = cause_of(reported)
    if cause is not None and cause.reason is not Reason.CAPACITY_SHORTAGE:
        return cause.remedy
    return (
        "Lower minInstanceCount to keep the available nodes, or reserve capacity first (a training plan, other "
        "instance types or another zone)."
    )


def _rollback(snapshot: ClusterSnapshot, name: str) -> RejectedGroup:
    """A rollback of this group that is seen now, without words."""
    known = _recorded(snapshot.resource).get(name)
    before = (known.attempts or 1) if known is not None and _known(snapshot, known) else 0
    return RejectedGroup(
        instanceGroupName=name,
        fingerprint=_wished(snapshot, name),
        reason=Reason.UPDATE_ROLLED_BACK,
        time=stamp(snapshot.now),
        attempts=before + 1,
    )


def _known(snapshot: ClusterSnapshot, entry: RejectedGroup) -> bool:
    """Whether a rollback of what the spec asks for now is on record."""
    return _back(entry) and entry.fingerprint == _wished(snapshot, entry.instanceGroupName)


def _tried(entry: RejectedGroup) -> RejectedGroup:
    """The memory of a rollback after the group was sent again: how often, until it reaches its minimum."""
    return entry.model_copy(update={"time": None}) if _back(entry) else entry


def _back(entry: RejectedGroup) -> bool:
    return entry.reason == Reason.UPDATE_ROLLED_BACK


def _minimum(snapshot: ClusterSnapshot, name: str) -> int:
    spec = snapshot.resource.groups.get(name)
    external = snapshot.resource.counts_are_external(name)
    return int(desired(spec).get("minInstanceCount", 0)) if spec is not None and not external else 0


def _wished(snapshot: ClusterSnapshot, name: str) -> str:
    spec = snapshot.resource.groups.get(name)
    return fingerprint(operation="UpdateCluster", desired=[name, desired(spec) if spec else None])


def left(snapshot: ClusterSnapshot, entry: RejectedGroup) -> float:
    """Seconds until the group is tried again; 0 when its time cannot be read."""
    since = parse_time(entry.time or "")
    return pause(snapshot, entry) - (snapshot.now - since).total_seconds() if since else 0.0
