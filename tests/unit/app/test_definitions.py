"""Definitions of another version: a log line, a metric, an Event, and no end of the start."""

from typing import Any, cast

import pytest

from hyperpod_operator.api.kinds import CLUSTER, VOLUME_CLAIM
from hyperpod_operator.app import definitions
from hyperpod_operator.core.ports import Event, Events, KubernetesError, StoredObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.skew import Skew
from hyperpod_operator.runtime.metrics import PrometheusMetrics

SKEW = Skew(kind="HyperPodCluster", plural="hyperpodclusters", missing=("spec.a", "spec.b"), unknown=("spec.c",))


class Recorded:
    def __init__(self) -> None:
        self.told: list[tuple[StoredObject, Event]] = []

    def publish(self, *, about: StoredObject, event: Event) -> None:
        self.told.append((about, event))


async def compared(monkeypatch: pytest.MonkeyPatch, found: Any) -> tuple[tuple[Skew, ...], PrometheusMetrics]:
    async def look(*_: Any, **__: Any) -> tuple[Skew, ...]:
        if isinstance(found, Exception):
            raise found
        return cast("tuple[Skew, ...]", found)

    monkeypatch.setattr(definitions, "look", look)
    metrics = PrometheusMetrics()
    kinds = (CLUSTER, VOLUME_CLAIM)
    return await definitions.compare(cast(ApiServer, None), kinds=kinds, metrics=metrics), metrics


def gauge(metrics: PrometheusMetrics, plural: str, difference: str) -> float | None:
    labels = {"plural": plural, "difference": difference}
    return metrics.registry.get_sample_value("hyperpod_operator_definition_differences", labels)


async def test_what_differs_is_logged_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found, metrics = await compared(monkeypatch, (SKEW,))
    assert found == (SKEW,)
    assert "The installed definition of HyperPodCluster lacks members" in caplog.text
    assert gauge(metrics, "hyperpodclusters", "missing") == 2
    assert gauge(metrics, "hyperpodclusters", "unknown") == 1
    assert gauge(metrics, "ebsvolumeclaims", "missing") == 0


async def test_a_server_that_does_not_say_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found, metrics = await compared(monkeypatch, KubernetesError(status=404, message="no"))
    assert found == ()
    assert "could not be compared" in caplog.text
    assert gauge(metrics, "hyperpodclusters", "missing") is None


def test_an_event_is_about_the_definition() -> None:
    recorded = Recorded()
    definitions.announce((SKEW,), cast(Events, recorded))
    ((about, event),) = recorded.told
    assert (about.body["kind"], about.key.name) == (
        "CustomResourceDefinition",
        "hyperpodclusters.hyperpod-operator.dev",
    )
    assert (event.type, event.reason) == ("Warning", "DefinitionDiffers")
