"""Gives back to the system what the C allocator keeps and nobody uses.

Answers of AWS and of the API server are large and live for a moment. What is small and lives longer ends up above them,
and glibc returns nothing from below that by itself: 7 MiB of 112 after eight minutes of edits. Other C libraries have
no such call, and there nothing is done.

Source: malloc_trim(3), Linux man-pages.
"""

import ctypes

EVERY = 60.0
"""Seconds."""


async def give_back() -> None:
    """Takes less than a millisecond for a heap of 100 MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
