"""Policies while AWS is attaching or detaching the volume: wait, and break off an attach that never ends."""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import entry_of
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.volume.attachment import closed, detach, leaving, overdue, since_attach
from hyperpod_operator.core.volume.decision import ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import since, soon
from hyperpod_operator.core.volume.holding import Held, holding

STUCK_MOST = 1
"""How often a stuck attach is broken off and tried again before a person has to look."""


# [assumption: detach-while-attaching-may-be-refused]
def on_the_way(snapshot: ClaimSnapshot) -> Decision | None:
    """AWS is attaching or detaching. An attach that never ends is broken off, once; where the volume is wanted there
    no more, whenever that is."""
    where = holding(snapshot)
    if not isinstance(where, Held):
        return None
    if where.state == "detaching":
        return detaching(snapshot, where)
    if where.state != "attaching" or not snapshot.observed.alive(where.instance_id):
        return None
    recorded = snapshot.claim.status.attachment
    if _attaching_for(snapshot, where) < snapshot.timings.stuck:
        message = f"AWS is attaching the volume to {where.instance_id}."
        return Wait(reason=Reason.ATTACHING, message=message, after=soon(snapshot))
    attempts = (recorded.remembered.attempts or 0) if recorded else 0
    took = f"more than {snapshot.timings.stuck / 60:.0f} minutes"
    if not where.ours:
        message = (
            f"AWS has been attaching the volume to {where.instance_id} for {took}, by a call that is not this claim's, "
            "so the operator does not cancel it. Detach the volume there, or reboot or replace the node."
        )
        return Wait(reason=Reason.STUCK_ATTACHING, message=message, after=SLOW, stalled=True)
    if attempts >= STUCK_MOST and not leaving(snapshot):
        message = (
            f"AWS has been attaching the volume to {where.instance_id} for {took}, twice. "
            "Reboot or replace the node, or set attachment.target to another one."
        )
        return Wait(reason=Reason.STUCK_ATTACHING, message=message, after=SLOW, stalled=True)
    return closed(snapshot) or detach(snapshot, where, reason=Reason.DETACHING, why=f"attaching took {took}")


def _attaching_for(snapshot: ClaimSnapshot, where: Held) -> float:
    """Seconds that AWS has been attaching the volume; 0 where neither this claim's call nor AWS tells."""
    began = where.attachment.attach_time
    if where.ours:
        return since_attach(snapshot)
    return (snapshot.now - began).total_seconds() if began is not None else 0.0


def detaching(snapshot: ClaimSnapshot, where: Held) -> Wait:
    message = f"AWS is detaching the volume from {where.instance_id}."
    last = entry_of(snapshot.claim.status.operations, "Attachment")
    most = snapshot.claim.detach_timeout or snapshot.timings.detach
    stalled = since(last.time if last else None, now=snapshot.now) >= most and overdue(snapshot)
    if stalled:
        remedy = (
            "Check whether its device is still mounted or open there. If not, reboot or replace the node; if that does "
            "not help, ask AWS Support."
            if snapshot.observed.alive(where.instance_id)
            else "AWS has terminated that node: ask AWS Support."
        )
        minutes = f"{most / 60:.0f} minutes"
        message = f"AWS has been detaching the volume from {where.instance_id} for more than {minutes}. {remedy}"
    return Wait(reason=Reason.DETACHING, message=message, after=soon(snapshot), stalled=stalled)
