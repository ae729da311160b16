"""The entries of an operation as they are stored: what a thousand nodes say has to fit into one object.

etcd takes objects of 1.5 MiB. An entry for each node is needed to go on after a restart; their texts are for people, so
all of them share a room. What little is cut is the longest: a short message stays as it is beside long ones.
"""

from collections.abc import Iterable, Sequence

from hyperpod_operator.api.nodeoperation.status import NodeMemory
from hyperpod_operator.core.nodeoperation.snapshot import Entry
from hyperpod_operator.core.nodeoperation.states import FINAL
from hyperpod_operator.core.text import shortened

MESSAGES_MOST = 64_000
"""Bytes that the messages of all nodes share."""
PODS_MOST = 24_000
"""Bytes that the pods of all nodes share, in `waitingFor`."""
WIDEST = 4
"""Bytes of a character in UTF-8, at most."""
MESSAGE_LEAST = 24
"""Characters of a message that are kept in any case."""


def bounded(entries: Iterable[Entry]) -> tuple[list[Entry], int]:
    """The entries to store, and how many of them wait for pods that are not listed."""
    found = [_without_notes(entry) for entry in entries]
    most = _share([len(entry.message.encode()) for entry in found if entry.message], room=MESSAGES_MOST)
    left, unlisted, stored = PODS_MOST, 0, []
    for entry in found:
        changes: dict[str, object] = {}
        if entry.message and most is not None and len(entry.message.encode()) > most:
            changes["message"] = _cut(entry.message, most)
        if entry.waitingFor:
            left -= sum(len(pod.encode()) for pod in entry.waitingFor)
            if left < 0:
                changes["waitingFor"], unlisted = None, unlisted + 1
        stored.append(entry.model_copy(update=changes) if changes else entry)
    return stored, unlisted


def _without_notes(entry: Entry) -> Entry:
    """What was noted for the way of a node is not needed at its end."""
    notes = entry.remembered
    if entry.state not in FINAL or notes.marked or notes.leftToAwsSince or entry.memory is None:
        return entry
    return entry.model_copy(update={"memory": NodeMemory(drainTimedOut=notes.drainTimedOut).or_none()})


def _share(lengths: Sequence[int], *, room: int) -> int | None:
    """The most that each of them may have, so that those that need less leave it to the others; None if all fit."""
    if sum(lengths) <= room:
        return None
    for position, length in enumerate(sorted(lengths)):
        share = room // (len(lengths) - position)
        if length > share:
            return share
        room -= length
    return None


def _cut(text: str, most: int) -> str:
    """At most so many bytes of it, and fewer where its characters are wide."""
    wide = 1 if text.isascii() else WIDEST
    return shortened(text, max(MESSAGE_LEAST, (most - len(" … ".encode())) // wide))
