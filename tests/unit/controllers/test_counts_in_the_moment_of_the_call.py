"""What others change between a decision and its call is not taken back by the call, whatever the change policy."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import Rig
from tests.unit.controllers.test_counts import sagemaker
from tests.unit.controllers.test_life import THEIRS
from tests.unit.controllers.test_scale_in_workloads import Kubernetes
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.aws.sagemaker.clusters import SageMaker


def counted(gpu: int, **members: Any) -> dict[str, Any]:
    return spec(instanceGroups=[group_spec("gpu", gpu)], **members)


@pytest.fixture
def just_before(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has something done once after the operator decided on a call, UpdateCluster by default, and before it is sent."""

    def arrange(happens: Callable[[], None], call: str = "update") -> None:
        sends, told = getattr(SageMaker, call), []

        async def later(self: SageMaker, **how: Any) -> Any:
            if not told:
                told.append(True)
                happens()
            return await sends(self, **how)

        monkeypatch.setattr(SageMaker, call, later)

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


@pytest.mark.parametrize("how", ["by name", "by count"])
async def test_a_scale_in_ends_no_more_nodes_than_others_left_above_the_count(
    rig: Rig, just_before: Any, how: str
) -> None:
    kube = Kubernetes(rig)
    rig.apply(counted(4))
    await rig.rest()
    kube.join()
    first, second, *_ = reversed(kube.instances())

    def scaled_in_by_others() -> None:
        if how == "by name":
            sagemaker().batch_delete_cluster_nodes(ClusterName="research", NodeIds=[first, second])
        else:
            rig.simulator.world.scale_out_of_band("research", "gpu", 2)
        rig.simulator.clock.advance(1200)

    just_before(scaled_in_by_others, call="delete_nodes")
    rig.apply(counted(2))
    for _ in range(20):
        await rig.step()
    assert len(kube.instances()) == 2
    assert rig.operations() == ["CreateCluster"] + ["BatchDeleteClusterNodes"] * (how == "by name")
    assert rig.condition("Ready")["status"] == "True"
