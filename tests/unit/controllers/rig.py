"""The controller between a real boto3 and the simulator on one side and an API server made of a dict on the other.

Time stands still unless the rig moves it: passes take no simulated time, and what a pass asks to wait is skipped.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.unit.controllers.measured import Measured

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.aws.call.limiter import RateLimit
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.controllers.cluster.controller import ClusterController, ClusterSettings
from hyperpod_operator.controllers.cluster.observer import Ports
from hyperpod_operator.controllers.cluster.preflight import Gate
from hyperpod_operator.controllers.own_cluster import OwnCluster
from hyperpod_operator.core.audit import AuditRecord
from hyperpod_operator.core.cost.price import PriceList
from hyperpod_operator.core.outcome import Again, Blocked, Done, Failed, Gone, Outcome, Requeue
from hyperpod_operator.core.ports import Event, Key, ObjectGone, StaleObject, StoredObject
from hyperpod_operator.core.preflight.ports import TrainingPlans
from hyperpod_operator.core.timings import Timings
from hyperpod_testbed.simulator import Simulator

KEY = Key("team", "research")
UNLIMITED = RateLimit(rate=0.0, burst=1)
RESTING = (Done, Blocked, Gone)
SELDOM = Timings(poll=100.0)
"""Fewer looks while AWS works than the operator takes: they are not what is tried here, and each costs 10 ms."""


def as_json(value: Any) -> Any:
    """What an API server keeps of a value and gives back: JSON, a copy of its own."""
    return json.loads(json.dumps(value))


class FakeObjects:
    """The API server's part: versions, generations, finalizers, a status subresource. Counts its writes."""

    def __init__(self) -> None:
        self._bodies: dict[Key, dict[str, Any]] = {}
        self._version = 0
        self.writes: list[str] = []

    def apply(self, key: Key, spec: Mapping[str, Any], *, annotations: Mapping[str, str] | None = None) -> None:
        """Create or edit, as kubectl does."""
        body = self._bodies.get(key)
        if body is None:
            metadata = {"name": key.name, "namespace": key.namespace, "uid": f"uid-{self._next()}", "generation": 0}
            body = self._bodies[key] = {"metadata": metadata, "spec": None}
        if body["spec"] != spec:
            body["metadata"]["generation"] += 1
        body["spec"] = as_json(spec)
        body["metadata"]["annotations"] = dict(annotations or {})
        body["metadata"]["resourceVersion"] = str(self._next())

    def delete(self, key: Key) -> None:
        body = self._bodies[key]
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        body["metadata"]["generation"] += 1
        self._touch(key)

    def status(self, key: Key) -> dict[str, Any]:
        return as_json(self._bodies[key].get("status", {}))

    def set_status(self, key: Key, status: Mapping[str, Any]) -> None:
        """Somebody restores the object without its history, or garbles it."""
        self._bodies[key]["status"] = as_json(status)
        self._touch(key)

    def exists(self, key: Key) -> bool:
        return key in self._bodies

    async def read(self, key: Key) -> StoredObject | None:
        return self._stored(key) if key in self._bodies else None

    async def list(self) -> tuple[StoredObject, ...]:
        return tuple(self._stored(key) for key in self._bodies)

    async def add_finalizer(self, stored: StoredObject, finalizer: str) -> StoredObject:
        if finalizer in stored.finalizers:
            return stored
        if stored.key not in self._bodies:
            raise ObjectGone(str(stored.key))
        now = self._stored(stored.key)
        if now.uid != stored.uid or now.deleting:
            raise StaleObject(str(stored.key))
        self.writes.append("finalizer+")
        self._bodies[stored.key]["metadata"].setdefault("finalizers", []).append(finalizer)
        return self._touch(stored.key)

    async def remove_finalizer(self, stored: StoredObject, finalizer: str) -> None:
        self.writes.append("finalizer-")
        body = self._current(stored)
        body["metadata"]["finalizers"] = [name for name in body["metadata"].get("finalizers", []) if name != finalizer]
        if "deletionTimestamp" in body["metadata"] and not body["metadata"]["finalizers"]:
            del self._bodies[stored.key]

    async def write_status(
        self, stored: StoredObject, status: Mapping[str, Any], *, unedited: bool = False
    ) -> StoredObject:
        """Like the real one, an edit alone does not keep it from being written, unless it is to."""
        body = self._bodies.get(stored.key)
        if body is None:
            raise ObjectGone(str(stored.key))
        now = self._stored(stored.key)
        written = now.body.get("status", {}) != stored.body.get("status", {})
        if now.uid != stored.uid or written or (unedited and now.is_edited(stored)):
            raise StaleObject(str(stored.key))
        if body.get("status") == status:
            return stored
        self.writes.append("status")
        body["status"] = as_json(status)
        return self._touch(stored.key)

    def _current(self, stored: StoredObject) -> dict[str, Any]:
        body = self._bodies.get(stored.key)
        if body is None:
            raise ObjectGone(str(stored.key))
        if body["metadata"]["resourceVersion"] != stored.resource_version:
            raise StaleObject(str(stored.key))
        return body

    def _touch(self, key: Key) -> StoredObject:
        self._bodies[key]["metadata"]["resourceVersion"] = str(self._next())
        return self._stored(key)

    def _stored(self, key: Key) -> StoredObject:
        body = as_json(self._bodies[key])
        metadata = body["metadata"]
        return StoredObject(
            key=key,
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            generation=metadata["generation"],
            deleting="deletionTimestamp" in metadata,
            finalizers=tuple(metadata.get("finalizers", ())),
            annotations=metadata.get("annotations", {}),
            body=body,
        )

    def _next(self) -> int:
        self._version += 1
        return self._version


class Recorder(Measured):
    """Events, metrics and the audit trail, for a test to read."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.audited: list[AuditRecord] = []

    def publish(self, *, about: StoredObject, event: Event) -> None:
        self.events.append(event)

    def record(self, entry: AuditRecord) -> None:
        self.audited.append(entry)


class SimulatorTime:
    """The simulator's time as the controller's."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._simulator.clock.now(), UTC)

    def monotonic(self) -> float:
        return self._simulator.clock.now()


class Rig:
    """One object, one simulator, one controller; `restart` throws the controller's memory away."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.objects = FakeObjects()
        self.recorder = Recorder()
        self.clock = SimulatorTime(simulator)
        settings = CloudSettings(region="us-west-2", reads=UNLIMITED, writes=UNLIMITED, threads=4, read_timeout=5)
        self.cloud = AwsCloud(settings=settings, on_call=lambda **_: None)
        self.timings = SELDOM
        self.failures = 0
        self.preflight: Gate | None = None
        self.prices: PriceList | None = None
        self.training_plans: TrainingPlans | None = None
        self.own_cluster: OwnCluster | None = None
        self.restart()

    def restart(self) -> None:
        ports = Ports(
            objects=self.objects,
            cloud=self.cloud,
            events=self.recorder,
            metrics=self.recorder,
            clock=self.clock,
            audit=self.recorder,
            preflight=self.preflight,
            prices=self.prices,
            training_plans=self.training_plans,
            own_cluster=self.own_cluster,
        )
        self.controller = ClusterController(ports=ports, settings=ClusterSettings(timings=self.timings))
        self.failures = 0

    def look_seldom(self, *, poll: float = 300.0) -> None:
        """Even fewer looks while AWS works, for hours of it."""
        self.timings = Timings(poll=poll)
        self.restart()

    def apply(self, spec: Mapping[str, Any], **fields: Any) -> None:
        self.objects.apply(KEY, spec, **fields)

    async def once(self) -> Outcome:
        """One pass; no time passes."""
        outcome = await self.controller.reconcile(KEY, self.failures)
        self.failures = self.failures + 1 if isinstance(outcome, Failed) else 0
        return outcome

    async def step(self) -> Outcome:
        """One pass, then the pause that it asked for."""
        outcome = await self.once()
        self.simulator.clock.advance(pause(outcome))
        return outcome

    async def until(self, reason: str, *, passes: int = 200) -> Outcome:
        """Passes until Ready has this reason."""
        for _ in range(passes):
            outcome = await self.step()
            if self.condition("Ready").get("reason") == reason:
                return outcome
        raise AssertionError(f"no {reason} in {passes} passes; status is {self.status}")

    async def rest(self, *, passes: int = 300) -> Outcome:
        """Passes until there is nothing to wait for: done, blocked or gone."""
        for _ in range(passes):
            outcome = await self.once()
            if isinstance(outcome, RESTING):
                return outcome
            self.simulator.clock.advance(pause(outcome))
        raise AssertionError(f"no rest in {passes} passes; status is {self.status}")

    async def idle(self, seconds: float) -> None:
        """Passes for so much simulated time, each when the one before asked for it."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.simulator.clock.advance(max(pause(await self.once()), 0.5))

    @property
    def status(self) -> dict[str, Any]:
        return self.objects.status(KEY)

    def condition(self, kind: str) -> dict[str, Any]:
        return next((item for item in self.status.get("conditions", []) if item["type"] == kind), {})

    def calls(self, operation: str | None = None) -> list[Any]:
        """Calls that were meant to change AWS, by the operator."""
        return [call for call in self.simulator.log.calls(operation) if call.mutating]

    def operations(self) -> list[str]:
        return [call.operation for call in self.calls()]

    def reasons(self) -> list[str]:
        return [str(event.reason) for event in self.recorder.events]

    def steps(self) -> list[str]:
        """Writes to other objects: a cluster has none."""
        return []

    def keep(self) -> Callable[[], None]:
        """Note the object as it is; the result puts it back."""
        body = as_json(self.objects._bodies[KEY])

        def restore() -> None:
            self.objects._bodies[KEY] = as_json(body)

        return restore

    async def clients(self) -> list[Any]:
        """The boto3 clients that the operator reads SageMaker with."""
        return [await self.cloud.clusters(region="")._caller.client(mutating=False)]

    @property
    def held(self) -> bool:
        return self.objects.exists(KEY) and self.has_finalizer

    @property
    def has_finalizer(self) -> bool:
        return CLUSTER.finalizer in self.objects._stored(KEY).finalizers


def pause(outcome: Outcome) -> float:
    """Seconds until the next pass, without jitter."""
    match outcome:
        case Requeue(after=after) | Blocked(after=after):
            return after
        case Failed(at_least=at_least):
            return max(at_least, 5.0)
        case Done():
            return 600.0
        case Again() | Gone():
            return 0.0
