"""Faults that the health agent finds, and automatic recovery, as the API shows them."""

import pytest

from hyperpod_testbed.simulator import SimulatorClient


@pytest.fixture
def fleet(account):
    """A Continuous cluster of four GPU nodes, in service."""

    def make(count=4, recovery="Automatic", type_name="ml.p5.48xlarge", **options):
        it = account(**options)
        it.create(it.group(count=count, InstanceType=type_name), NodeProvisioningMode="Continuous",
                  NodeRecovery=recovery)  # fmt: skip
        return it

    return make


def ids(it):
    return {node["InstanceId"] for node in it.nodes()}


def status(it, instance):
    return it.aws.describe_cluster_node(ClusterName="ml", NodeId=instance)["NodeDetails"]["InstanceStatus"]["Status"]


def events(it, **filters):
    return it.aws.list_cluster_events(ClusterName="ml", **filters)["Events"]


def test_a_reboot_keeps_the_instance(fleet):
    it = fleet()
    before = ids(it)
    node = sorted(before)[0]
    it.sim.health.fail(node=node, recovery="reboot")
    assert it.sim.health.report()[f"hyperpod-{node}"]["health"] == "UnschedulablePendingReboot"
    it.sim.clock.advance(90)
    assert status(it, node) == "Pending"
    it.sim.clock.advance(300)
    assert (ids(it), status(it, node)) == (before, "Running")
    after = it.sim.health.report()[f"hyperpod-{node}"]
    assert (after["health"], after["tainted"], after["faults"]) == ("Schedulable", False, [])


def test_a_replacement_brings_another_instance(fleet):
    it = fleet()
    before = ids(it)
    (node,) = it.sim.health.fail(node=sorted(before)[0], recovery="replace")
    it.sim.clock.advance(1800)
    after = ids(it)
    assert (len(before - after), len(after - before)) == (1, 1)
    assert node not in it.sim.health.report()
    assert {one["health"] for one in it.sim.health.report().values()} == {"Schedulable"}


@pytest.mark.parametrize("wanted", ["reboot", "replace"])
def test_nothing_is_repaired_without_node_recovery(fleet, wanted):
    it = fleet(recovery="None")
    before = ids(it)
    (node,) = it.sim.health.fail(node=sorted(before)[0], recovery=wanted)
    it.sim.clock.advance(7200)
    assert ids(it) == before
    assert it.sim.health.report()[node]["health"].startswith("UnschedulablePending")


def test_node_recovery_that_is_switched_on_repairs_what_waits(fleet):
    it = fleet(recovery="None")
    it.sim.health.fail(node=sorted(ids(it))[0], recovery="reboot")
    it.sim.clock.advance(7200)
    it.update(NodeRecovery="Automatic", seconds=600)
    assert {one["health"] for one in it.sim.health.report().values()} == {"Schedulable"}


def test_node_recovery_that_is_switched_off_in_time_stops_a_repair(fleet):
    it = fleet()
    before = ids(it)
    it.sim.settings.set_timings(recovery=300)
    it.sim.health.fail(node=sorted(before)[0])
    it.update(NodeRecovery="None", seconds=7200)
    assert ids(it) == before


def test_a_fault_without_a_remedy_is_only_told(fleet):
    it = fleet()
    before = ids(it)
    (node,) = it.sim.health.fail(node=sorted(before)[0], recovery=None)
    it.sim.clock.advance(7200)
    assert (ids(it), it.sim.health.report()[node]["health"]) == (before, "Unschedulable")
    it.sim.health.recover(node=node)
    assert it.sim.health.report()[node]["health"] == "Schedulable"


def test_of_two_remedies_the_replacement_is_taken(fleet):
    it = fleet()
    node = sorted(ids(it))[0]
    it.sim.health.fail(node=node, recovery="replace")
    it.sim.health.fail(node=node, fault="NvidiaErrorReboot", recovery="reboot")
    assert it.sim.health.report()[f"hyperpod-{node}"]["health"] == "UnschedulablePendingReplacement"
    it.sim.clock.advance(1800)
    assert node not in ids(it)


def test_a_persistent_fault_comes_back_after_a_reboot_and_asks_for_a_replacement(fleet):
    it = fleet()
    node = sorted(ids(it))[0]
    it.sim.health.fail(node=node, recovery="reboot", persistent=True)
    it.sim.clock.advance(290)
    assert it.sim.health.report()[f"hyperpod-{node}"]["health"] == "UnschedulablePendingReplacement"
    it.sim.clock.advance(1800)
    assert node not in ids(it)


def test_a_call_repairs_a_faulty_node_before_automatic_recovery_does(fleet):
    it = fleet(recovery="None")
    node = sorted(ids(it))[0]
    it.sim.health.fail(node=node, recovery="reboot")
    it.aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=[node])
    it.sim.clock.advance(300)
    assert it.sim.health.report()[f"hyperpod-{node}"]["health"] == "Schedulable"


def test_no_agent_runs_on_cpu_nodes(fleet):
    it = fleet(type_name="ml.m5.xlarge")
    node = sorted(ids(it))[0]
    with pytest.raises(ValueError, match="no accelerators"):
        it.sim.health.fail(node=node)
    assert it.sim.health.fail(share=1.0) == []


def test_a_failed_cpu_instance_keeps_its_health_label_and_its_instance(fleet):
    it = fleet(type_name="ml.m5.xlarge")
    node = sorted(ids(it))[0]
    it.sim.world.fail_node("ml", node)
    it.sim.clock.advance(7200)
    found = it.sim.health.report()[f"hyperpod-{node}"]
    assert (found["status"], found["health"], found["tainted"]) == ("Failure", "Schedulable", False)


def test_a_storm_hits_the_share_that_was_asked_for(fleet):
    it = fleet(count=50)
    hit = it.sim.health.fail(share=0.3, recovery=None)
    assert len(hit) == len(set(hit)) == 15
    assert len(it.sim.health.fail(share=1.0, recovery=None)) == 35
    unhealthy = [one for one in it.sim.health.report().values() if one["health"] == "Unschedulable"]
    assert len(unhealthy) == 50


def test_a_storm_on_a_list_hits_that_list(fleet):
    it = fleet()
    nodes = sorted(it.sim.health.report())[:2]
    assert it.sim.health.fail(nodes=nodes) == nodes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"node": "i-0000000000000dead"}, "health.report lists"),
        ({}, "name one node"),
        ({"share": 2}, "between 0 and 1"),
        ({"share": 0.5, "node": "i-1"}, "not both"),
        ({"share": 1, "fault": "two words"}, "fit for a label"),
        ({"share": 1, "fault": "Ready"}, "the kubelet"),
        ({"share": 1, "recovery": "pray"}, "must be 'reboot', 'replace' or None"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(fleet, arguments, said):
    with pytest.raises(ValueError, match=said):
        SimulatorClient(fleet().sim.url).health.fail(**arguments)


def test_faults_come_from_elsewhere_too(fleet):
    it = fleet()
    remote = SimulatorClient(it.sim.url)
    hit = remote.health.fail(share=0.5, recovery="reboot")
    assert [name for name, one in remote.health.report().items() if one["recovery"]] == sorted(
        hit, key=list(remote.health.report()).index
    )


def test_fault_and_repair_are_events_whose_ids_stay(fleet):
    it = fleet()
    node, other = sorted(ids(it))[:2]
    it.sim.health.fail(node=node, fault="NvidiaErrorReboot", reason="Xid79", recovery="reboot")
    it.sim.health.fail(node=other, fault="NvidiaErrorTerminate", recovery="replace")
    it.sim.clock.advance(1800)
    found = [(one["EventLevel"], one["Description"]) for one in events(it, NodeId=node, SortOrder="Ascending")]
    assert (found[-3][0], "NvidiaErrorReboot (Xid79)" in found[-3][1]) == ("Error", True)
    assert [text for _, text in found[-2:]] == [f"Instance {node} is being rebooted.", f"Instance {node} is running."]
    texts = [one["Description"] for one in events(it, NodeId=other)]
    assert f"Instance {other} is unhealthy and is being replaced." in texts
    first = events(it)
    assert events(it)[: len(first)] == first
    assert len({one["EventId"] for one in first}) == len(first)


@pytest.mark.parametrize("answer", ["Running", "Failure"])
def test_faulty_instance_status(fleet, answer):
    it = fleet(faulty_instance_status=answer)
    node = sorted(ids(it))[0]
    it.sim.health.fail(node=node)
    assert status(it, node) == answer


@pytest.mark.parametrize(("answer", "expected"), [(True, "Degraded"), (False, "InService")])
def test_faults_degrade_group(fleet, answer, expected):
    it = fleet(recovery="None", faults_degrade_group=answer)
    (node,) = it.sim.health.fail(node=sorted(ids(it))[0])
    it.sim.clock.advance(10)
    assert it.groups()["workers"]["Status"] == expected
    it.sim.health.recover(node=node)
    it.sim.clock.advance(10)
    assert it.groups()["workers"]["Status"] == "InService"
