"""Gives back to the system what the C allocator keeps and nobody uses.

Answers of AWS and of the API server are large and live for a moment. What is small and lives longer ends up above them,
and glibc returns nothing from below that by itself: 7 MiB of 112 after eight minutes of edits. Other C libraries have
no such calls, and there nothing is done.

Sources: malloc_trim(3) and mallopt(3), Linux man-pages; the numbers of the parameters are those of glibc's malloc.h.
"""

import ctypes

EVERY = 15.0
"""Seconds."""
LARGE = 192 * 1024
"""Bytes. A TLS connection holds a buffer of 256 KiB and uses a few pages of it (uvloop, `SSL_READ_MAX_SIZE`)."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_large_apart() -> None:
    """Have each piece of memory from LARGE on in pages of its own: those that are not used take no memory, and the
    others go back to the system with the piece.

    glibc begins like that, and ends it for good when the first large piece is freed. Twenty connections then took
    8 MB of the heap, and kept it. To call once, before threads are started.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE)
        # Once a threshold is set, the end of the heap would go back in steps of 128 KiB, and be asked for again.
        mallopt(_TRIM_THRESHOLD, 8 * LARGE)


async def give_back() -> None:
    """Takes less than a millisecond for a heap of 100 MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
