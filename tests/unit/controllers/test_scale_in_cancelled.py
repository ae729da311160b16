"""A scale-in that is cancelled: the taint comes off again, soon, and not before AWS is done with the node."""

import pytest
from tests.unit.controllers.rig import pause
from tests.unit.controllers.test_scale_in_workloads import Kubernetes, gpu
from tests.unit.controllers.test_scale_in_workloads import kube as kube  # a fixture
from tests.unit.core.builders import FORMER, OTHERS

from hyperpod_operator.core.ports import KubernetesError, StaleObject
from hyperpod_testbed.simulator import Fault


async def scaling_in(kube: Kubernetes) -> str:
    """A scale-in by one node waits for the pods that run on all of them; the instance that is held for it."""
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(3))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    (held,) = kube.held
    return held


async def cancelled(kube: Kubernetes, error: Exception) -> str:
    """A scale-in waits and is cancelled, and the API server refuses to take the taint off; the Node."""
    held = await scaling_in(kube)
    kube.unwritable = {f"hyperpod-{held}": error}
    kube.rig.apply(gpu(4))
    return f"hyperpod-{held}"


async def test_a_taint_that_did_not_come_off_is_tried_again_soon_and_then_ever_later(kube: Kubernetes) -> None:
    await cancelled(kube, KubernetesError(status=500, message="no"))
    pauses = [pause(await kube.rig.step()) for _ in range(12)]
    debounce, resync = kube.rig.timings.debounce, kube.rig.timings.resync
    assert pauses[:4] == [debounce, 2 * debounce, 4 * debounce, 8 * debounce]
    assert max(pauses) == pauses[-1] == resync
    kube.unwritable.clear()
    await kube.rig.rest()
    assert kube.held == []


async def test_a_node_that_changed_meanwhile_is_tried_again_without_a_word(kube: Kubernetes) -> None:
    name = await cancelled(kube, StaleObject("changed"))
    outcome = await kube.rig.step()
    assert pause(outcome) == kube.rig.timings.debounce
    assert kube.rig.condition("Ready")["status"] == "True"
    kube.unwritable.pop(name)
    await kube.rig.step()
    assert kube.held == []


@pytest.mark.parametrize(("status", "stalled"), [(403, True), (500, False)])
async def test_a_taint_that_the_api_server_keeps_is_said(kube: Kubernetes, status: int, stalled: bool) -> None:
    name = await cancelled(kube, KubernetesError(status=status, message="a policy says no."))
    for _ in range(3):
        await kube.rig.step()
    assert kube.rig.condition("Ready")["reason"] == "NodesStillTainted"
    assert f"{name} (a policy says no)" in kube.rig.condition("Ready")["message"]
    assert (kube.rig.condition("Stalled").get("status") == "True") is stalled
    kube.unwritable.clear()
    await kube.rig.rest()
    assert kube.held == []
    assert kube.rig.condition("Ready")["status"] == "True"


async def test_the_next_try_after_a_success_is_soon_again(kube: Kubernetes) -> None:
    await cancelled(kube, KubernetesError(status=500, message="no"))
    for _ in range(6):
        await kube.rig.step()
    kube.unwritable.clear()
    await kube.rig.rest()
    kube.rig.apply(gpu(3))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    (held,) = kube.held
    kube.unwritable = {f"hyperpod-{held}": KubernetesError(status=500, message="no")}
    kube.rig.apply(gpu(4))
    assert pause(await kube.rig.step()) == kube.rig.timings.debounce


async def test_a_node_that_aws_was_asked_to_end_and_does_not_is_given_back_when_the_call_must_be_visible(
    kube: Kubernetes,
) -> None:
    kube.rig.simulator.faults.add(Fault("BatchDeleteClusterNodes", "drop", times=1))
    kube.rig.apply(gpu(3))
    while not kube.rig.calls("BatchDeleteClusterNodes"):
        await kube.rig.step()
    asked = kube.rig.clock.monotonic()
    (held,) = kube.held
    kube.rig.apply(gpu(4))
    for _ in range(60):
        await kube.rig.step()
        if held not in kube.held:
            break
    assert held not in kube.held
    assert kube.rig.timings.rest <= kube.rig.clock.monotonic() - asked <= 3 * kube.rig.timings.resync
    await kube.rig.rest()
    assert len(kube.instances()) == 4


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("owner", [OTHERS, FORMER])
async def test_nodes_of_a_cluster_that_others_took_over_meanwhile_are_given_back(
    kube: Kubernetes, owner: dict[str, str], paused: bool
) -> None:
    await scaling_in(kube)
    kube.rig.simulator.world.set_tags("research", owner)
    kube.rig.apply({**gpu(3), "management": {"paused": paused}})
    await kube.rig.until("NotOwned")
    await kube.rig.step()
    assert kube.held == []


async def test_nodes_of_a_cluster_whose_tags_were_taken_off_stay_held(kube: Kubernetes) -> None:
    await scaling_in(kube)
    kube.rig.simulator.world.set_tags("research", {})
    await kube.rig.until("NotOwned")
    await kube.rig.step()
    assert len(kube.held) == 1
