"""What may be asked of the simulator from another process: a method marked as a verb, and no other.

A verb is defined once, as a method of the object that does the work. The HTTP control routes call it by name, and
the client of another process checks its arguments against the same signature.
"""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "simulator_verb"


def verb(method: F) -> F:
    """Offer this method over the control API."""
    setattr(method, _MARK, True)
    return method


def is_verb(method: object) -> bool:
    """Whether the method may be called over the control API."""
    return bool(getattr(method, _MARK, False))
