"""The last look of a call, at the moment when its turn has come."""

from collections.abc import Awaitable, Callable

Confirm = Callable[[], Awaitable[None]]
"""What is asked just before a call is sent; it raises where the call must not be."""
