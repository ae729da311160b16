"""The change filter (a predicate in controller-runtime): does this event need a pass, or is it our own write?

Every status and finalizer that we write comes back as a MODIFIED event. Taken for news it would start the next pass
at once and throw away the pause that the last one asked for: a refused call would be repeated as fast as AWS
answers. What triggers a pass is another object, another spec, a deletion, or a new value of a trigger annotation.
"""

from collections.abc import Mapping
from typing import Any

from hyperpod_operator.api.names import TRIGGER_ANNOTATIONS
from hyperpod_operator.core.ports import Key


class ChangeFilter:
    """The state last seen of each object, in RAM only: after a restart each object is new once."""

    def __init__(self) -> None:
        self._seen: dict[Key, tuple[Any, ...]] = {}

    def is_new(self, key: Key, *, event: str | None, metadata: Mapping[str, Any]) -> bool:
        """Whether this event (ADDED, MODIFIED, DELETED, or None for a listed object) asks for a pass."""
        if event == "DELETED":
            self._seen.pop(key, None)
            return True
        annotations = metadata.get("annotations") or {}
        state = (
            metadata.get("uid"),
            metadata.get("generation"),
            metadata.get("deletionTimestamp"),
            *(annotations.get(name) for name in TRIGGER_ANNOTATIONS),
        )
        if self._seen.get(key) == state:
            return False
        self._seen[key] = state
        return True
