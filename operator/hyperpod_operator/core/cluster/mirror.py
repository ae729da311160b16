"""HyperPod's own cluster events (ListClusterEvents) as Kubernetes Events: once each, also across restarts.

A high-water mark in status says how far they were told. Only Warn and Error are repeated: HyperPod reports every
step of every node at Info, and conditions say the same shorter. What every scaling brings is not: it explains nothing,
and many of them at once would crowd out the one that does.
"""

from hyperpod_operator.api.cluster.memory import MirroredEvents
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.causes import LOUD, says_something
from hyperpod_operator.core.cluster.pass_record import PassRecord
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.observed import ObservedEvent
from hyperpod_operator.core.ports import Event

HISTORY = 3600.0
"""Seconds: what is older when a cluster's events are first read (an adoption, say) is history."""
MOST = 20
"""Events told by one pass; a storm is summed up in one more."""


def mirrored(pass_record: PassRecord) -> tuple[MirroredEvents | None, tuple[Event, ...]]:
    """The mark to store, and the Events to write once it is stored."""
    old = pass_record.snapshot.resource.status.remembered.mirroredEvents
    loud = [event for event in pass_record.snapshot.observed.events if event.level in LOUD and says_something(event)]
    events = sorted(loud, key=lambda event: (event.at, event.event_id))
    fresh = [event for event in events if _is_new(event, old, pass_record)]
    if not fresh:
        return old, ()
    newest = stamp(fresh[-1].at)
    ids = {event.event_id for event in events if stamp(event.at) == newest}
    before = set(old.ids or []) if old and old.time == newest else set()
    mark = MirroredEvents(time=newest, ids=sorted(ids | before)[:100])
    made = [_event(event) for event in fresh[-MOST:]]
    if len(fresh) > MOST:
        made.insert(0, _summary(len(fresh) - MOST))
    return mark, tuple(made)


def _is_new(event: ObservedEvent, mark: MirroredEvents | None, pass_record: PassRecord) -> bool:
    """Times are compared as they are stored, in whole seconds: the ids tell events of one second apart."""
    since = parse_time(mark.time or "") if mark else None
    if since is None or mark is None:
        return (pass_record.snapshot.now - event.at).total_seconds() <= HISTORY
    at = stamp(event.at)
    return at > stamp(since) or (at == stamp(since) and event.event_id not in (mark.ids or []))


def _event(event: ObservedEvent) -> Event:
    where = ", ".join(part for part in (event.group, event.instance_id) if part)
    text = ": ".join(dict.fromkeys(part for part in (event.description, event.cause) if part))
    return Event(
        type="Warning",
        reason=Reason.HYPERPOD_EVENT,
        action="Observe",
        message=f"HyperPod says{f' about {where}' if where else ''}: {text}",
        reference=event.event_id,
    )


def _summary(count: int) -> Event:
    return Event(
        type="Warning",
        reason=Reason.HYPERPOD_EVENT,
        action="Observe",
        message=f"{count} more warnings of HyperPod at the same time: see `aws sagemaker list-cluster-events`.",
    )
