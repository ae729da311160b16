"""A simulator and a controller for all cases of a file, and the API server with our CRD."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.generated.bases import examples, grown
from tests.generated.server import Server
from tests.generated.trial import Trial

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Options, Simulator

CRDS = Path(__file__).parents[2] / "crds"
NAMESPACE = "generated"
ORDERS = 2
"""Orders in which an example grows: members that exclude each other come first in turn."""


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    simulator = Simulator(options=Options.crowded(), account="111122223333", speed=0)
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner, simulator:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        for name, value in simulator.environment().items():
            patch.setenv(name, value)
        made = Trial(simulator, runner)
        yield made
        made.rig.cloud.close()


@pytest.fixture(scope="module")
def server(control_plane: ControlPlane) -> Iterator[Server]:
    control_plane.install_crds(CRDS)
    control_plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    served = Server(control_plane, namespace=NAMESPACE)
    yield served
    served.close()
    control_plane.api.delete("namespaces", NAMESPACE)


@pytest.fixture(scope="module")
def bases(server: Server, trial: Trial) -> list[dict[str, Any]]:
    """The examples, and what the smallest and the largest grow to: all are admitted, and AWS makes clusters of them."""

    def admits(spec: dict[str, Any]) -> bool:
        answer = server.create("research", spec, dry_run=True)
        return answer.admitted and trial.is_taken_by_aws(answer.body["spec"])

    ends = (examples()[0], examples()[-1])
    return [*examples(), *(grown(spec, admits=admits, seed=seed) for spec in ends for seed in range(ORDERS))]
