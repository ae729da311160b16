"""What is free goes back to the system, wherever the C library can do that."""

import ctypes
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpod_operator.runtime.memory import give_back, keep_large_apart

PIECE = 64 * 1024
"""Bytes: more than Python's own allocator takes, less than what glibc asks the system for by itself."""


def resident() -> int:
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library has the calls")
CONNECTIONS = """
from pathlib import Path
from hyperpod_operator.runtime.memory import keep_large_apart
keep_large_apart()
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])
bytearray(b"x" * 4_000_000)  # an answer, after which glibc would take large pieces from the heap
before = resident()
buffers, between = [], []
for _ in range(64):
    buffers.append(bytearray(b"x" * 262_144))
    between.append(bytearray(b"x" * 8_192))
held = resident() - before
buffers.clear()
print(held, resident() - before)
"""


@GLIBC
def test_large_pieces_go_back_by_themselves_although_small_ones_lie_between() -> None:
    output = subprocess.run([sys.executable, "-c", CONNECTIONS], check=True, capture_output=True, text=True).stdout
    held, left = map(int, output.split())
    assert left < held / 8


@GLIBC
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
    keep_large_apart()
