"""The operator as a process, started with another Region than the one where its clusters are, and back again."""

from collections.abc import Iterator

import pytest
from tests.integration.test_operator_process import SPEED, Kubectl, is_true, manifest, mutations

from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.stack import FAST, OperatorProcess, Stack


@pytest.fixture
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    """An operator of its own, because it is restarted with other flags."""
    with Stack(plane=control_plane, speed=SPEED) as running:
        yield running


def restart(stack: Stack, *flags: str) -> None:
    """The same installation as a new process with more flags."""
    stack.operator.stop()
    stack.operator = OperatorProcess(
        kubeconfig=stack.kubeconfig,
        environment=stack.simulator.environment(),
        log=stack.plane.directory / "operator-elsewhere.log",
        flags=(*account.FLAGS, *FAST, *flags),
    ).start()


def wrong(ready: dict[str, str]) -> bool:
    return ready["reason"] == "WrongAccountOrRegion"


def kept(ready: dict[str, str]) -> bool:
    """Whether the operator has looked at the deletion: only then does its message name the annotation."""
    return wrong(ready) and "hyperpod-operator.dev/abandon" in ready["message"]


def test_another_region_changes_and_releases_nothing_and_the_right_one_goes_on(stack: Stack, namespace: str) -> None:
    kubectl = Kubectl(stack, namespace)
    kubectl.apply(manifest("settled"))
    kubectl.wait("settled", is_true)
    arn, before = kubectl.hpc("settled")["status"]["clusterArn"], mutations(stack, "settled")

    restart(stack, "--region=eu-west-1")
    ready = kubectl.wait("settled", wrong)
    assert "another Region" in ready["message"]
    stalled = [item for item in kubectl.hpc("settled")["status"]["conditions"] if item["type"] == "Stalled"]
    assert [item["reason"] for item in stalled] == ["WrongAccountOrRegion"]
    assert kubectl.hpc("settled")["status"]["clusterArn"] == arn

    kubectl("delete", "hpc", "settled", "--wait=false")
    kubectl.wait("settled", kept)
    found = kubectl.hpc("settled")
    assert found["metadata"]["finalizers"] == ["hyperpod-operator.dev/hyperpodcluster"]
    assert found["status"]["clusterArn"] == arn
    assert mutations(stack, "settled") == before
    assert not [call for call in stack.simulator.log.calls() if call.mutating and call.region == "eu-west-1"]

    restart(stack)
    kubectl("wait", "--for=delete", "hpc/settled", "--timeout=60s")
    assert mutations(stack, "settled").count("CreateCluster") == 1
