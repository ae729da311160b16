"""How a pass writes status: what it saw goes into members of the status, what it notes for later into `memory`."""

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from hyperpod_operator.api.common.model import Model


class Remembering(Protocol):
    """A status, or an item of one, that has a memory."""

    @property
    def remembered(self) -> Model: ...

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self: ...


StatusT = TypeVar("StatusT", bound=Remembering)


def updated(status: StatusT, members: Mapping[str, Any]) -> StatusT:
    """The status with these members; those that its memory has go there. A memory without notes goes."""
    memory = status.remembered
    notes = {name: value for name, value in members.items() if name in type(memory).model_fields}
    seen = {name: value for name, value in members.items() if name not in notes}
    if notes:
        seen["memory"] = memory.model_copy(update=notes).or_none()
    return status.model_copy(update=seen)


def revised(status: StatusT, members: Mapping[str, Any]) -> StatusT:
    """The same with those of these members that differ; the status itself where none does."""
    memory = status.remembered

    def differs(name: str, value: Any) -> bool:
        return bool(value != getattr(memory if name in type(memory).model_fields else status, name))

    changed = {name: value for name, value in members.items() if differs(name, value)}
    return updated(status, changed) if changed else status
