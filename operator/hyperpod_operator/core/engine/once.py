"""Questions that several concerns and conditions ask of one snapshot, and that cost something."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

ContextT = TypeVar("ContextT")
AnswerT = TypeVar("AnswerT")


def once(question: Callable[[ContextT], AnswerT]) -> Callable[[ContextT], AnswerT]:
    """A pure question of a frozen snapshot, answered once for each: the answer goes with the snapshot.

    As with `functools.cached_property` it is no field: it takes no part in a comparison, and another snapshot, made by
    `dataclasses.replace`, is without it. The snapshot must have no slots.
    """
    name = f"{question.__module__}.{question.__qualname__}"

    @wraps(question)
    def asked(snapshot: ContextT) -> AnswerT:
        known = vars(snapshot)
        if name not in known:
            known[name] = question(snapshot)
        answer: AnswerT = known[name]
        return answer

    return asked
