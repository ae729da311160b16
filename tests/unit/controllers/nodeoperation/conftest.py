"""A rig for each test, with a HyperPod cluster of three nodes that its object owns."""

from collections.abc import Callable, Iterator

import pytest
from tests.unit.controllers.nodeoperation.rig import OperationRig

from hyperpod_testbed.simulator import Options, Simulator

MakeRig = Callable[..., OperationRig]


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRig]:
    """A rig whose simulator has these options."""
    made: list[OperationRig] = []

    def make(*, nodes: int = 3, restricted: bool = False, **options: object) -> OperationRig:
        simulator = Simulator(account="111122223333", speed=0, options=Options(**options)).start()  # type: ignore[arg-type]
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        made.append(OperationRig(simulator, nodes=nodes, restricted=restricted))
        return made[-1]

    yield make
    for rig in made:
        rig.cloud.close()
        rig.simulator.stop()
        assert not rig.simulator.core.broken_responses


@pytest.fixture
def rig(make_rig: MakeRig) -> OperationRig:
    return make_rig()
