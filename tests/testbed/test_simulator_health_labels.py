"""What a Node says of its faults: labels, annotation, conditions, as views, without a control plane."""

import json

import pytest

from hyperpod_testbed.simulator import node_objects
from hyperpod_testbed.simulator.node_objects import FAULT_DETAILS, FAULT_REASONS, FAULT_TYPES, HEALTH


class OneNode:
    """An account with one node that nobody repairs."""

    def __init__(self, it, type_name):
        self.sim = it.sim
        it.create(it.group(count=1, InstanceType=type_name), NodeProvisioningMode="Continuous", NodeRecovery="None")
        (self.name,) = it.sim.health.report()

    def fail(self, fault, reason="Because", **arguments):
        self.sim.health.fail(node=self.name, fault=fault, reason=reason, **arguments)

    def recover(self):
        self.sim.health.recover(node=self.name)

    def view(self):
        with self.sim.core.present() as sim:
            return node_objects.view(*sim.account.place(self.name.removeprefix("hyperpod-")), sim.options)

    def details(self):
        return [one["type"] for one in json.loads(self.view().annotations[FAULT_DETAILS])]


@pytest.fixture
def node(account):
    return lambda type_name="ml.p5.48xlarge", **options: OneNode(account(**options), type_name)


@pytest.mark.parametrize(
    ("answer", "types", "reasons"), [("joined", "One_Two", "Because"), ("latest", "Two", "Because")]
)
def test_fault_labels(node, answer, types, reasons):
    it = node(fault_labels=answer)
    it.fail("One")
    it.fail("Two")
    it.fail("Two")
    labels = it.view().labels
    assert (labels[FAULT_TYPES], labels[FAULT_REASONS]) == (types, reasons)


def test_many_faults_fit_a_label(node):
    it = node()
    for number in range(5):
        it.fail(f"{number}{'x' * 29}")
    assert it.view().labels[FAULT_TYPES] == f"0{'x' * 29}_1{'x' * 29}"


@pytest.mark.parametrize(("answer", "labels"), [("removed", None), ("kept", "One")])
def test_fault_labels_after_recovery(node, answer, labels):
    it = node(fault_labels_after_recovery=answer)
    it.fail("One")
    it.recover()
    assert it.view().labels.get(FAULT_TYPES) == labels
    assert it.view().labels[HEALTH] == "Schedulable"


def test_fault_details_kept(node):
    it = node(fault_details_kept=3)
    for number in range(5):
        it.fail(f"Fault{number}")
    assert it.details() == ["Fault2", "Fault3", "Fault4"]
    it.recover()
    assert it.details() == ["Fault2", "Fault3", "Fault4"]


def test_a_node_without_faults_has_no_details(node):
    assert node().view().annotations[FAULT_DETAILS] is None


@pytest.mark.parametrize(
    ("type_name", "told"), [("ml.g5.8xlarge", ["One"]), ("ml.trn1.32xlarge", []), ("ml.trn2.48xlarge", [])]
)
def test_faults_are_conditions_on_gpu_nodes_alone(node, type_name, told):
    it = node(type_name)
    it.fail("One")
    assert [fault.type for fault in it.view().faults] == told
    assert (it.view().labels[FAULT_TYPES], it.view().tainted) == ("One", True)


def test_a_condition_tells_the_newest_fault_of_its_type(node):
    it = node()
    it.fail("One", "First")
    it.recover()
    it.fail("One", "Second")
    (told,) = it.view().faults
    assert (told.reason, told.active) == ("Second", True)


@pytest.mark.parametrize(
    ("wanted", "label"),
    [("reboot", "PendingReboot"), ("replace", "PendingReplacement"), (None, "")],
)
def test_a_forgotten_taint_leaves_the_label(node, wanted, label):
    it = node()
    it.fail("One", recovery=wanted, taint=False)
    assert (it.view().labels[HEALTH], it.view().tainted) == (f"Unschedulable{label}", False)


def test_taints_are_forgotten_and_remembered_by_group(node):
    it = node()
    it.sim.health.forget_taints("ml", "workers")
    it.fail("One")
    assert not it.view().tainted
    it.sim.health.remember_taints("ml", "workers")
    it.fail("Two")
    assert it.view().tainted
