"""Random lives of one claim: edits, lost nodes, strangers, refused calls and lost answers, in any order.

What must never happen is asserted by the world at the moment of the call. When the faults stop, the claim arrives
where its spec says, and a further pass decides and writes nothing.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.core.volume.builders import claim, edited, spec
from tests.unit.core.volume.world import FATES, World

from hyperpod_operator.api.names import TAG_CLAIM_UID
from hyperpod_operator.core.engine.decision import InSync, RemoveFinalizer
from hyperpod_operator.core.observed import GONE
from hyperpod_operator.core.volume.device import associated_resource

THEN = st.sampled_from([0, 1, 2, 4, 8])
"""How many passes follow a disturbance before the next one."""
PUBLISH = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data", "create": True}}


class ClaimMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.next_node = 1
        self.size = 100
        self.members: dict[str, Any] = {}

    @initialize(
        policy=st.sampled_from(["Retain", "Delete", "Snapshot"]),
        detach=st.sampled_from(["WhenUnused", "Immediate"]),
        lag=st.sampled_from([0.0, 20.0]),
        broken=st.integers(0, 2),
        passes=st.sampled_from([0, 1, 3, 40]),
        early=st.booleans(),
    )
    def begin(self, policy: str, detach: str, lag: float, broken: int, passes: int, early: bool) -> None:
        self.early = early
        self.world.lag, self.world.broken = lag, broken
        self.members = {"publish": PUBLISH, "management": {"reclaimPolicy": policy}}
        self.attachment: dict[str, Any] = {"target": {"instanceGroupName": "workers"}, "detachPolicy": detach}
        for group in ("workers", "workers", "others"):
            self.launch(group)
        self.owner = claim(self.wanted(), status={})
        self.passes(passes)

    def wanted(self) -> dict[str, Any]:
        return spec(**self.members, volume={"size": self.size}, attachment=self.attachment)

    def edit(self) -> None:
        self.owner = edited(self.owner, self.wanted())

    def launch(self, group: str) -> str:
        instance_id = f"i-{self.next_node:017x}"
        self.next_node += 1
        self.world.launch(instance_id, group)
        return instance_id

    # The operator.

    def passes(self, count: int) -> None:
        for _ in range(count):
            self.owner, _, pause = self.world.step(self.owner)
            self.world.now += timedelta(seconds=pause or 600.0)

    @rule(then=THEN)
    def nothing_happens(self, then: int) -> None:
        self.passes(then)

    @rule(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=4), then=THEN)
    def misfortune(self, fates: list[str], then: int) -> None:
        self.world.fates.extend(fates)
        self.passes(then)

    @rule(minutes=st.integers(1, 30), then=THEN)
    def time_passes(self, minutes: int, then: int) -> None:
        self.world.now += timedelta(minutes=minutes)
        self.passes(then)

    # The user.

    @rule(group=st.sampled_from(["workers", "others"]), then=THEN)
    def retarget_to_a_group(self, group: str, then: int) -> None:
        self.attachment = {**self.attachment, "target": {"instanceGroupName": group}}
        self.edit()
        self.passes(then)

    @rule(data=st.data(), then=THEN)
    def retarget_to_a_node(self, data: st.DataObject, then: int) -> None:
        alive = sorted(key for key, item in self.world.nodes.items() if item.status not in GONE)
        target = {"instanceId": data.draw(st.sampled_from(alive))}
        self.attachment = {**self.attachment, "target": target, "followNode": "Replacement"}
        self.edit()
        self.passes(then)

    @rule(then=THEN)
    def grow(self, then: int) -> None:
        self.size += 10
        self.edit()
        self.passes(then)

    @rule(on=st.booleans(), then=THEN)
    def suspend(self, on: bool, then: int) -> None:
        self.attachment = {**self.attachment, "suspend": on}
        self.edit()
        self.passes(then)

    @precondition(lambda self: self.world.labelled)
    @rule(then=THEN)
    def a_pod_starts(self, then: int) -> None:
        self.world.pods.add("team/train")
        self.passes(then)

    @rule(then=THEN)
    def pods_end(self, then: int) -> None:
        self.world.pods.clear()
        self.passes(then)

    @precondition(lambda self: self.world.labelled)
    @rule(on=st.booleans(), then=THEN)
    def the_volume_is_wanted_elsewhere_while_a_pod_runs(self, on: bool, then: int) -> None:
        self.world.pods.add("team/train")
        other = "others" if self.attachment["target"].get("instanceGroupName") == "workers" else "workers"
        self.attachment = {**self.attachment, "suspend": on, "target": {"instanceGroupName": other}}
        self.edit()
        self.passes(then)

    # AWS and others.

    @rule(data=st.data(), group=st.sampled_from(["workers", "others"]), then=THEN)
    def a_node_is_replaced(self, data: st.DataObject, group: str, then: int) -> None:
        alive = sorted(key for key, item in self.world.nodes.items() if item.status not in GONE)
        lost = data.draw(st.sampled_from(alive))
        self.world.lose(lost)
        self.launch(self.world.nodes[lost].instance_group)
        self.passes(then)

    @precondition(lambda self: self.world.holder())
    @rule(then=THEN)
    def the_holder_is_replaced(self, then: int) -> None:
        lost = self.world.holder()
        self.world.lose(lost)
        self.launch(self.world.nodes[lost].instance_group)
        self.passes(then)

    @rule(then=THEN)
    def aws_releases(self, then: int) -> None:
        self.world.let_go()
        self.passes(then)

    @rule(
        data=st.data(), ready=st.booleans(), status=st.sampled_from(["Running", "Failure", "SystemUpdating"]), then=THEN
    )
    def a_node_falls_ill(self, data: st.DataObject, ready: bool, status: str, then: int) -> None:
        alive = sorted(key for key, item in self.world.nodes.items() if item.status not in GONE)
        key = data.draw(st.sampled_from(alive))
        self.world.nodes[key] = replace(self.world.nodes[key], ready=ready, status=status)
        self.passes(then)

    @rule(status=st.sampled_from(["InService", "Updating", "SystemUpdating"]), then=THEN)
    def the_cluster_changes(self, status: str, then: int) -> None:
        self.world.cluster_status = status
        self.passes(then)

    @precondition(lambda self: self.world.volumes)
    @rule(data=st.data(), then=THEN)
    def a_stranger_detaches(self, data: st.DataObject, then: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.volumes)))
        if self.world.volumes[key].attachments:
            self.world.free(key)
        self.passes(then)

    @precondition(lambda self: self.world.volumes)
    @rule(data=st.data(), then=THEN)
    def a_stranger_attaches(self, data: st.DataObject, then: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.volumes)))
        alive = sorted(name for name, item in self.world.nodes.items() if item.status not in GONE)
        if self.world.volumes[key].state == "available":
            self.world.now += timedelta(minutes=10)  # well after whatever the operator last asked for
            self.world.attach_by_hand(key, data.draw(st.sampled_from(alive)))
            # ... and well before what it asks for next: an attachment to the same instance within SLACK of a call
            # whose answer was lost cannot be told from the operator's own.
            self.world.now += timedelta(minutes=10)
        self.passes(then)

    # What holds at every moment.

    @invariant()
    def one_volume_per_claim(self) -> None:
        assert len([key for key in self.world.made if key in self.world.volumes]) <= 1

    @invariant()
    def one_attachment_per_volume(self) -> None:
        assert all(len(item.attachments) <= 1 for item in self.world.volumes.values())

    def teardown(self) -> None:
        if not hasattr(self, "owner"):
            return
        self.calm_down()
        if not self.early:
            self.converges()
        self.is_deleted()

    def calm_down(self) -> None:
        """The faults stop, strangers go, and every group has a healthy node."""
        world = self.world
        world.fates.clear()
        world.pods.clear()
        world.cluster_status = "InService"
        world.broken = 0
        for key, item in list(world.nodes.items()):
            if item.status not in GONE:
                world.nodes[key] = replace(item, status="Running", ready=True)
        for group in ("workers", "others"):
            self.launch(group)
        world.let_go()
        for key, volume in list(world.volumes.items()):
            if volume.attachments and key not in world.by_operator:
                world.free(key)
        if not self.early:
            world.now += timedelta(minutes=15)
        if self.attachment.get("suspend"):
            self.attachment = {**self.attachment, "suspend": False}
            self.edit()
        target = self.attachment["target"].get("instanceId")
        if target and world.nodes[target].status in GONE:
            self.attachment = {**self.attachment, "target": {"instanceGroupName": "workers"}}
            self.edit()

    def converges(self) -> None:
        world = self.world
        self.owner, decision = world.run(replace(self.owner, reconcile_requested_at="now"))
        assert isinstance(decision, InSync), decision
        (volume_id,) = world.made[-1:]
        volume = world.volumes[volume_id]
        assert volume.size == self.size
        (attached,) = volume.attachments
        found = associated_resource(attached.associated_resource)
        assert found is not None
        assert world.nodes[found.instance_id].status == "Running"
        assert world.labelled == {f"hyperpod-{found.instance_id}"}
        target = self.attachment["target"]
        if "instanceGroupName" in target:
            assert world.nodes[found.instance_id].instance_group == target["instanceGroupName"]
        else:
            assert found.instance_id == target["instanceId"]
        assert world.persistent_volume is not None
        assert world.persistent_volume_claim is not None
        calls = len(world.calls)
        again, decision, _ = world.step(self.owner)
        assert isinstance(decision, InSync)
        assert len(world.calls) == calls
        assert again.status == self.owner.status, "a settled claim is written to"

    def is_deleted(self) -> None:
        world = self.world
        before = len(world.volumes)
        self.owner, decision = world.run(replace(self.owner, deleting=True))
        assert isinstance(decision, RemoveFinalizer)
        kept = self.members["management"]["reclaimPolicy"] == "Retain"
        assert len(world.volumes) == (before if kept else 0)
        assert not [item for item in world.volumes.values() if TAG_CLAIM_UID in item.tags]
        assert world.persistent_volume is None
        assert world.persistent_volume_claim is None
        assert not world.labelled
        assert not world.lease


TestClaimMachine = pytest.mark.fault(25)(ClaimMachine.TestCase)
TestClaimMachine.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
