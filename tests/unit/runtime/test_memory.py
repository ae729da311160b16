"""What is free goes back to the system, wherever the C library can do that."""

import ctypes
import platform
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpod_operator.runtime.memory import give_back

PIECE = 64 * 1024
"""Bytes: more than Python's own allocator takes, less than what glibc asks the system for by itself."""


def resident() -> int:
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library has the call")
async def test_memory_between_what_is_used_goes_back() -> None:
    pieces = [bytearray(b"x" * PIECE) for _ in range(1024)]
    used = pieces[::128]
    before = resident()
    pieces.clear()
    await give_back()
    assert before - resident() > 1024 * PIECE / 2
    assert len(used) == 8


async def test_a_c_library_without_the_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    await give_back()
