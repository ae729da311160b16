"""Deep health checks: on start, on demand, and what becomes of the nodes that fail."""

import pytest


@pytest.fixture
def checked(account):
    """A cluster whose group asks for deep health checks, while they run."""

    def make(count=2, recovery="Automatic", **options):
        it = account(**options)
        group = it.group(count=count, OnStartDeepHealthChecks=["InstanceStress"])
        it.create(group, NodeProvisioningMode="Continuous", NodeRecovery=recovery)
        return it

    return make


@pytest.fixture
def idle(account):
    """A cluster of two nodes without checks on start."""

    def make(recovery="Automatic", **options):
        it = account(**options)
        it.create(it.group(), NodeProvisioningMode="Continuous", NodeRecovery=recovery)
        return it

    return make


def ids(it):
    return [node["InstanceId"] for node in it.nodes()]


def demand(it, *nodes):
    wanted = {"InstanceGroupName": "workers", "InstanceIds": list(nodes), "DeepHealthChecks": ["InstanceStress"]}
    it.aws.start_cluster_health_check(ClusterName="ml", DeepHealthCheckConfigurations=[wanted])


def state(it, instance):
    found = it.sim.health.report()[f"hyperpod-{instance}"]
    return found["status"], found["checks"], found["health"], found["tainted"]


PASSED = ("Running", "Passed", "Schedulable", False)


def test_a_node_under_check_is_tainted_until_it_passes(checked):
    it = checked()
    node = ids(it)[0]
    assert state(it, node) == ("DeepHealthCheckInProgress", "InProgress", "Unschedulable", True)
    it.sim.clock.advance(6000)
    assert state(it, node) == PASSED


def test_a_check_on_demand_takes_its_node_alone(idle):
    it = idle()
    first, second = ids(it)
    demand(it, first)
    assert state(it, first) == ("DeepHealthCheckInProgress", "InProgress", "Unschedulable", True)
    assert state(it, second) == ("Running", None, "Schedulable", False)


def test_the_node_that_fails_is_chosen_and_rebooted(checked):
    it = checked()
    bad, good = ids(it)
    it.sim.health.fail_check(node=bad, recovery="reboot")
    it.sim.settings.set_timings(recovery=2000)
    it.sim.clock.advance(5600)
    assert state(it, good) == PASSED
    assert state(it, bad) == ("Failure", "Failed", "UnschedulablePendingReboot", True)
    it.sim.clock.advance(9000)
    assert state(it, bad) == PASSED


def test_the_node_that_fails_is_chosen_and_replaced(checked):
    it = checked()
    bad, good = ids(it)
    it.sim.health.fail_check(node=bad, recovery="replace")
    it.sim.clock.advance(20000)
    assert bad not in ids(it)
    (new,) = set(ids(it)) - {good}
    assert state(it, new) == state(it, good) == PASSED


def test_nodes_that_fail_are_chosen_before_they_have_an_id(account):
    it = account()
    it.sim.health.fail_check(cluster="ml", group="workers", nodes=1, recovery="reboot")
    group = it.group(OnStartDeepHealthChecks=["InstanceStress"])
    it.create(group, NodeProvisioningMode="Continuous", NodeRecovery="None", seconds=9000)
    assert sorted(state(it, node)[1] for node in ids(it)) == ["Failed", "Passed"]


def test_a_failed_check_waits_for_ever_without_node_recovery(checked):
    it = checked(recovery="None")
    bad = ids(it)[0]
    it.sim.health.fail_check(node=bad)
    it.sim.clock.advance(50000)
    assert state(it, bad) == ("Failure", "Failed", "UnschedulablePendingReplacement", True)


def test_an_update_is_refused_while_checks_run(checked, code):
    it = checked()
    assert "deep health checks" in code(it.aws.update_cluster, ClusterName="ml", NodeRecovery="None")[1]


def test_a_reboot_by_a_call_interrupts_a_check_which_starts_again(checked):
    it = checked()
    node = ids(it)[0]
    it.aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=[node])
    it.sim.clock.advance(250)
    assert state(it, node) == ("DeepHealthCheckInProgress", "InProgress", "Unschedulable", True)
    it.sim.clock.advance(6000)
    assert state(it, node) == PASSED


def test_a_check_of_a_faulty_node_takes_the_place_of_its_repair(idle):
    it = idle()
    node = ids(it)[0]
    it.sim.health.fail(node=node, recovery="replace")
    demand(it, node)
    it.sim.clock.advance(6000)
    assert state(it, node) == PASSED


def test_a_check_that_fails_on_a_faulty_node_decides_on_its_repair(idle):
    it = idle()
    node = ids(it)[0]
    it.sim.health.fail(node=node, recovery="replace")
    it.sim.health.fail_check(node=node, recovery="reboot")
    demand(it, node)
    it.sim.clock.advance(20000)
    assert state(it, node) == PASSED


@pytest.mark.parametrize(("answer", "checks"), [("rerun", "Passed"), ("skip", "Failed")])
def test_deep_check_after_reboot(checked, answer, checks):
    it = checked(deep_check_after_reboot=answer)
    node = ids(it)[0]
    it.sim.health.fail_check(node=node, recovery="reboot")
    it.sim.clock.advance(20000)
    assert state(it, node) == ("Running", checks, "Schedulable", False)


@pytest.mark.parametrize(("answer", "expected"), [(True, "Running"), (False, "Failure")])
def test_demanded_check_repairs(idle, answer, expected):
    it = idle(recovery="None", demanded_check_repairs=answer)
    node = ids(it)[0]
    it.sim.health.fail_check(node=node, recovery="reboot")
    demand(it, node)
    it.sim.clock.advance(20000)
    assert state(it, node)[0] == expected


def test_a_failed_check_is_an_event(checked):
    it = checked(recovery="None")
    node = ids(it)[0]
    it.sim.health.fail_check(node=node)
    it.sim.clock.advance(6000)
    found = it.aws.list_cluster_events(ClusterName="ml", NodeId=node)["Events"]
    assert ("Error", True) in [(one["EventLevel"], "DeepHealthCheckFailed" in one["Description"]) for one in found]


@pytest.mark.parametrize(("arguments", "said"), [({}, "a cluster and a group"), ({"recovery": None}, "must be")])
def test_a_mistake_is_answered_with_what_would_be_right(sim, arguments, said):
    with pytest.raises(ValueError, match=said):
        sim.health.fail_check(**arguments)
