"""What is held of the phase of a pod."""

import pytest

from hyperpod_operator.kube.pods.decoding import Metadata, PodObject, Spec, Status
from hyperpod_operator.kube.pods.index import PodFactory


@pytest.mark.parametrize(
    ("phase", "finished", "pending"),
    [
        ("Pending", False, True),
        ("Running", False, False),
        ("Succeeded", True, False),
        ("Failed", True, False),
        ("Unknown", False, False),
        ("", False, False),
    ],
)
def test_a_phase_says_whether_a_pod_stays_and_whether_it_runs_yet(phase: str, finished: bool, pending: bool) -> None:
    found = PodObject(
        metadata=Metadata(name="a", namespace="team", uid="u"), spec=Spec(node_name="n"), status=Status(phase=phase)
    )
    pod = PodFactory().pod(found).pod
    assert (pod.is_finished, pod.is_pending) == (finished, pending)
