"""Events as the real API server takes them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hyperpod_operator.core.ports import Event, Key, StoredObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.events import series
from hyperpod_operator.kube.events.recorder import EventRecorder
from hyperpod_testbed.control_plane import ControlPlane

EVENT = Event(type="Warning", reason="QuotaExceeded", action="CreateCluster", message="Ask for more.")


@pytest.fixture(scope="module", autouse=True)
def crds(control_plane: ControlPlane) -> None:
    control_plane.install_crds(Path(__file__).parents[2] / "crds")


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Lost:
    count = 0

    def __call__(self, count: int) -> None:
        self.count += count


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
async def recorder(control_plane: ControlPlane, lost: Lost) -> AsyncIterator[EventRecorder]:
    api = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
    recorder = EventRecorder(api, clock=Clock(), dropped=lost, instance="pod-1")
    recorder.start()
    yield recorder
    await recorder.stop()
    await api.close()


@pytest.fixture
def about(namespace: str) -> StoredObject:
    return StoredObject(
        key=Key(namespace, "blue"),
        uid="11111111-2222-3333-4444-555555555555",
        resource_version="7",
        generation=1,
        deleting=False,
        finalizers=(),
        annotations={},
        body={"apiVersion": "hyperpod-operator.dev/v1alpha1", "kind": "HyperPodCluster"},
    )


@pytest.fixture
def written(control_plane: ControlPlane, namespace: str) -> Callable[[], list[dict[str, Any]]]:
    def written() -> list[dict[str, Any]]:
        shown = control_plane.kubectl("-n", namespace, "get", "events.events.k8s.io", "-o", "json").stdout
        items: list[dict[str, Any]] = json.loads(shown)["items"]
        return [item for item in items if item["reason"] == EVENT.reason]

    return written


Written = Callable[[], list[dict[str, Any]]]


async def test_an_event_is_stored_as_it_was_meant(
    recorder: EventRecorder, about: StoredObject, written: Written, lost: Lost
) -> None:
    recorder.publish(about=about, event=EVENT)
    await recorder.stop()
    (event,) = written()
    assert (event["type"], event["action"], event["note"]) == ("Warning", "CreateCluster", "Ask for more.")
    assert (event["reportingController"], event["reportingInstance"]) == ("hyperpod-operator", "pod-1")
    assert event["regarding"]["name"] == "blue"
    assert lost.count == 0


async def test_repetitions_become_a_series(
    recorder: EventRecorder,
    about: StoredObject,
    written: Written,
    lost: Lost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(series, "BETWEEN_COUNTS", 0.2)
    for _ in range(4):
        recorder.publish(about=about, event=EVENT)
        await asyncio.sleep(0.3)
    await recorder.stop()
    (event,) = written()
    assert event["series"]["count"] == 4
    assert lost.count == 0


async def test_kubectl_describe_finds_it(
    recorder: EventRecorder, about: StoredObject, control_plane: ControlPlane, namespace: str
) -> None:
    recorder.publish(about=about, event=EVENT)
    await recorder.stop()
    shown = control_plane.kubectl("-n", namespace, "events", "--for=HyperPodCluster/blue").stdout
    assert "Ask for more." in shown


async def test_an_event_of_a_namespace_that_is_gone_is_not_lost_and_holds_up_no_stop(
    recorder: EventRecorder, about: StoredObject, lost: Lost
) -> None:
    elsewhere = StoredObject(
        key=Key("no-such-namespace", "blue"),
        uid=about.uid,
        resource_version="7",
        generation=1,
        deleting=False,
        finalizers=(),
        annotations={},
        body=about.body,
    )
    recorder.publish(about=elsewhere, event=EVENT)
    await recorder.stop()
    assert lost.count == 0
