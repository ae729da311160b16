"""What must hold all along, read from the simulator's log and state and from nothing that the operator says.

- A cluster of ours carries the owner tags of a life of its name from its first moment on.
- A life leads to at most one CreateCluster that took effect.
- DeleteCluster is called for a life whose deletion was asked for, and for no other.
- Nothing is changed for an object that the operator reported as paused.
- The calls about one cluster in any minute stay within `CALLS_A_MINUTE`, and those of all together within
  `CALLS_A_MINUTE_FOR_EACH` times the number of clusters.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hyperpod_testbed.simulator import Call, Simulator
from hyperpod_testbed.simulator.calls import PENDING
from hyperpod_testbed.soak.fleet import Fleet

OWNER_UID = "hyperpod-operator.dev/owner-uid"
OWNER = "hyperpod-operator.dev/owner"
EKS_CLUSTER = "hyperpod-operator.dev/eks-cluster"

CALLS_A_MINUTE = 300
"""Bound for one cluster while it is edited, disturbed and polled twice a second (stack.FAST). A busy cluster is looked
at 120 times a minute with up to three reads, but is never busy for a whole minute on the fast clock: 117 was the most
in a soak of 12 minutes. A loop without pauses makes thousands."""
CALLS_A_MINUTE_FOR_EACH = 240
"""Bound for all together, times the number of clusters: two calls at each of those looks. 63 was the most in that soak,
144 in soaks of a minute, in which each cluster is edited every five seconds and the operator restarts four times."""

MOST_BREACHES = 50
"""What is wrong once is wrong often: more lines would tell nothing new."""


@dataclass(frozen=True)
class Breach:
    """An invariant that was broken."""

    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"


class Invariants:
    """Looks at what is new since the last look. Every breach is kept; the first one already fails the run."""

    def __init__(self, simulator: Simulator, fleet: Fleet) -> None:
        self._simulator, self._fleet = simulator, fleet
        self.breaches: list[Breach] = []
        self.calls: Counter[str] = Counter()
        self.busiest_minute = 0
        """Most calls about one cluster in a minute."""
        self.busiest_total = 0
        """Most calls in a minute."""
        self.unattributed = 0
        """Deletions of a cluster that no look ever saw: what they were about is not known."""
        self._next = 0
        self._open: list[int] = []
        self._created: Counter[str] = Counter()
        self._owners: dict[str, str] = {}
        """Uid by ARN, and by name for the present cluster of that name."""
        self._names: dict[str, str] = {}
        self._times: dict[str, deque[float]] = {}
        self._paused_since: dict[str, int] = {}

    def look(self) -> None:
        """Judge the state now and every call that was answered since the last look."""
        self._state()
        for call in self._answered():
            self._judge(call)

    def paused(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Note which objects say that they are paused, as they are now in the API server."""
        size = self._simulator.log.size()
        reported = {str(item["metadata"]["uid"]) for item in objects if _says_paused(item)}
        for uid, life in self._fleet.lives.items():
            if uid in reported and life.paused:
                self._paused_since.setdefault(uid, size)

    def resumed(self) -> None:
        """Forget the pauses that the fleet has ended. To be called right after each of its moves."""
        for uid in [uid for uid in self._paused_since if not self._fleet.lives[uid].paused]:
            del self._paused_since[uid]

    def _state(self) -> None:
        for clusters in self._simulator.settings.dump().values():
            for name, cluster in clusters.items():
                tags, arn = cluster["Tags"], cluster["ClusterArn"]
                self._names[arn] = name
                uid = tags.get(OWNER_UID, "")
                self._owners[arn] = self._owners[name] = uid
                life = self._fleet.lives.get(uid)
                owner = f"{self._fleet.objects.namespace}/{name}"
                if life is None or life.name != name or tags.get(OWNER) != owner or not tags.get(EKS_CLUSTER):
                    self._breach("a cluster without the tags of its owner", f"{name} has {tags}")

    def _answered(self) -> Iterable[Call]:
        log = self._simulator.log
        first = min([*self._open, self._next])
        calls = log.calls(since=first)
        waited = set(self._open)
        self._open = [call.index for call in calls if call.code == PENDING]
        start, self._next = self._next, first + len(calls)
        return [call for call in calls if call.code != PENDING and (call.index >= start or call.index in waited)]

    def _judge(self, call: Call) -> None:
        self.calls[call.operation] += 1
        target = str(call.parameters.get("ClusterName") or call.parameters.get("ResourceArn") or "")
        name = self._names.get(target, target)
        self._rate(call, name)
        uid = self._owners.get(target, "")
        if call.operation == "CreateCluster":
            tags = {tag["Key"]: tag["Value"] for tag in call.parameters.get("Tags", [])}
            uid = tags.get(OWNER_UID, "")
            self._created[uid] += call.committed
            if self._created[uid] > 1:
                self._breach("a second CreateCluster for one object", f"{name}, uid {uid}, call {call.index}")
        if call.operation == "DeleteCluster":
            self._deletion(call, name, uid)
        if call.mutating and call.index >= self._paused_since.get(uid, call.index + 1):
            self._breach("a change for a paused object", f"{call.operation} of {name}, call {call.index}")

    def _deletion(self, call: Call, name: str, uid: str) -> None:
        life = self._fleet.lives.get(uid)
        if life is None:
            self.unattributed += 1
        elif not life.deleted:
            self._breach("DeleteCluster although the object lives", f"{name}, uid {uid}, call {call.index}")

    def _rate(self, call: Call, name: str) -> None:
        """Windows end at each call, so no minute is missed."""
        about = self._within_minute("*", call)
        self.busiest_total = max(self.busiest_total, about)
        bound = max(CALLS_A_MINUTE, CALLS_A_MINUTE_FOR_EACH * len(self._fleet.names))
        if about > bound:
            self._breach("too many calls", f"{about} within a minute, bound {bound}")
        if not name:
            return  # GetCallerIdentity at a start
        about = self._within_minute(name, call)
        self.busiest_minute = max(self.busiest_minute, about)
        if about > CALLS_A_MINUTE:
            self._breach("too many calls", f"{about} about {name} within a minute, bound {CALLS_A_MINUTE}")

    def _within_minute(self, name: str, call: Call) -> int:
        times = self._times.setdefault(name, deque())
        times.append(call.wall_time)
        while times[0] < call.wall_time - 60.0:
            times.popleft()
        return len(times)

    def _breach(self, rule: str, detail: str) -> None:
        breach = Breach(rule, detail)
        if breach not in self.breaches and len(self.breaches) < MOST_BREACHES:
            self.breaches.append(breach)


def _says_paused(item: Mapping[str, Any]) -> bool:
    status = item.get("status", {})
    if status.get("observedGeneration") != item["metadata"]["generation"]:
        return False
    return any(one["type"] == "Paused" and one["status"] == "True" for one in status.get("conditions", []))
