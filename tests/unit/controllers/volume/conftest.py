"""A rig for each test, with a HyperPod cluster of three nodes, and no time lost in gathering reads."""

from collections.abc import Callable, Iterator

import pytest
from tests.unit.controllers.conftest import MakeSimulator
from tests.unit.controllers.volume.rig import VolumeRig
from tests.unit.controllers.volume.scenes import add_cluster

from hyperpod_operator.aws.ec2 import gathered

MakeRig = Callable[..., VolumeRig]


@pytest.fixture
def make_rig(make_simulator: MakeSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRig]:
    """A rig whose simulator has these options, or shares the simulator of another rig."""
    monkeypatch.setattr(gathered, "GATHER", 0.0)
    made: list[VolumeRig] = []

    def make(*, beside: VolumeRig | None = None, **options: object) -> VolumeRig:
        if beside is not None:
            made.append(VolumeRig(beside.simulator))
            return made[-1]
        simulator = make_simulator(**options)
        add_cluster(simulator)
        made.append(VolumeRig(simulator))
        return made[-1]

    yield make
    for rig in made:
        rig.cloud.close()


@pytest.fixture
def rig(make_rig: MakeRig) -> VolumeRig:
    return make_rig()
