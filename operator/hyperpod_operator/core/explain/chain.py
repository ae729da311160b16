"""The chain of causes of one object, from its summary down to AWS's words. Each part is empty where it says nothing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hyperpod_operator.core.explain.acting import Stated
from hyperpod_operator.core.explain.explanation import Level, Link
from hyperpod_operator.core.explain.values import attached, lacks
from hyperpod_operator.core.explain.world import Json, World, inside, items, text
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.text import counted, plain, shortened

MOST = 24
"""Links that an explanation shows; a cluster of 200 groups must still fit a screen."""
EACH = 5
"""Links of one level."""
LONGEST = 600
"""Characters of one text."""
PHRASE = 20
"""Characters from which a text is a cause and no word that others have, too."""
RECENT = timedelta(hours=6)
"""How old an Event may be and still be a cause."""
AT_REST = ("Succeeded", "Pending", "")
"""States of the nodes of an operation that explain nothing."""
_SAID = {
    "RolledBack": "AWS rolled the change back.",
    "Unanswered": "AWS gave no answer; the operator looks what came of it.",
}
FAILED_CALLS = ("Rejected", "RolledBack", "Unanswered")


_NUMBERED = re.compile(r"(?<! ) *\((?:request )?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)$")
"""The id at the end of an Event's note: of a request, or of HyperPod's event. Looked for once where blanks begin: the
API server bounds the notes of some Events only."""
_OF_CONDITION = re.compile(r"^[A-Z]\w+ is (?:True|False|Unknown): ")
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
COMBINED = "More Events with this reason follow each other quickly"
"""The beginning of the note of an Event that stands for others (`kube/events/series.py`)."""


def chain(world: World) -> tuple[tuple[Link, ...], int]:
    """At most MOST links, and how many the bounds left out. No text comes twice."""
    made: list[Link] = []
    dropped = 0
    shown: list[str] = []
    for part in (
        _ready,
        _conditions,
        _plan,
        _failed_checks,
        _calls,
        _groups,
        _nodes,
        _volume,
        _claims,
        _aws,
        _warnings,
        _events,
    ):
        found = [*part(world)]
        fresh = [kept for link in found if (kept := _fresh(link, shown)) is not None]
        shown += [link.says for link in found if link.says]
        dropped += max(0, len(fresh) - EACH)
        made += fresh[:EACH]
    dropped += max(0, len(made) - MOST)
    return tuple(made[:MOST]), dropped


def _fresh(link: Link, shown: list[str]) -> Link | None:
    """The link without words that an earlier one has; None for a condition or an Event, which say nothing else.

    HyperPod's Events put a cause behind a description of theirs; where the cause is shown, so is the Event.
    """
    known = any(link.says in one for one in shown)
    if link.level is Level.EVENT:
        known = known or any(one in link.says for one in shown if len(one) >= PHRASE)
    if not link.says or not known:
        return link
    return None if link.level in (Level.CONDITION, Level.EVENT) else replace(link, says="")


def conditions(world: World) -> dict[str, Json]:
    """By type."""
    return {text(one.get("type")): one for one in items(world.resource, "status", "conditions")}


def stated(condition: Json) -> Stated:
    """A condition without its words."""
    return Stated(text(condition.get("type")), text(condition.get("status")), text(condition.get("reason")))


def cause(level: Level, about: str, says: object, *, reason: object = "", since: object = "") -> Link:
    """One cause of texts as they were read: plain, and bounded."""
    return Link(
        level=level,
        about=plain(about),
        says=shortened(plain(text(says)), LONGEST),
        reason=plain(text(reason)),
        since=plain(text(since)),
    )


def _ready(world: World) -> Iterator[Link]:
    ready = conditions(world).get("Ready")
    if ready is not None:
        yield _of_condition(Level.RESOURCE, ready)


def _conditions(world: World) -> Iterator[Link]:
    for one in conditions(world).values():
        if stated(one).disagrees:
            yield _of_condition(Level.CONDITION, one)


def _of_condition(level: Level, one: Json) -> Link:
    about = f"{text(one.get('type'))}={text(one.get('status'))}"
    says, since = one.get("message"), one.get("lastTransitionTime")
    return cause(level, about, says, reason=one.get("reason"), since=since)


def _plan(world: World) -> Iterator[Link]:
    plan = inside(world.resource, "status", "plan")
    state = text(inside(plan, "state"))
    if state in ("Pending", "Stale", "Approved", "Applying"):
        yield cause(Level.PLAN, text(inside(plan, "digest")), inside(plan, "summary"), reason=state)


def _failed_checks(world: World) -> Iterator[Link]:
    return _checks(world, "Fail")


def _warnings(world: World) -> Iterator[Link]:
    """Checks that stopped nothing: they come after what did."""
    return _checks(world, "Warn")


def _checks(world: World, result: str) -> Iterator[Link]:
    found = inside(world.resource, "status", "preflight")
    for check in items(found, "checks"):
        if text(check.get("result")) == result:
            since = inside(found, "checkedAt")
            yield cause(Level.PREFLIGHT, text(check.get("name")), check.get("message"), reason=result, since=since)


def _calls(world: World) -> Iterator[Link]:
    said = [text(one.get("message")) for one in conditions(world).values()]
    for call in items(world.resource, "status", "operations"):
        state = text(call.get("state"))
        if state not in FAILED_CALLS:
            continue
        words = text(call.get("message")) or _SAID.get(state, "")
        words = "" if words in said else words
        again = text(call.get("retryAt"))
        tries = call.get("rejections") or call.get("attempts")
        often = f" Sent {counted(tries, 'time')}." if isinstance(tries, int) and tries > 1 else ""
        later = f" The operator sends it again at {again}." if again else ""
        yield cause(
            Level.CALL,
            text(call.get("operation")),
            (shortened(words, LONGEST - len(often) - len(later)) + often + later).strip(),
            reason=text(call.get("code")) or text(call.get("reason")) or state,
            since=text(call.get("rejectedAt")) or text(call.get("time")),
        )


def _groups(world: World) -> Iterator[Link]:
    refused = {text(one.get("instanceGroupName")): one for one in items(world.resource, "status", "rejectedGroups")}
    for group in items(world.resource, "status", "instanceGroups"):
        name = text(group.get("instanceGroupName"))
        rejected = refused.pop(name, {})
        if group.get("message") or lacks(group) or rejected:
            counts = f"{text(group.get('currentCount')) or '?'}/{text(group.get('targetCount')) or '?'} nodes"
            says = text(group.get("message")) or text(rejected.get("message"))
            yield cause(Level.GROUP, f"{name} {counts}", says, reason=rejected.get("reason") or group.get("status"))
    for name, one in refused.items():
        yield cause(Level.GROUP, name or "(cluster)", one.get("message"), reason=one.get("reason"))


def _nodes(world: World) -> Iterator[Link]:
    for node in items(world.resource, "status", "nodeProblems"):
        about = f"{text(node.get('instanceId'))} ({text(node.get('instanceGroupName'))})"
        yield cause(Level.NODE, about, node.get("message"), reason=node.get("status"))
    for node in items(world.resource, "status", "nodes"):
        if text(node.get("state")) in AT_REST:
            continue
        about = f"{text(node.get('name')) or text(node.get('id'))} ({text(node.get('instanceGroupName'))})"
        says = text(node.get("message"))
        pods = [pod for one in _list(node.get("waitingFor")) if (pod := text(one)) not in says]
        says = f"{says} Waits for {', '.join(pods)}.".strip() if pods else says
        since = node.get("completionTime") or node.get("sentTime") or node.get("startTime")
        yield cause(Level.NODE, about, says, reason=node.get("awsCode") or node.get("state"), since=since)
    for node in items(world.resource, "status", "nodeHealth", "worst"):
        about = f"{text(node.get('name'))} ({text(node.get('instanceGroupName'))})"
        reason = text(node.get("faultReason")) or text(node.get("faultType")) or text(node.get("state"))
        yield cause(Level.NODE, about, node.get("message"), reason=reason, since=node.get("since"))


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _volume(world: World) -> Iterator[Link]:
    attachment = inside(world.resource, "status", "attachment")
    if isinstance(attachment, dict) and text(attachment.get("state")) != "attached" and attachment.get("instanceId"):
        where = f"Node {text(attachment.get('nodeName')) or '(not in Kubernetes)'}, {text(attachment['instanceId'])}."
        about = text(inside(world.resource, "status", "volumeId"))
        yield cause(Level.VOLUME, about, where, reason=attachment.get("state"))
    later = text(inside(world.resource, "status", "modification", "nextAllowedTime"))
    if later:
        words = f"AWS allows the next modification at {later}."
        yield cause(Level.VOLUME, text(inside(world.resource, "status", "volumeId")), words, reason="RateLimited")


def _claims(world: World) -> Iterator[Link]:
    if inside(world.resource, "metadata", "deletionTimestamp"):
        for claim in attached(world):
            words = f"Its volume {text(inside(claim, 'status', 'volumeId'))} is attached to a node of the cluster."
            yield cause(Level.VOLUME, f"EBSVolumeClaim {text(inside(claim, 'metadata', 'name'))}", words)


def _aws(world: World) -> Iterator[Link]:
    words = inside(world.resource, "status", "failureMessage")
    if words:
        yield cause(Level.AWS, "FailureMessage", words, reason=inside(world.resource, "status", "clusterStatus"))


def _events(world: World) -> Iterator[Link]:
    return event_links(world.events, now=world.now)


def event_links(events: Sequence[Json], *, now: datetime) -> Iterator[Link]:
    """Warnings of the last hours, the newest first: HyperPod's own are among them.

    Those that differ in an instance or an id only are one, with their number; one whose words another continues, as
    HyperPod's of a group and of its instance do, is left out.
    """
    alike: dict[tuple[str, str], tuple[str, str, int]] = {}
    for at, event in sorted(_recent(events, now), key=lambda one: one[0], reverse=True):
        words = _bare(event_note(event))
        key = (text(event.get("reason")), _INSTANCE.sub("i-", words))
        first_at, first_words, often = alike.get(key, (at, words, 0))
        alike[key] = (first_at, first_words, often + 1)
    said = [words for _, words in alike]
    for (reason, plain_words), (at, words, often) in alike.items():
        if not any(plain_words != one and plain_words in one for one in said):
            about = counted(often, "time") if often > 1 else ""
            yield cause(Level.EVENT, about, words, reason=reason, since=at)


def _recent(events: Sequence[Json], now: datetime) -> Iterator[tuple[str, Json]]:
    for event in events:
        at = event_time(event)
        moment = parse_time(at)
        fits = text(event.get("type")) == "Warning" and not event_note(event).startswith(COMBINED)
        if fits and moment and now - moment <= RECENT:
            yield at, event


def _bare(note: str) -> str:
    """The note without what it has besides the message: the condition that it is of, the id that AWS gave."""
    return _OF_CONDITION.sub("", _NUMBERED.sub("", note))


def event_time(event: Json) -> str:
    """When an Event was last seen, whichever of the two Event APIs it is from; empty where it does not say."""
    series = inside(event, "series", "lastObservedTime")
    listed = (series, event.get("lastTimestamp"), event.get("eventTime"), event.get("deprecatedLastTimestamp"))
    return next((text(one) for one in listed if text(one)), text(inside(event, "metadata", "creationTimestamp")))


def event_note(event: Json) -> str:
    return text(event.get("note")) or text(event.get("message"))
