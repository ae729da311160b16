"""Moments on record that have not come yet: the clock that wrote them was ahead, or was set back since.

What is waited for since such a moment would be waited for until the clock has come there again: a day, where it was a
day ahead. So it counts from the first pass that finds it so, as that pass stores it. Nothing is done sooner for it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.core.moments import parse_time, stamp

ModelT = TypeVar("ModelT", bound=Model)


def has_come(text: str | None, *, now: datetime) -> bool:
    """Whether the moment is not later than `now`; so is one that cannot be read."""
    moment = parse_time(text or "")
    return moment is None or moment <= now


def by_now(item: ModelT, *members: str, now: datetime) -> ModelT:
    """The same with `now` for those of these moments that have not come."""
    late = [name for name in members if not has_come(getattr(item, name), now=now)]
    return item.model_copy(update=dict.fromkeys(late, stamp(now))) if late else item


def all_by_now(items: Iterable[ModelT] | None, *members: str, now: datetime) -> list[ModelT] | None:
    """The same for each; None for none."""
    return None if items is None else [by_now(item, *members, now=now) for item in items]
