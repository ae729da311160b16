"""The log of every call, in the order of arrival."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hyperpod_testbed.simulator.spelling import spellings
from hyperpod_testbed.simulator.verbs import verb

OK = "OK"
PENDING = "Pending"
DROPPED = "ConnectionDropped"
STRANGE = "StrangeBody"


@dataclass(frozen=True)
class Call:
    """One call."""

    index: int
    """Position in the log, from 0."""
    wall_time: float
    simulated_time: float
    operation: str
    region: str
    access_key: str
    parameters: dict[str, Any]
    mutating: bool
    """Whether the operation is of a kind that changes something."""
    request_id: str
    code: str = PENDING
    """`OK`, AWS's error code, `Pending` while it runs, `ConnectionDropped` without an answer, or `StrangeBody`."""
    committed: bool = False
    """Whether the operation took effect, also when its answer was lost."""
    service: str = "sagemaker"
    """Whose operation it is; SageMaker and EC2 both have DeleteTags."""


@dataclass
class CallLog:
    """Every call since the start or the last `clear`."""

    _calls: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @verb
    def calls(
        self,
        operation: str | None = None,
        mutating: bool | None = None,
        since: int = 0,
        region: str | None = None,
        code: str | None = None,
    ) -> list[Call]:
        """The calls from index `since` on that fit every filter; `operation` alone or after its service."""
        with self._lock:
            chosen = self._calls[since:]
        return [
            call
            for call in chosen
            if (operation is None or operation in spellings(call.service, call.operation))
            and mutating in {None, call.mutating}
            and region in {None, call.region}
            and code in {None, call.code}
        ]

    @verb
    def size(self) -> int:
        """How many calls there are: the `since` of those to come."""
        with self._lock:
            return len(self._calls)

    @verb
    def clear(self) -> None:
        """Forget all calls; indices start at 0 again."""
        with self._lock:
            self._calls.clear()

    def wait_for(
        self,
        operation: str | None = None,
        *,
        count: int = 1,
        mutating: bool | None = None,
        since: int = 0,
        timeout: float = 10.0,
        accept: Callable[[Call], bool] = lambda _call: True,
    ) -> list[Call]:
        """Wait until that many answered calls fit, and return them; TimeoutError says what came instead.

        `timeout` is in real seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            calls = self.calls(operation=operation, mutating=mutating, since=since)
            found = [call for call in calls if call.code != PENDING and accept(call)]
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                came = [f"{call.operation} {call.code}" for call in self.calls(since=since)]
                raise TimeoutError(f"{len(found)} of {count} calls of {operation or 'any kind'} came; the log: {came}")
            time.sleep(0.01)

    def begin(self, call: Call) -> int:
        """Record an arrival; `index` is set here."""
        with self._lock:
            index = len(self._calls)
            self._calls.append(replace(call, index=index))
            return index

    def end(self, index: int, *, code: str, committed: bool) -> None:
        """Record how the call ended."""
        with self._lock:
            if index < len(self._calls):
                self._calls[index] = replace(self._calls[index], code=code, committed=committed)
