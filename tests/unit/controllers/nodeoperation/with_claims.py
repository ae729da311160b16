"""Both controllers on one simulator and one Kubernetes: node operations, and claims with volumes on the nodes.

They meet in nothing but the Nodes and the claims' statuses, as in the process itself. Whoever is due next has its pass;
a change of a Node wakes the claims that look at it.
"""

from collections.abc import Callable

from tests.unit.controllers.nodeoperation.rig import KEY, OperationRig
from tests.unit.controllers.rig import RESTING, pause
from tests.unit.controllers.volume.rig import VolumeRig
from tests.unit.controllers.volume.scenes import published

from hyperpod_operator.core.ports import Key

IDLE = 900.0
"""Seconds until an object that waits for nothing is looked at."""


class WithClaims:
    """`restarting`: each pass is the first one of a new process."""

    def __init__(self, operations: OperationRig, *, restarting: bool = False) -> None:
        self.operations, self.claims = operations, VolumeRig(operations.simulator)
        self.claims.nodes.taints = operations.nodes.taints
        self.claims.nodes.annotations = operations.nodes.annotations
        operations.claims_of = self.claims.claims
        self._restarting = restarting
        self._clock = operations.clock
        self._due: dict[Key, float] = {}
        self._seen = {node.name: node for node in self.claims.nodes.all()}
        self.used: dict[Key, set[str]] = {}
        """Names of the pods that use a claim's volume."""

    def add(self, name: str, **attachment: object) -> Key:
        """A claim with a PersistentVolumeClaim of its name."""
        key = Key("team", name)
        target = {"target": {"instanceGroupName": "gpu"}, **attachment}
        publish = {"type": "LocalPV", "persistentVolumeClaim": {"name": name, "create": True}}
        self.claims.apply(published(attachment=target, publish=publish), key=key)
        self._due[key] = 0.0
        return key

    def add_pod(self, key: Key, name: str, **fields: object) -> None:
        """A pod on the node that has the claim's volume, which uses it."""
        self.operations.pods.add(name, f"hyperpod-{self.holder(key)}", **fields)
        self.used.setdefault(key, set()).add(name)

    def operate(self, operation: str, instance: str, **members: object) -> None:
        self.operations.apply(operation, [instance], **members)
        self._due[KEY] = 0.0

    def holder(self, key: Key) -> str:
        """The instance that has the claim's volume; empty while it is free."""
        identity = self.claims.status_of(key).get("volumeId")
        found = self.operations.simulator.ebs.volumes()[identity]["Attachments"] if identity else []
        return "i-" + found[0]["AssociatedResource"].rpartition("-i-")[2] if found else ""

    def settled(self, *keys: Key) -> bool:
        return all(self.claims.reason(key) == "ClaimReady" for key in keys)

    @property
    def over(self) -> bool:
        return self.operations.condition("Complete").get("reason") in {"OperationComplete", "OperationFailed"}

    async def until(self, done: Callable[[], bool], *, passes: int = 800) -> None:
        for _ in range(passes):
            if done():
                return
            await self._step()
        status = {str(key): self.claims.status_of(key).get("conditions") for key in self.used}
        raise AssertionError(f"not in {passes} passes; {self.operations.status_of()}; {status}")

    async def settle(self, *keys: Key) -> None:
        """Until these claims serve their pods, and the operation, if there is one, is over or gone."""
        await self.until(lambda: self.settled(*keys) and (KEY not in self._due or self.over))

    async def _step(self) -> None:
        key = min(self._due, key=lambda one: self._due[one])
        self._clock_to(self._due[key])
        self._pods()
        if self._restarting:
            self.operations.restart()
            self.claims.restart()
        outcome = await (self.operations.once() if key == KEY else self.claims.once(key))
        if key == KEY and not self.operations.operations.exists(KEY):
            del self._due[KEY]
        else:
            rests = isinstance(outcome, RESTING)
            self._due[key] = self._clock.monotonic() + (IDLE if rests else max(pause(outcome), 0.1))
        self._news()

    def _clock_to(self, moment: float) -> None:
        self.operations.simulator.clock.advance(max(0.0, moment - self._clock.monotonic()))
        self._news()

    def _pods(self) -> None:
        """A pod that was evicted uses nothing."""
        for key, names in self.used.items():
            there = [name for name in names if name in self.operations.pods.pods]
            self.claims.publications.pods[key.namespace, key.name] = there

    def _news(self) -> None:
        """The watch tells of Nodes that came, changed or went."""
        found = {node.name: node for node in self.claims.nodes.all()}
        for name in found.keys() | self._seen.keys():
            if found.get(name) != self._seen.get(name):
                for key in self.claims.controller.node_changed(name):
                    self._due[key] = self._clock.monotonic()
        self._seen = found

    def wake(self, key: Key = KEY) -> None:
        """Somebody edited the object."""
        self._due[key] = self._clock.monotonic()
