"""Where a process can be killed: its I/Os by name and number, and the gate that kills at one of them.

A point is named by what is done and for which time ("the 2nd PATCH hyperpodclusters/status"), not by its place in
the whole sequence: how often a change under way is looked at depends on the machine's pace, and Events are written
beside the passes. So a point means the same in every run.

Leases are left out, because their renewals have a pace of their own and no part in a pass, and so are the reviews of
permissions at a start, which the API server does not store.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hyperpod_testbed.proxy import Request

MUTATIONS = frozenset(
    {"CreateCluster", "UpdateCluster", "UpdateClusterSoftware", "DeleteCluster", "AddTags", "DeleteTags"}
)
LEFT_OUT = ("leases", "reviews")


@dataclass(frozen=True, order=True)
class Point:
    """Just before or just after the `number`th I/O (from 1) of this name."""

    io: str
    number: int
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.io} {self.number}"

    @property
    def writes(self) -> bool:
        """Whether the I/O changes something: a kill around a read is a kill before the next write."""
        return is_write(self.io)

    @property
    def changes_aws(self) -> bool:
        """Whether the I/O is a call that changes AWS: a run that does not come to it did something else."""
        return self.io in MUTATIONS

    @property
    def lasting(self) -> bool:
        """Whether the I/O changes what a later pass reads: AWS or the object. No pass reads an Event."""
        return self.writes and not self.io.endswith(" events")

    @property
    def cuts_off_a_change_of_aws(self) -> bool:
        """Whether AWS did something of which the operator never heard."""
        return self.after and self.io in MUTATIONS


def is_write(io: str) -> bool:
    """Whether an I/O of this name changes AWS or the API server."""
    return io in MUTATIONS or " " in io


def points(ios: Sequence[str]) -> list[Point]:
    """Every point of a run that did these I/Os."""
    counts: Counter[str] = Counter()
    found: list[Point] = []
    for io in ios:
        counts[io] += 1
        found += [Point(io, counts[io], after=False), Point(io, counts[io], after=True)]
    return found


def name_of(request: Request) -> str | None:
    """The name of an I/O; None for one that is no point."""
    if not _is_kubernetes(request):
        return request.operation
    parts = request.path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    resource = "/".join([rest[0], *rest[2:]])
    return None if resource.endswith(LEFT_OUT) else f"{request.method} {resource}"


@dataclass
class CrashGate:
    """Counts the I/Os about one object, in both proxies, and ends the process at the point that it is armed with."""

    end: Callable[[], None]
    """Kills the process and returns when it is dead, or asks it to end."""
    cuts: bool
    """Whether the connection goes with the process: so with a kill, while a process that was asked ends in order."""
    name_of_arn: Callable[[str], str]
    """The name of the cluster that has an ARN; empty when there is none."""
    ios: list[str] = field(default_factory=list)
    fired: threading.Event = field(default_factory=threading.Event)
    _target: Point | None = None
    _about: str | None = None
    _counts: Counter[str] = field(default_factory=Counter)
    _numbers: dict[tuple[bool, int], tuple[str, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, *, about: str, target: Point | None) -> None:
        """Count from now on; `about` is the name of the object."""
        with self._lock:
            self.ios.clear()
            self.fired.clear()
            self._counts.clear()
            self._numbers.clear()
            self._about, self._target = about, target

    def disarm(self) -> None:
        """Let everything through, uncounted."""
        with self._lock:
            self._about = self._target = None

    def before(self, request: Request) -> bool:
        """False cuts the connection: nothing is forwarded."""
        with self._lock:
            io = name_of(request)
            if io is None or self._about is None or not self._is_ours(request):
                return True
            self._counts[io] += 1
            self.ios.append(io)
            self._numbers[_key(request)] = (io, self._counts[io])
            return not self._strikes(Point(io, self._counts[io], after=False))

    def after(self, request: Request, status: int) -> bool:
        """False cuts the connection: the answer is never given."""
        del status
        with self._lock:
            known = self._numbers.pop(_key(request), None)
            return known is None or not self._strikes(Point(*known, after=True))

    def _strikes(self, here: Point) -> bool:
        if here != self._target or self.fired.is_set():
            return False
        self.end()
        self._target = None
        self.fired.set()
        return self.cuts

    def _is_ours(self, request: Request) -> bool:
        """What an earlier run left behind, such as Events that are told late, does not count."""
        name = str(self._about)
        if _is_kubernetes(request):
            return name in request.path.split("/") or f'"{name}"'.encode() in request.body
        asked = json.loads(request.body) if request.body.startswith(b"{") else {}
        target = str(asked.get("ClusterName") or asked.get("ResourceArn") or "")
        return name == (self.name_of_arn(target) if target.startswith("arn:") else target)


def _key(request: Request) -> tuple[bool, int]:
    """Each proxy numbers its own requests."""
    return _is_kubernetes(request), request.number


def _is_kubernetes(request: Request) -> bool:
    return request.path.startswith(("/api/", "/apis/"))
