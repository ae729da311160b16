"""Claims with volumes on nodes that operations and HyperPod take away, against a world that does anything in between:
people add, delete, grow, suspend and release claims, pods begin and end, processes end, AWS fails.

Whatever comes, no volume leaves a node under a pod that uses it, none is lost that nobody gave up, none is deleted
twice, and no claim has two. In the end each claim serves on a node of the group that it names.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from tests.unit.controllers.answers import NO_NODES, named, other_answers
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.lives import FAULTS, Heard, running, statuses
from tests.unit.controllers.nodeoperation.rig import OperationRig
from tests.unit.controllers.nodeoperation.with_claims import WithClaims
from tests.unit.controllers.rig import pause
from tests.unit.controllers.volume.scenes import published

from hyperpod_operator.api.names import TAG_CLAIM_UID
from hyperpod_operator.aws.ec2 import gathered
from hyperpod_operator.core.ports import Key
from hyperpod_testbed.simulator import Fault
from hyperpod_testbed.simulator.calls import Call

NODES, CLAIMS, STEPS, ROUNDS = 3, 3, 150, 400
EVENTS = (
    *("claim",) * 16,
    *("operation", "time", "pod", "no pod") * 3,
    *("add", "delete", "grow", "suspend", "operate", "withdraw", "restart", "recovery", "fault"),
)
UNSEEN = Fault("ec2:DescribeVolumes", "error", times=3)
GONE = frozenset({"", "ShuttingDown"})
LOSES_VOLUMES = ({"delete_on_termination": True}, {"node_end": "delete"})
"""Answers under which AWS deletes volumes with their nodes, which no operator can keep it from."""
ANSWERS = [one for one in other_answers() if one not in (NO_NODES, *LOSES_VOLUMES)]


class Claims:
    """A cluster of `NODES` nodes, claims on it, and what people asked for."""

    def __init__(self, rig: OperationRig, *, seed: int) -> None:
        self.both, self.operations, self.chance = WithClaims(rig), rig, random.Random(seed)
        self.rig = self.both.claims
        self.told: list[str] = []
        self.given_up: dict[str, str] = {}
        """By claim-uid, the reclaimPolicy of each claim that was deleted."""
        self.volumes: dict[str, str] = {}
        """Each volume that was ever seen, and the claim-uid that it was made for."""
        self.deleted: set[str] = set()
        self._heard = Heard(rig.simulator)

    @property
    def keys(self) -> list[Key]:
        return list(self.rig.claims._bodies)

    def living(self) -> list[Key]:
        return [key for key in self.keys if "deletionTimestamp" not in self.rig.claims._bodies[key]["metadata"]]

    def users(self, key: Key) -> list[str]:
        return self.rig.publications.pods[key.namespace, key.name]

    def instance_of(self, volume: str) -> str:
        found = self.rig.simulator.ebs.volumes().get(volume, {}).get("Attachments", [])
        return "i-" + found[0]["AssociatedResource"].rpartition("-i-")[2] if found else ""

    async def look_at(self, key: Key) -> float:
        """A pass over a claim."""
        before, holders = statuses(self.rig.simulator), {volume: self.instance_of(volume) for volume in self.volumes}
        users = {one: list(self.users(one)) for one in self.keys}
        outcome = await self.rig.once(key)
        for call in self._heard.new():
            self._may(call, before=before, holders=holders, users=users)
        self._watch()
        return pause(outcome)

    async def look_at_operation(self, key: Key) -> float:
        outcome = await self.operations.once(key)
        self._heard.new()
        return pause(outcome)

    def _may(
        self, call: Call, *, before: Mapping[str, str], holders: Mapping[str, str], users: Mapping[Key, Sequence[str]]
    ) -> None:
        volume = str(call.parameters.get("VolumeId", ""))
        claim = next((key for key in users if self.rig.status_of(key).get("volumeId") == volume), None)
        if call.operation == "DetachClusterNodeVolume" and claim is not None:
            ended = before.get(holders.get(volume, ""), "") in GONE
            assert ended or not users[claim], f"{volume} left its node under {users[claim]}"
        if call.operation == "AttachClusterNodeVolume":
            assert not holders.get(volume), f"{volume} was attached, and is attached again"
        if call.operation == "DeleteVolume":
            assert volume not in self.deleted, f"{volume} was deleted twice"
            assert self.given_up.get(self.volumes[volume]) == "Delete", f"{volume} was deleted, and nobody gave it up"
            self.deleted.add(volume)

    def _watch(self) -> None:
        """No claim has two volumes, and no volume is gone that nobody gave up."""
        there = self.rig.simulator.ebs.volumes()
        for name, volume in there.items():
            self.volumes.setdefault(name, volume["Tags"].get(TAG_CLAIM_UID, ""))
        owners = [uid for name, uid in self.volumes.items() if name in there and uid]
        assert len(owners) == len(set(owners)), "a claim has two volumes"
        lost = [name for name in self.volumes if name not in there and name not in self.deleted]
        assert not lost, f"{lost} are gone"

    async def event(self, kind: str) -> None:
        rig, keys, instances = self.rig, self.living(), running(self.rig.simulator)
        match kind:
            case "claim" if self.keys:
                self._pass_time(min(await self.look_at(self.chance.choice(self.keys)), 60.0))
            case "operation" if self._operations:
                self._pass_time(min(await self.look_at_operation(self.chance.choice(self._operations)), 60.0))
            case "time":
                self._pass_time(self.chance.choice([1.0, 30.0, 600.0]))
            case "add" if len(self.keys) < CLAIMS:
                self._add()
            case "delete" if keys:
                self._delete(self.chance.choice(keys))
            case "grow" if keys:
                key = self.chance.choice(keys)
                self._edit(key, volume={"size": self._spec(key)["volume"]["size"] + 50})
            case "suspend" if keys:
                key = self.chance.choice(keys)
                attachment = self._spec(key)["attachment"]
                self._edit(key, attachment={**attachment, "suspend": not attachment.get("suspend", False)})
            case "pod" if keys:
                self._begin(self.chance.choice(keys))
            case "no pod" if self.operations.pods.pods:
                self.operations.pods.pods.pop(self.chance.choice(sorted(self.operations.pods.pods)))
                self._pods()
            case "operate" if instances:
                operation = self.chance.choice(["Delete", "Replace", "Reboot", "Move", "Move"])
                if operation == "Move" and len(self.operations.ids) < NODES:
                    operation = "Reboot"  # the group keeps nodes that can serve
                key = Key("team", f"operation-{len(self.told)}")
                self.operations.apply(operation, [self.chance.choice(instances)], key=key)
            case "withdraw" if self._operations:
                self.operations.operations.remove(self.chance.choice(self._operations))
            case "restart":
                rig.restart()
                self.operations.restart()
            case "recovery" if instances:
                self.operations.replaced_by_hyperpod(self.chance.choice(instances))
            case "fault":
                rig.simulator.faults.add(self.chance.choice((*FAULTS, UNSEEN)))

    @property
    def _operations(self) -> list[Key]:
        return list(self.operations.operations._bodies)

    def _spec(self, key: Key) -> dict[str, Any]:
        return dict(self.rig.claims._bodies[key]["spec"])

    def _edit(self, key: Key, **members: Any) -> None:
        self.rig.apply({**self._spec(key), **members}, key=key)

    def _add(self) -> None:
        name = f"data-{len(self.told)}-{len(self.keys)}"
        spec = published(
            attachment={"target": {"instanceGroupName": "gpu"}},
            publish={"type": "LocalPV", "persistentVolumeClaim": {"name": name, "create": True}},
            management={"reclaimPolicy": self.chance.choice(["Delete", "Retain"])},
        )
        self.rig.apply(spec, key=Key("team", name))

    def _delete(self, key: Key) -> None:
        body = self.rig.claims._bodies[key]
        self.given_up[body["metadata"]["uid"]] = body["spec"]["management"]["reclaimPolicy"]
        self.rig.claims.delete(key)
        if not body["metadata"].get("finalizers"):
            del self.rig.claims._bodies[key]

    def _begin(self, key: Key) -> None:
        """A pod that uses the volume where it is, as the scheduler would place it."""
        instance = self.instance_of(self.rig.status_of(key).get("volumeId", ""))
        node = self.operations.nodes.get(self.operations.name(instance))
        if self.rig.reason(key) == "ClaimReady" and node is not None and node.ready and not node.taints:
            self.both.add_pod(key, f"pod-{len(self.told)}")
            self._pods()

    def _pods(self) -> None:
        """Pods end with their nodes, and one that is gone uses nothing."""
        there = {node.name for node in self.operations.nodes.all()}
        pods = self.operations.pods.pods
        for name in [name for name, pod in pods.items() if pod.node not in there]:
            del pods[name]
        self.both._pods()

    def _pass_time(self, seconds: float) -> None:
        self.rig.wait(seconds)
        self._pods()

    async def run(self) -> None:
        for _ in range(CLAIMS - 1):
            self._add()
        await self.settle()
        for _ in range(STEPS):
            kind = self.chance.choice(EVENTS)
            self.told.append(kind)
            self._pods()
            await self.event(kind)

    async def settle(self) -> None:
        """A kind world: pods end, nobody wants anything new, and each claim that is left is to serve."""
        self.rig.simulator.faults.clear()
        for key in self.living():
            self._edit(key, attachment={"target": {"instanceGroupName": "gpu"}})
        for _ in range(ROUNDS):
            self.operations.pods.pods.clear()
            self._pods()
            for one in self._operations:
                await self.look_at_operation(one)
            for key in self.keys:
                await self.look_at(key)
            if self._settled():
                group = set(self.operations.ids)
                assert {self.instance_of(self.rig.status_of(key).get("volumeId", "")) for key in self.living()} <= group
                return
            self._pass_time(60.0)
        raise AssertionError((self.told, {str(key): self.rig.condition("Ready", key) for key in self.keys}))

    def _settled(self) -> bool:
        ended = [key for key in self.keys if key not in self.living()]
        serve = all(self.rig.reason(key) == "ClaimReady" for key in self.living())
        return serve and not ended


@pytest.fixture
def make_claims(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(gathered, "GATHER", 0.0)
    made: list[Claims] = []

    def make(*, seed: int, **options: Any) -> Claims:
        made.append(Claims(make_rig(nodes=NODES, **options), seed=seed))
        return made[-1]

    yield make
    for one in made:
        one.rig.cloud.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(11), 311])
async def test_no_volume_is_lost_or_leaves_under_a_pod(make_claims: Any, seed: int) -> None:
    claims = make_claims(seed=seed)
    await claims.run()
    await claims.settle()


@pytest.mark.long
@pytest.mark.parametrize("lag", [0.0, 20.0])
@pytest.mark.parametrize("seed", range(100, 250))
async def test_many_lives_lose_no_volume(make_claims: Any, seed: int, lag: float) -> None:
    claims = make_claims(seed=seed, list_lag=lag, describe_lag=lag)
    await claims.run()
    await claims.settle()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("answer", ANSWERS, ids=named)
async def test_lives_lose_no_volume_under_any_answer(make_claims: Any, answer: dict[str, Any], seed: int) -> None:
    claims = make_claims(seed=seed, **answer)
    await claims.run()
    await claims.settle()
