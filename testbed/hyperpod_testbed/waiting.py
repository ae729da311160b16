"""Waiting for what another process does, in real time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

EVERY = 0.1
"""Seconds between two looks."""


def until(done: Callable[[], T], what: str | Callable[[], object], *, seconds: float = 60.0) -> T:
    """What `done` returns, once that is true. Raises AssertionError with `what`, or what it returns, in the end."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(EVERY)
    return found
