"""A rig for each test, with AWS's variables pointing at its simulator."""

from collections.abc import Callable, Iterator

import pytest
from tests.unit.controllers.rig import Rig

from hyperpod_testbed.simulator import Options, Simulator


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rig]]:
    """A rig whose simulator has these options and a clock that only the rig moves."""
    made: list[Rig] = []

    def make(**options: object) -> Rig:
        simulator = Simulator(account="111122223333", speed=0, options=Options(**options)).start()  # type: ignore[arg-type]
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        made.append(Rig(simulator))
        return made[-1]

    yield make
    for rig in made:
        rig.cloud.close()
        rig.simulator.stop()
        assert not rig.simulator.core.broken_responses


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()
