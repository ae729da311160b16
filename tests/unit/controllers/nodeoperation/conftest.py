"""A rig for each test, with a HyperPod cluster of three nodes that its object owns."""

from collections.abc import Callable, Iterator

import pytest
from tests.unit.controllers.conftest import MakeSimulator
from tests.unit.controllers.nodeoperation.rig import OperationRig

MakeRig = Callable[..., OperationRig]


@pytest.fixture
def make_rig(make_simulator: MakeSimulator) -> Iterator[MakeRig]:
    """A rig whose simulator has these options."""
    made: list[OperationRig] = []

    def make(*, nodes: int = 3, restricted: bool = False, **options: object) -> OperationRig:
        simulator = make_simulator(**options)
        made.append(OperationRig(simulator, nodes=nodes, restricted=restricted))
        return made[-1]

    yield make
    for rig in made:
        rig.cloud.close()


@pytest.fixture
def rig(make_rig: MakeRig) -> OperationRig:
    return make_rig()
