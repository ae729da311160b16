"""What is held of the phase of a pod."""

from datetime import UTC, datetime

import msgspec
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


@pytest.mark.parametrize(("word", "ready"), [("True", True), ("False", False), ("Unknown", False), (None, False)])
def test_a_pod_is_ready_by_its_condition(word: str | None, *, ready: bool) -> None:
    shown = [{"type": "Initialized", "status": "True"}, *([{"type": "Ready", "status": word}] if word else [])]
    body = {"metadata": {"name": "a"}, "status": {"phase": "Running", "conditions": shown}}
    assert PodFactory().pod(msgspec.convert(body, PodObject)).pod.is_ready is ready


def test_when_a_pod_came_and_until_when_it_may_stay() -> None:
    metadata = {"creationTimestamp": "2026-11-23T12:00:00Z", "deletionTimestamp": "2026-11-23T12:05:00Z"}
    found = PodFactory().pod(msgspec.convert({"metadata": {"name": "a", **metadata}}, PodObject)).pod
    assert found.created_at == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert found.deleting_since == datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
