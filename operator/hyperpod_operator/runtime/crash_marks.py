"""Which pass was on the event loop when the process died, and how often: what the next process has to know.

A call that never returns cannot be told by the process that makes it, for no other code of it may run: a C function
that holds the interpreter's lock stops its threads, too. So before each step the name of its object is put into a file
that is mapped into memory. That costs a copy of some bytes and no system call, and the kernel keeps the bytes however
the process ends. The directory has to outlive a container's restart, as an `emptyDir` does; a new pod begins anew.
"""

import json
import logging
import mmap
import os
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

SIZE = 1024
"""Bytes of the mapped file: kind, namespace and name have less than 600."""
RUNNING = "running-pass"
COUNTS = "quarantine.json"
MOST_COUNTS = 1000
"""Objects of which a count is kept; the lowest counts go first."""


class CrashMarks:
    """Files in `directory`, which must exist. Raises OSError when they cannot be made."""

    def __init__(self, directory: Path) -> None:
        self._counts_path = directory / COUNTS
        descriptor = os.open(directory / RUNNING, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, SIZE)
            self._running = mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)
        length = int.from_bytes(self._running[:2], "little")
        found = self._running[2 : 2 + length].decode(errors="replace") if length <= SIZE - 2 else ""
        self.left_behind = found if _is_subject(found) else ""
        """What was running when the process before this one died; empty if nothing was."""
        self.leave()

    def enter(self, mark: bytes) -> None:
        """A step of the object `mark` begins: the text first, its length last, so that no half of it is read."""
        self._running[2 : 2 + len(mark)] = mark
        self._running[:2] = len(mark).to_bytes(2, "little")

    def leave(self) -> None:
        """The step has ended."""
        self._running[:2] = b"\0\0"

    def counts(self) -> dict[str, int]:
        """How often each object stopped the event loop; empty when the file is not there or not understood."""
        try:
            found = json.loads(self._counts_path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("The counts in %s cannot be read and start from zero: %s", self._counts_path, error)
            return {}
        if not isinstance(found, dict):
            return {}
        return {
            name: count for name, count in found.items() if _is_subject(name) and isinstance(count, int) and count > 0
        }

    def keep(self, counts: Mapping[str, int]) -> None:
        """Write the counts now. A disk that is full costs the memory of them, nothing else."""
        most = dict(sorted(counts.items(), key=lambda one: -one[1])[:MOST_COUNTS])
        written = self._counts_path.with_suffix(".new")
        try:
            written.write_text(json.dumps(most))
            written.replace(self._counts_path)
        except OSError as error:
            log.warning("The counts of objects that stop the event loop cannot be written: %s", error)

    def close(self) -> None:
        self._running.close()


def _is_subject(text: str) -> bool:
    """Whether this is `kind/namespace/name`: a file may hold anything."""
    return text.isprintable() and text.count("/") == 2


def mark_of(subject: str) -> bytes:
    """The subject as `enter` takes it."""
    return subject.encode(errors="replace")[: SIZE - 2]
