"""Node health on the Node objects of a real API server: faults, repairs, people and other writers."""

import asyncio
import json
import time

import pytest

from hyperpod_testbed.simulator import Options
from hyperpod_testbed.simulator.node_api import NodeApi

PREFIX = "sagemaker.amazonaws.com/"
HEALTH = f"{PREFIX}node-health-status"
HEALTH_TAINT = {"key": HEALTH, "value": "Unschedulable", "effect": "NoSchedule"}


class World:
    """A simulator with one cluster `ml` on the control plane, and what its Nodes look like."""

    def __init__(self, sim, plane):
        self.sim, self.plane = sim, plane

    def nodes(self):
        found = self.plane.api.list("nodes", labels=f"{PREFIX}compute-type=hyperpod")
        return {item["metadata"]["name"]: item for item in found}

    def settled(self, seconds=0.0):
        """The nodes once simulated time has passed and all is written."""
        self.sim.clock.advance(seconds)
        self.sim.nodes.wait_until_in_step()
        return self.nodes()

    def report(self, name):
        return self.sim.health.report()[name]

    def command(self, name, value):
        self.plane.api.merge("nodes", name, {"metadata": {"labels": {HEALTH: value}}})


@pytest.fixture
def world(control_plane, start_simulator, cluster, group):
    """Make a world of some nodes in service; it is taken away with the test."""
    made = []

    def make(count=1, type_name="ml.p5.48xlarge", recovery="Automatic", group_members=None, **options):
        sim = start_simulator(kubeconfig=control_plane.kubeconfig, options=Options(**options))
        made.append(sim)
        workers = group(count=count, InstanceType=type_name, **(group_members or {}))
        request = cluster("ml", workers, NodeProvisioningMode="Continuous", NodeRecovery=recovery)
        sim.world.create_foreign_cluster("ml", request=request)
        sim.nodes.wait_until_in_step()
        return World(sim, control_plane)

    yield make
    for sim in made:
        sim.nodes.remove()
        sim.nodes.wait_until_in_step()


@pytest.fixture
def until():
    """Wait in real time for what comes through a watch."""

    def wait(condition, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition was not met in time"
            time.sleep(0.02)

    return wait


def labels(node):
    return {
        key.removeprefix(PREFIX): value for key, value in node["metadata"]["labels"].items() if key.startswith(PREFIX)
    }


def taints(node, key=HEALTH):
    return [taint for taint in node["spec"].get("taints", []) if taint["key"] == key]


def condition(node, kind):
    return next((one for one in node["status"]["conditions"] if one["type"] == kind), None)


def test_a_fault_is_told_by_labels_annotation_taint_and_condition(world):
    it = world(recovery="None")
    (name,) = it.sim.health.fail(share=1.0, fault="NvidiaErrorTerminate", reason="Xid79", message="fell off the bus")
    node = it.settled()[name]
    assert labels(node)["node-health-status"] == "UnschedulablePendingReplacement"
    assert (labels(node)["fault-types"], labels(node)["fault-reasons"]) == ("NvidiaErrorTerminate", "Xid79")
    assert taints(node) == [HEALTH_TAINT]
    (detail,) = json.loads(node["metadata"]["annotations"][f"{PREFIX}fault-details"])
    stamp = "2027-01-15T08:00:00Z"
    expected = {"timestamp": stamp, "type": "NvidiaErrorTerminate", "reason": "Xid79", "message": "fell off the bus"}
    assert detail == expected
    told = condition(node, "NvidiaErrorTerminate")
    assert (told["status"], told["reason"], told["lastTransitionTime"]) == ("True", "Xid79", stamp)


def test_what_was_told_is_taken_back_on_recovery(world):
    it = world(recovery="None")
    (name,) = it.sim.health.fail(share=1.0, fault="NvidiaErrorTerminate")
    it.settled(60)
    it.sim.health.recover(node=name)
    node = it.settled()[name]
    assert (labels(node)["node-health-status"], "fault-types" in labels(node)) == ("Schedulable", False)
    assert taints(node) == []
    told = condition(node, "NvidiaErrorTerminate")
    assert (told["status"], told["lastTransitionTime"]) == ("False", "2027-01-15T08:01:00Z")


def test_a_reboot_keeps_the_node_object(world):
    it = world()
    ((name, before),) = it.settled().items()
    it.sim.health.fail(node=name, recovery="reboot")
    during = it.settled(90)[name]
    assert (condition(during, "Ready")["status"], taints(during)) == ("False", [HEALTH_TAINT])
    after = it.settled(300)[name]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["nodeInfo"]["bootID"] != before["status"]["nodeInfo"]["bootID"]
    assert (condition(after, "Ready")["status"], taints(after)) == ("True", [])
    assert labels(after)["node-health-status"] == "Schedulable"


def test_a_replacement_brings_another_node_object(world):
    it = world()
    (old,) = it.sim.health.fail(share=1.0)
    ((new, node),) = it.settled(1800).items()
    assert (new != old, labels(node)["node-health-status"], taints(node)) == (True, "Schedulable", [])


def test_taints_are_forgotten_during_checks_too(world):
    it = world(group_members={"OnStartDeepHealthChecks": ["InstanceStress"]})
    it.sim.health.forget_taints("ml", "workers")
    it.sim.world.scale_out_of_band("ml", "workers", 2)
    checks = [(labels(one).get("deep-health-check-status"), taints(one)) for one in it.settled(1200).values()]
    assert ("InProgress", []) in checks


def test_the_taint_may_come_after_the_label(world):
    it = world(recovery="None")
    it.sim.settings.set_timings(taint=30.0)
    (name,) = it.sim.health.fail(share=1.0)
    assert taints(it.settled()[name]) == []
    assert taints(it.settled(60)[name]) == [HEALTH_TAINT]


@pytest.mark.parametrize(("answer", "left"), [("any", []), ("own", [HEALTH_TAINT])])
def test_health_taint_removal(world, answer, left):
    it = world(recovery="None", health_taint_removal=answer)
    (name,) = it.sim.health.fail(share=1.0, taint=False, recovery="reboot")
    it.settled()
    it.plane.kubectl("taint", "node", name, f"{HEALTH}=Unschedulable:NoSchedule")
    it.sim.health.fail(node=name, taint=False, recovery="replace")
    assert taints(it.settled()[name]) == [HEALTH_TAINT]
    it.sim.health.recover(node=name)
    assert taints(it.settled()[name]) == left


def test_a_person_reboots_a_node_by_its_label(world, until):
    it = world()
    ((name, before),) = it.settled().items()
    it.command(name, "UnschedulablePendingReboot")
    until(lambda: it.report(name)["recovery"] == "reboot")
    assert it.settled(90)[name]["metadata"]["uid"] == before["metadata"]["uid"]
    assert it.report(name)["status"] == "Pending"
    assert labels(it.settled(300)[name])["node-health-status"] == "Schedulable"


def test_commands_that_are_done_at_once_are_answered_on_the_node(world, until):
    it = world()
    it.sim.settings.set_timings(recovery=0.0, reboot=0.0)
    (name,) = it.settled()
    boots = set()
    for _ in range(3):
        it.command(name, "UnschedulablePendingReboot")
        until(lambda: labels(it.settled()[name])["node-health-status"] == "Schedulable")
        boots.add(it.nodes()[name]["status"]["nodeInfo"]["bootID"])
    assert len(boots) == 3


def test_a_person_replaces_a_node_by_its_label(world, until):
    it = world()
    (name,) = it.settled()
    it.command(name, "UnschedulablePendingReplacement")
    until(lambda: it.report(name)["recovery"] == "replace")
    (new,) = it.settled(1800)
    assert new != name


def test_a_command_is_not_carried_out_without_node_recovery(world, until):
    it = world(count=2, recovery="None")
    first, second = it.settled()
    it.command(first, "UnschedulablePendingReplacement")
    it.plane.api.delete("nodes", second)
    # The watch tells events in their order: when the second is known, so is the first.
    until(lambda: not it.report(second)["registered"])
    node = it.settled(7200)[first]
    assert it.report(first)["recovery"] is None
    assert labels(node)["node-health-status"] == "UnschedulablePendingReplacement"


@pytest.mark.parametrize(("answer", "expected"), [(False, None), (True, "reboot")])
def test_label_commands_on_cpu(world, until, answer, expected):
    it = world(count=2, type_name="ml.m5.xlarge", label_commands_on_cpu=answer)
    first, second = it.settled()
    it.command(first, "UnschedulablePendingReboot")
    it.plane.api.delete("nodes", second)
    until(lambda: not it.report(second)["registered"])
    assert it.report(first)["recovery"] == expected


@pytest.mark.parametrize(("answer", "expected"), [(True, 1), (False, 0)])
def test_deleted_node_returns(world, until, answer, expected):
    it = world(deleted_node_returns=answer)
    ((name, before),) = it.settled().items()
    it.plane.api.delete("nodes", name)
    until(lambda: not it.report(name)["registered"])
    assert it.settled(60) == {}
    after = it.settled(7200)
    assert len(after) == expected
    assert all(node["metadata"]["uid"] != before["metadata"]["uid"] for node in after.values())


def test_a_taint_that_is_set_between_read_and_write_stays(world, monkeypatch):
    it = world(recovery="None")
    (name,) = it.settled()
    read, meanwhile = NodeApi.read, []

    async def read_and_be_late(api, node):
        found = await read(api, node)
        if not meanwhile:
            meanwhile.append(node)
            await asyncio.to_thread(it.plane.kubectl, "taint", "node", node, "theirs=yes:NoSchedule")
        return found

    monkeypatch.setattr(NodeApi, "read", read_and_be_late)
    it.sim.health.fail(node=name)
    node = it.settled()[name]
    assert meanwhile == [name]
    assert (taints(node), len(taints(node, "theirs"))) == ([HEALTH_TAINT], 1)


def test_a_storm_reaches_every_node(world):
    it = world(count=100, recovery="None")
    it.sim.health.fail(share=1.0)
    assert all(taints(node) == [HEALTH_TAINT] for node in it.settled().values())
