"""Scripted faults: what goes wrong with a call, chosen by operation, cluster, index and chance."""

import itertools
import random
import threading
from dataclasses import dataclass
from typing import Literal

from hyperpod_testbed.simulator.spelling import spellings
from hyperpod_testbed.simulator.verbs import verb

ANY = "*"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    `error` answers with `code`, `message` and `status`; `body` with the bytes that `body` names, as proxies, load
    balancers and half-closed connections do (`truncated` does the work first and answers with half of it); `throttle`
    with AWS's throttling error; `delay` waits `seconds` (real ones) and goes on; `drop` closes the connection before
    anything happened; `commit_then_drop` does the work and closes the connection instead of answering;
    `commit_late` closes it at once and does the work `seconds` (simulated ones) later, as with a call that takes longer
    than the client waits.
    """

    operation: str
    """Name of the operation, alone or after its service (`ec2:DeleteTags`), or `*`."""
    kind: Literal["error", "delay", "drop", "commit_then_drop", "commit_late", "throttle", "body"]
    code: str = "InternalFailure"
    message: str = "The request processing has failed because of an unknown error, exception or failure."
    status: int = 500
    seconds: float = 0.0
    body: Literal["html", "empty", "message_only", "truncated"] = "html"
    """Of the kind `body`: a page of a proxy, no byte, a JSON error without a code, or half of the true answer."""
    times: int | None = None
    """How often it strikes; None is for ever."""
    call_index: int | None = None
    """Only the call with this index, from 0, of those that match since the fault was added."""
    burst: int | None = None
    """With `every`: the first so many of each `every` calls that match, such as 5 of 20."""
    every: int | None = None
    probability: float = 1.0
    cluster: str | None = None
    """Only calls about this cluster, by name."""
    region: str | None = None


class Faults:
    """The faults in force, in the order they were added."""

    def __init__(self, *, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(f"faults:{seed}")
        self._ids = itertools.count(1)
        self._faults: dict[int, Fault] = {}
        self._matched: dict[int, int] = {}
        self._struck: dict[int, int] = {}

    @verb
    def add(self, fault: Fault) -> int:
        """Put a fault in force; returns its id."""
        if not 0 <= fault.probability <= 1:
            raise ValueError(f"probability {fault.probability} must be between 0 and 1")
        with self._lock:
            number = next(self._ids)
            self._faults[number] = fault
            self._matched[number] = self._struck[number] = 0
            return number

    @verb
    def remove(self, fault_id: int) -> None:
        """Take one fault out of force; one that is gone is no error."""
        with self._lock:
            self._faults.pop(fault_id, None)

    @verb
    def clear(self) -> None:
        """Take every fault out of force."""
        with self._lock:
            self._faults.clear()

    def of_the_connection(self) -> bool:
        """Whether some fault in force makes callers wait, for an answer or for the rest of it."""
        with self._lock:
            return any(fault.kind == "delay" or fault.body == "truncated" for fault in self._faults.values())

    @verb
    def struck(self, fault_id: int) -> int:
        """How often a fault struck, also one that was removed since."""
        with self._lock:
            return self._struck.get(fault_id, 0)

    def strike(self, *, operation: str, service: str = "sagemaker", cluster: str | None, region: str) -> list[Fault]:
        """The faults that hit this call; counts it."""
        names = {ANY, *spellings(service, operation)}
        with self._lock:
            return [
                fault
                for number, fault in self._faults.items()
                if self._hits(number, fault, names=names, cluster=cluster, region=region)
            ]

    def _hits(self, number: int, fault: Fault, *, names: set[str], cluster: str | None, region: str) -> bool:
        if fault.operation not in names:
            return False
        if fault.cluster not in {None, cluster} or fault.region not in {None, region}:
            return False
        index = self._matched[number]
        self._matched[number] += 1
        if fault.call_index not in {None, index}:
            return False
        if fault.burst is not None and fault.every is not None and index % fault.every >= fault.burst:
            return False
        if fault.times is not None and self._struck[number] >= fault.times:
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        self._struck[number] += 1
        return True
