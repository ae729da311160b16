"""A short soak of the real process, and proof that each of its invariants can break."""

import os
import random
from collections.abc import Iterator

import pytest

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.soak.command import table
from hyperpod_testbed.soak.run import Soak, SoakPlan, SoakResult
from hyperpod_testbed.stack import FAST, Stack


@pytest.fixture(scope="module")
def plan() -> SoakPlan:
    """Short, with another seed each time (HYPERPOD_SOAK_SEED sets it); a failure shows it in the captured output."""
    return SoakPlan(
        seed=int(os.environ.get("HYPERPOD_SOAK_SEED") or random.SystemRandom().randrange(1_000_000)),
        seconds=48.0,
        turbulence=0.5,
        clusters=12,
        edit_every=0.4,
        restart_every=5.0,
        warm_up=15.0,
        alone=10.0,
        patience=90.0,
        line_every=10.0,
        sample_every=0.5,
    )


@pytest.fixture(scope="module")
def result(control_plane: ControlPlane, plan: SoakPlan) -> Iterator[SoakResult]:
    namespace = f"soak-{plan.seed}"
    # What other tests left behind on the shared control plane is not this run's business.
    with Stack(plane=control_plane, speed=plan.speed, flags=(*FAST, f"--namespace={namespace}")) as stack:
        soak = Soak(stack, plan, namespace=namespace)
        soak.objects.create_namespace()
        yield soak.run()
        stack.plane.kubectl("delete", "namespace", soak.objects.namespace, "--wait=false")


@pytest.mark.slow
@pytest.mark.control_plane
@pytest.mark.timeout(400)
@pytest.mark.fault(26)
def test_a_minute_of_edits_faults_and_restarts_breaks_no_invariant(result: SoakResult) -> None:
    assert result.breaches == [], table(result)
    assert set(result.restarts) == {"SIGKILL", "SIGTERM"}
    assert {"create", "scale"} <= set(result.moves)
    assert result.trends
