"""What others change between a decision and its call is not taken back by the call, whatever the change policy."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import Rig
from tests.unit.controllers.test_life import THEIRS
from tests.unit.controllers.test_scale_in_workloads import Kubernetes
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.aws.sagemaker.clusters import SageMaker


def counted(gpu: int, **members: Any) -> dict[str, Any]:
    return spec(instanceGroups=[group_spec("gpu", gpu)], **members)


@pytest.fixture
def just_before(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something done once after the operator decided on UpdateCluster and before it is sent."""

    def arrange(happens: Callable[[], None]) -> None:
        update, told = SageMaker.update, []

        async def later(self: SageMaker, **how: Any) -> Any:
            if not told:
                told.append(True)
                happens()
            return await update(self, **how)

        monkeypatch.setattr(SageMaker, "update", later)

    return arrange


async def test_a_scale_out_ends_no_node_that_others_just_added(rig: Rig, just_before: Any) -> None:
    kube = Kubernetes(rig)
    rig.apply(counted(2))
    await rig.rest()

    def scaled_out_by_others() -> None:
        rig.simulator.world.scale_out_of_band("research", "gpu", 6)
        rig.simulator.clock.advance(3600)
        kube.join()

    just_before(scaled_out_by_others)
    rig.apply(counted(3))
    for _ in range(20):
        await rig.step()
    assert len(kube.instances()) == 6
    assert rig.condition("Ready")["reason"] == "ScaledOutside"


async def test_a_group_that_others_just_added_is_in_the_call(rig: Rig, just_before: Any) -> None:
    rig.apply(counted(2))
    await rig.rest()
    just_before(lambda: rig.simulator.world.add_group_out_of_band("research", THEIRS))
    rig.apply(counted(3))
    await rig.rest()
    (call,) = rig.calls("UpdateCluster")
    assert {one["InstanceGroupName"] for one in call.parameters["InstanceGroups"]} == {
        "gpu",
        THEIRS["InstanceGroupName"],
    }
