"""Which resources are settled, and since when: a watch of our own, for polling lists would load the API server.

The API server ends a watch that is read too slowly, which happens on a machine that is busy. It is opened again then,
from the present state, so nothing is missed.
"""

import json
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

from benchmarks.environment.faults import BenchmarkError
from benchmarks.environment.objects import PATH, Connect

LONGEST_SILENCE = 900.0


class Progress:
    """Remembers when each resource was Ready for the spec that it has. For a `with` statement."""

    def __init__(self, new: Connect) -> None:
        self._new = new
        self._ready: dict[str, float] = {}
        self._changed = threading.Condition()
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        self._closing = False
        self._connection = self._new()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        if isinstance(self._connection.sock, socket.socket):
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def wait(self, count: int, *, seconds: float) -> float:
        """Wait until so many are ready; returns the wall-clock time at which the last of them was seen to be."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while len(self._ready) < count:
                if self._error:
                    raise BenchmarkError(f"the watch of the resources ended: {self._error}") from self._error
                if not self._changed.wait(deadline - time.monotonic()):
                    raise BenchmarkError(f"{len(self._ready)} of {count} resources were ready within {seconds:.0f} s")
            return sorted(self._ready.values())[count - 1]

    def _follow(self) -> None:
        try:
            while not self._closing:
                self._connection = self._new()
                self._connection.timeout = LONGEST_SILENCE
                self._connection.request("GET", f"{PATH}?watch=1&resourceVersion=0")
                answer = self._connection.getresponse()
                while (line := answer.readline()) and (event := json.loads(line))["type"] != "ERROR":
                    self._see(event["object"])
                self._connection.close()
        except Exception as error:  # told by `wait`
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _see(self, body: dict[str, Any]) -> None:
        name = body["metadata"]["name"]
        with self._changed:
            if not _is_ready(body):
                self._ready.pop(name, None)
            elif name not in self._ready:
                self._ready[name] = time.time()
                self._changed.notify_all()


def _is_ready(body: dict[str, Any]) -> bool:
    return any(
        one["type"] == "Ready"
        and one["status"] == "True"
        and one.get("observedGeneration") == body["metadata"]["generation"]
        for one in body.get("status", {}).get("conditions", ())
    )
