"""The real VolumeController and the real boto3 between the simulator and a Kubernetes made of dicts.

As in the rig of clusters time stands still unless the rig moves it. What EC2 said lately is remembered in simulated
time, too, so that the sharing of reads is tried together with the rest.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.unit.controllers.rig import RESTING, UNLIMITED, FakeObjects, Recorder, SimulatorTime, pause
from tests.unit.controllers.volume.kubernetes import (
    FakeLabels,
    FakeLeases,
    FakeNodes,
    FakePublications,
    FakeUsers,
)

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.metrics.volumes import (
    VOLUME_ATTACH_SECONDS,
    VOLUME_FOLLOW_SECONDS,
    VOLUME_STEPS,
    VOLUMES_ORPHANED,
)
from hyperpod_operator.api.names import LABEL_VOLUME_PREFIX
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.aws.ec2.volumes import Volumes
from hyperpod_operator.controllers.own_cluster import OwnCluster
from hyperpod_operator.controllers.volume.controller import VolumeController
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.controllers.volume.preflight import ClaimGate
from hyperpod_operator.controllers.volume.strays import StrayLabels
from hyperpod_operator.controllers.volume.views import ClusterViews
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.outcome import Failed, Outcome
from hyperpod_operator.core.ports import Event, Key, StoredObject
from hyperpod_operator.core.tenancy import Tenancy
from hyperpod_operator.core.volume.timings import VolumeTimings
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.simulator.calls import Call

KEY = Key("team", "data")
REGION = "us-west-2"
VOLUME_CALLS = frozenset(
    {
        "CreateVolume",
        "ModifyVolume",
        "CreateTags",
        "DeleteTags",
        "CreateSnapshot",
        "DeleteVolume",
        "AttachClusterNodeVolume",
        "DetachClusterNodeVolume",
    }
)
"""The calls by which claims change AWS; what tests do themselves is none of them."""


class VolumeRecorder(Recorder):
    """Events and metrics of claims."""

    def __init__(self) -> None:
        super().__init__()
        self.on_nodes: list[tuple[str, str]] = []
        """Events on Nodes: the Node's name and the action."""

    def publish(self, *, about: StoredObject, event: Event) -> None:
        if about.body.get("kind") == "Node":
            self.on_nodes.append((about.key.name, event.action))
        else:
            super().publish(about=about, event=event)

    @property
    def steps(self) -> list[tuple[str, ...]]:
        """Operation and result of each."""
        return self.labels_of(VOLUME_STEPS)

    @property
    def attached(self) -> list[bool]:
        """For each attachment that was seen, whether the volume moved."""
        return [labels == ("true",) for one, _, labels in self.observed if one is VOLUME_ATTACH_SECONDS]

    @property
    def followed(self) -> list[float]:
        return self.seconds_of(VOLUME_FOLLOW_SECONDS)

    @property
    def orphaned(self) -> dict[str, float]:
        return {labels[0]: value for (gauge, labels), value in self.values.items() if gauge is VOLUMES_ORPHANED}


class TimedClouds:
    """AWS whose memory of volumes grows old in simulated time."""

    def __init__(self, cloud: AwsCloud, time: SimulatorTime) -> None:
        self._cloud, self._time = cloud, time
        self._volumes: dict[str, Volumes] = {}

    @property
    def region(self) -> str:
        return self._cloud.region

    async def location(self, *, region: str) -> Location:
        return await self._cloud.location(region=region)

    def volumes(self, *, region: str) -> Volumes:
        name = region or self._cloud.region
        if name not in self._volumes:
            self._volumes[name] = Volumes(
                ec2=self._cloud._caller("ec2", name),
                hyperpod=self._cloud._caller("sagemaker", name),
                monotonic=self._time.monotonic,
            )
        return self._volumes[name]


class VolumeRig:
    """Claims of one Kubernetes cluster; `restart` throws the controller's memory away."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.clock = SimulatorTime(simulator)
        self.claims = FakeObjects()
        self.clusters = FakeObjects()
        self.nodes = FakeNodes(simulator)
        self.labels = FakeLabels(self.nodes)
        self.publications = FakePublications()
        self.users = FakeUsers(self.publications)
        self.leases = FakeLeases()
        self.recorder = VolumeRecorder()
        settings = CloudSettings(region=REGION, reads=UNLIMITED, writes=UNLIMITED, threads=4, read_timeout=5)
        self.cloud = AwsCloud(settings=settings, on_call=lambda **_: None)
        self.timings = VolumeTimings(poll=30.0)  # fewer looks while AWS works: they are not what is tried here
        self.preflight: ClaimGate | None = None
        self.own_cluster: OwnCluster | None = None
        self._failures: dict[Key, int] = {}
        self._known: Mapping[str, Any] = {}
        self.restart()

    def restart(self) -> None:
        """A new process: what only memory held is gone."""
        self.volumes = TimedClouds(self.cloud, self.clock)
        self.woken: list[Key] = []
        self.strays = StrayLabels(claims=self.claims, labels=self.labels, wake=self.woken.append, audit=self.recorder)
        ports = VolumePorts(
            claims=self.claims,
            clusters=self.clusters,
            cloud=self.volumes,
            views=ClusterViews(cloud=self.cloud, monotonic=self.clock.monotonic),
            nodes=self.nodes,
            publications=self.publications,
            users=self.users,
            leases=self.leases,
            labels=self.labels,
            strays=self.strays,
            events=self.recorder,
            audit=self.recorder,
            metrics=self.recorder,
            clock=self.clock,
            preflight=self.preflight,
            own_cluster=self.own_cluster,
        )
        self.controller = VolumeController(
            ports=ports, timings=self.timings, regions=frozenset({REGION}), tenancy=Tenancy()
        )
        self._failures.clear()

    def start_in(self, region: str) -> None:
        """The operator is started with another Region."""
        self.cloud._settings = replace(self.cloud._settings, region=region)
        self.restart()

    def apply(self, spec: Mapping[str, Any], *, key: Key = KEY, **fields: Any) -> None:
        self.claims.apply(key, spec, **fields)

    async def once(self, key: Key = KEY) -> Outcome:
        """One pass; no time passes."""
        outcome = await self.controller.reconcile(key, self._failures.get(key, 0))
        self._failures[key] = self._failures.get(key, 0) + 1 if isinstance(outcome, Failed) else 0
        return outcome

    async def step(self, key: Key = KEY) -> Outcome:
        """One pass, then the pause that it asked for."""
        outcome = await self.once(key)
        self.wait(pause(outcome))
        return outcome

    async def rest(self, key: Key = KEY, *, passes: int = 300) -> Outcome:
        """Passes until there is nothing to wait for: done, blocked or gone."""
        for _ in range(passes):
            outcome = await self.once(key)
            if isinstance(outcome, RESTING):
                return outcome
            self.wait(pause(outcome))
        raise AssertionError(f"no rest in {passes} passes; status is {self.status_of(key)}")

    async def rest_after(self, seconds: float, key: Key = KEY) -> Outcome:
        """As `rest`, when the pause that a person's mistake had asked for is over."""
        self.wait(seconds)
        return await self.rest(key)

    async def until(self, reason: str, key: Key = KEY, *, passes: int = 100) -> Outcome:
        """Passes until Ready has this reason."""
        for _ in range(passes):
            outcome = await self.step(key)
            if self.reason(key) == reason:
                return outcome
        raise AssertionError(f"no {reason} in {passes} passes; status is {self.status_of(key)}")

    async def idle(self, seconds: float, key: Key = KEY) -> None:
        """Passes for so much simulated time, each when the one before asked for it."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.wait(max(pause(await self.once(key)), 0.5))

    def wait(self, seconds: float) -> None:
        """Time passes; the watch tells of the Nodes that came, changed or went meanwhile."""
        self.simulator.clock.advance(seconds)
        found = {node.name: node for node in self.nodes.all()}
        for name in found.keys() | self._known.keys():
            if found.get(name) != self._known.get(name):
                self.controller.node_changed(name)
        self._known = found

    def unready(self, instance: str) -> tuple[Key, ...]:
        """The Node of this instance stops being ready, and the watch says so: the claims that have to be looked at."""
        name = f"hyperpod-{instance}"
        self.nodes.unready.add(name)
        return self.controller.node_changed(name)

    def status_of(self, key: Key) -> dict[str, Any]:
        return self.claims.status(key) if self.claims.exists(key) else {}

    @property
    def status(self) -> dict[str, Any]:
        return self.status_of(KEY)

    def condition(self, kind: str, key: Key = KEY) -> dict[str, Any]:
        return next((item for item in self.status_of(key).get("conditions", []) if item["type"] == kind), {})

    def reason(self, key: Key = KEY) -> str:
        return str(self.condition("Ready", key).get("reason", ""))

    def calls(self, operation: str | None = None) -> list[Call]:
        """The calls about volumes that were meant to change AWS."""
        return [call for call in self.simulator.log.calls(operation) if call.operation in VOLUME_CALLS]

    def operations(self) -> list[str]:
        return [call.operation for call in self.calls()]

    def reasons(self) -> list[str]:
        return [str(event.reason) for event in self.recorder.events]

    @property
    def volume(self) -> dict[str, Any]:
        """The claim's volume as EC2 has it."""
        found: dict[str, Any] = self.simulator.ebs.volumes()[self.status["volumeId"]]
        return found

    @property
    def holder(self) -> str:
        """The instance that holds the claim's volume; empty while it is free."""
        found = self.volume["Attachments"]
        return "i-" + found[0]["AssociatedResource"].rpartition("-i-")[2] if found else ""

    @property
    def uid(self) -> str:
        return str(self.claims._bodies[KEY]["metadata"]["uid"])

    @property
    def labelled(self) -> list[str]:
        """Nodes with the claim's label."""
        return self.nodes.holders(LABEL_VOLUME_PREFIX + self.uid.replace("-", ""))

    def steps(self) -> list[str]:
        """Steps in Kubernetes so far, but for the writes of claims themselves."""
        return [*self.publications.writes, *self.leases.writes, *self.labels.writes]

    def keep(self) -> Callable[[], None]:
        """Note all that Kubernetes holds; the result puts it back."""
        claims, labels = copy.deepcopy(self.claims._bodies), copy.deepcopy(self.nodes.labels)
        leases = dict(self.leases.holders)
        published = copy.deepcopy((self.publications.volumes, self.publications.claims))

        def restore() -> None:
            self.claims._bodies, self.nodes.labels = copy.deepcopy(claims), copy.deepcopy(labels)
            self.leases.holders = dict(leases)
            self.publications.volumes, self.publications.claims = copy.deepcopy(published)

        return restore

    async def clients(self) -> list[Any]:
        """The boto3 clients that the operator calls EC2 and SageMaker with."""
        callers = [self.cloud._caller(service, REGION) for service in ("ec2", "sagemaker")]
        return [await caller.client(mutating=mutating) for caller in callers for mutating in (False, True)]

    @property
    def held(self) -> bool:
        body = self.claims._bodies.get(KEY)
        return body is not None and VOLUME_CLAIM.finalizer in body["metadata"].get("finalizers", [])

    def writes(self) -> int:
        """Writes to the API server so far."""
        parts = (self.claims, self.publications, self.leases, self.labels)
        return sum(len(part.writes) for part in parts)
