"""Spot: interruption with or without notice, its taint, and quotas of its own."""

import pytest

from hyperpod_testbed.simulator.node_objects import view

SPOT = {"CapacityRequirements": {"Spot": {}}}


@pytest.fixture
def spot(account):
    def make(**options):
        it = account(**options)
        it.create(it.group(count=1, **SPOT), NodeProvisioningMode="Continuous")
        return it, it.nodes()[0]["InstanceId"]

    return make


def taints(it, node):
    with it.sim.core.present() as inside:
        place = inside.account.place(node)
        return [key for key, _, _ in view(*place, inside.options).taints]


def test_spot_taint_and_replacement_after_the_notice(spot):
    it, node = spot(spot_taint="example.com/spot")
    it.sim.world.interrupt_spot("ml", node, notice=120)
    assert taints(it, node) == ["example.com/spot"]
    it.sim.clock.advance(115)
    assert [one["InstanceId"] for one in it.nodes()] == [node]
    it.sim.clock.advance(1200)
    (after,) = it.nodes()
    assert (after["InstanceId"] != node, after["InstanceStatus"]["Status"]) == (True, "Running")


def test_without_notice_the_instance_goes_at_once(spot):
    it, node = spot()
    it.sim.world.interrupt_spot("ml", node, notice=0)
    it.sim.clock.advance(1)
    assert {one["InstanceId"]: one["InstanceStatus"]["Status"] for one in it.nodes()}[node] == "ShuttingDown"


def test_what_is_not_spot_is_not_interrupted(account):
    it = account()
    it.create()
    with pytest.raises(ValueError, match="no Spot instance"):
        it.sim.world.interrupt_spot("ml", it.nodes()[0]["InstanceId"])


def test_spot_quotas_are_their_own(account, outcome):
    it = account(spot_quotas={"ml.g5.8xlarge": 1}, instance_quotas={"ml.g5.8xlarge": 2})
    it.create(it.group(count=2), it.group("spot", 1, **SPOT), NodeProvisioningMode="Continuous")
    assert outcome(it.update, it.group("spot", 2, **SPOT)) == "ResourceLimitExceeded"
    assert outcome(it.update, it.group(count=3)) == "ResourceLimitExceeded"
