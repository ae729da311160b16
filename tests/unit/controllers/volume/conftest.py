"""A rig for each test, with a HyperPod cluster of three nodes, and no time lost in gathering reads."""

from collections.abc import Callable, Iterator

import pytest
from tests.unit.controllers.volume.rig import VolumeRig
from tests.unit.controllers.volume.scenes import add_cluster

from hyperpod_operator.aws import volume_reads
from hyperpod_testbed.simulator import Options, Simulator

MakeRig = Callable[..., VolumeRig]


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRig]:
    """A rig whose simulator has these options, or shares the simulator of another rig."""
    monkeypatch.setattr(volume_reads, "GATHER", 0.0)
    made: list[VolumeRig] = []

    def make(*, beside: VolumeRig | None = None, **options: object) -> VolumeRig:
        if beside is not None:
            made.append(VolumeRig(beside.simulator))
            return made[-1]
        simulator = Simulator(account="111122223333", speed=0, options=Options(**options)).start()  # type: ignore[arg-type]
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        add_cluster(simulator)
        made.append(VolumeRig(simulator))
        return made[-1]

    yield make
    for rig in made:
        rig.cloud.close()
    for simulator in {id(rig.simulator): rig.simulator for rig in made}.values():
        simulator.stop()
        assert not simulator.core.broken_responses


@pytest.fixture
def rig(make_rig: MakeRig) -> VolumeRig:
    return make_rig()
