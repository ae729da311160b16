"""The change filter (a predicate in controller-runtime): does this event need a pass, or is it our own write?

Every status and finalizer that we write comes back as a MODIFIED event. Taken for news it would start the next pass
at once and throw away the pause that the last one asked for: a refused call would be repeated as fast as AWS
answers. What triggers a pass is another object, another spec, a deletion, a new value of a trigger annotation, or a
status that somebody else wrote: one that a restore puts back says Ready of what it is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.api.names import TRIGGER_ANNOTATIONS
from hyperpod_operator.core.ports import Key

OURS = "hyperpod-operator"
"""Our name as a manager of fields: the API server takes it from the client's User-Agent, up to the slash."""


@dataclass(frozen=True, slots=True)
class _State:
    asks: tuple[Any, ...]
    written: frozenset[tuple[str, str]]
    """Managers of the status besides us, and when each wrote. One that goes, because we wrote over it, is no news."""


class ChangeFilter:
    """The state last seen of each object, in RAM only: after a restart each object is new once."""

    def __init__(self) -> None:
        self._seen: dict[Key, _State] = {}

    def is_new(self, key: Key, *, event: str | None, metadata: Mapping[str, Any]) -> bool:
        """Whether this event (ADDED, MODIFIED, DELETED, or None for a listed object) asks for a pass."""
        if event == "DELETED":
            self._seen.pop(key, None)
            return True
        annotations = metadata.get("annotations") or {}
        asks = (
            metadata.get("uid"),
            metadata.get("generation"),
            metadata.get("deletionTimestamp"),
            *(annotations.get(name) for name in TRIGGER_ANNOTATIONS),
        )
        before, now = self._seen.get(key), _State(asks, _written_by_others(metadata))
        self._seen[key] = now
        return before is None or before.asks != now.asks or not now.written <= before.written


def _written_by_others(metadata: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (str(entry.get("manager")), str(entry.get("time")))
        for entry in metadata.get("managedFields") or ()
        if entry.get("subresource") == "status" and entry.get("manager") != OURS
    )
