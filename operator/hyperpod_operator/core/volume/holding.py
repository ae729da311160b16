"""Where AWS says that the volume is attached, and whether that attachment is ours to end.

An attachment is ours only if status says that this claim asked for it: the chosen node is recorded before the
call, and an attachment that began well after the last call was made by somebody else. Everything that is not
provably ours is foreign, and a foreign attachment is never ended.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.core.engine.journal import CallState, entry_of
from hyperpod_operator.core.engine.once import once
from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.text import counted
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.device import associated_resource
from hyperpod_operator.core.volume.plan import ATTACHMENT
from hyperpod_operator.core.volume.ports import Attachment

# [assumption: attach-time-tells-who-asked]
SLACK = timedelta(minutes=6)
"""By how much AWS's clock and ours, and a call's way, may differ: AWS takes no request that is signed more than five
minutes away from its own time (IAM user guide, "Troubleshoot Signature Version 4 signing for AWS API requests")."""
LOST = frozenset({CallState.INTENDED, CallState.UNANSWERED})
"""States of a call that AWS may carry out later than it was sent."""

FREE_STATES = frozenset({"detached"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """Attached nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Attached to an instance of our cluster. `ours`: this claim asked for it."""

    instance_id: str
    state: str
    ours: bool
    attachment: Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """Attached to something else: `who` names it for people."""

    who: str


Holding = Free | Held | Foreign


@once
def holding(snapshot: ClaimSnapshot) -> Holding:
    """The one answer to "where is it?"; more than one attachment counts as somebody else's."""
    there = attachments(snapshot)
    if not there:
        return Free()
    if len(there) > 1:
        return Foreign(who=f"{counted(len(there), 'instance')} at once ({', '.join(sorted(map(_who, there)))})")
    attachment = there[0]
    found = associated_resource(attachment.associated_resource)
    if attachment.instance_id or found is None or found.cluster_id != _cluster_id(snapshot):
        return Foreign(who=_who(attachment))
    ours = asked_for(snapshot, instance_id=found.instance_id, attach_time=attachment.attach_time)
    return Held(instance_id=found.instance_id, state=attachment.state, ours=ours, attachment=attachment)


def attachments(snapshot: ClaimSnapshot) -> list[Attachment]:
    """Those that AWS has not ended."""
    volume = snapshot.volume
    return [item for item in (volume.attachments if volume else ()) if item.state not in FREE_STATES]


def asked_for(snapshot: ClaimSnapshot, *, instance_id: str, attach_time: datetime | None) -> bool:
    """Whether status records an attach to this instance that this attachment can come from."""
    status = snapshot.claim.status
    current, former = status.attachment, status.previousAttachments or []
    records = [(record.instanceId, record.attachTime, SLACK) for record in former]
    if current is not None:
        records.append((current.instanceId, current.attachTime, _slack(snapshot)))
    return any(
        recorded == instance_id and _fits(attach_time=attach_time, called=parse_time(called or ""), slack=slack)
        for recorded, called, slack in records
    )


# [assumption: no-answer-leaves-outcome-open]
def _slack(snapshot: ClaimSnapshot) -> timedelta:
    """How long after the last attach call an attachment may begin that comes from it: one without an answer may still
    be carried out."""
    return timedelta(seconds=snapshot.timings.unseen) if unanswered(snapshot) is not None else SLACK


def unanswered(snapshot: ClaimSnapshot) -> OperationStatus | None:
    """The last call about the attachment, where it is an attach without an answer."""
    last = entry_of(snapshot.claim.status.operations, ATTACHMENT)
    attach = last is not None and last.operation == "AttachClusterNodeVolume"
    return last if attach and last is not None and last.state in LOST else None


def _fits(*, attach_time: datetime | None, called: datetime | None, slack: timedelta) -> bool:
    if called is None:
        return False
    return attach_time is None or attach_time <= called + slack


def _cluster_id(snapshot: ClaimSnapshot) -> str:
    """Of a cluster that is gone, what status says: its last instances may still be on the way out."""
    recorded = snapshot.claim.status.attachment
    arn = snapshot.cluster_arn or (recorded.clusterArn if recorded else "") or ""
    return cluster_id(arn)


def _who(attachment: Attachment) -> str:
    if attachment.instance_id:
        return f"instance {attachment.instance_id}"
    owner = f" of {attachment.instance_owning_service}" if attachment.instance_owning_service else ""
    return f"{attachment.associated_resource or 'a resource that AWS does not name'}{owner}"
