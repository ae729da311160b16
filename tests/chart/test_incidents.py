"""Incidents lived through with the simulator, an hour and more of them, and which alerts fire by the real promtool."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.auth import SigV4Auth
from botocore.exceptions import NoCredentialsError
from prometheus_client.parser import text_string_to_metric_families
from tests.chart.test_alerts import ALERTS
from tests.unit.controllers.conftest import make_rig, make_simulator, rig
from tests.unit.controllers.rig import KEY, UNLIMITED, Rig, pause
from tests.unit.controllers.test_life import two

from hyperpod_operator.api.metrics.load import RECONCILES
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.core.outcome import Failed
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.timings import Timings
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.queue import FIRST_BACKOFF, LONGEST_BACKOFF
from hyperpod_testbed.control_plane.tools import tool
from hyperpod_testbed.simulator import Fault

__all__ = ["make_rig", "make_simulator", "rig"]
pytestmark = pytest.mark.long  # promtool takes ten minutes to build

MINUTE = 60.0
CALM, INCIDENT, AFTER = 60, 100, 60
"""Minutes."""
FIRING = 'count by (alertname) (ALERTS{alertstate="firing"}) or label_replace(vector(0), "alertname", "none", "", "")'


class Watched:
    """A cluster of the rig, and what Prometheus reads of its operator each minute."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.metrics = rig, PrometheusMetrics()
        self._minutes, self._failures = 0, 0
        self._series: dict[str, list[str]] = {}
        self._due = rig.clock.monotonic()
        self.metrics.leading(True)
        rig.cloud.close()
        settings = CloudSettings(region="us-west-2", reads=UNLIMITED, writes=UNLIMITED, threads=4, read_timeout=5)
        rig.cloud = AwsCloud(settings=settings, on_call=self._called)
        rig.timings = Timings()
        rig.restart()

    async def live(self, minutes: int) -> None:
        clock = self.rig.simulator.clock
        for _ in range(minutes):
            end = clock.now() + MINUTE
            while self._due <= end:
                clock.advance(max(0.0, self._due - clock.now()))
                await self._pass()
            clock.advance(max(0.0, end - clock.now()))
            self._scrape()

    async def _pass(self) -> None:
        outcome = await self.rig.controller.reconcile(KEY, self._failures)
        self.metrics.inc(RECONCILES, "cluster", type(outcome).__name__, str(getattr(outcome, "reason", "")))
        wait = max(pause(outcome), 0.5)
        if isinstance(outcome, Failed):
            wait = max(outcome.at_least, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0**self._failures))
        self._failures = self._failures + 1 if isinstance(outcome, Failed) else 0
        self._due = self.rig.simulator.clock.now() + wait

    def _called(self, *, operation: str, code: str, seconds: float, purpose: str) -> None:
        self.metrics.aws_call(operation, code, seconds, purpose)

    def _scrape(self) -> None:
        if KEY in self.rig.recorder.states:
            self.metrics.object_state(kind="cluster", key=KEY, status=self.rig.recorder.states[KEY])
        for family in text_string_to_metric_families(self.metrics.text().decode()):
            for sample in family.samples:
                if sample.name.startswith("hyperpod_") and "le" not in sample.labels:
                    labels = {**sample.labels, "job": "op", "instance": "a"}
                    name = f"{sample.name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in labels.items())}}}"
                    self._series.setdefault(name, ["_"] * self._minutes).append(str(sample.value))
        self._minutes += 1
        for values in self._series.values():
            values += ["_"] * (self._minutes - len(values))

    def firing(self, folder: Path, *, minute: int) -> set[str]:
        """Names of the alerts that fire then: promtool is asked to expect what is not, and shows what is."""
        asked = {"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": -1}]}
        series = [{"series": name, "values": " ".join(values)} for name, values in self._series.items()]
        test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
        cases = folder / f"{minute}.yaml"
        cases.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [test]}))
        words = [tool("promtool"), "test", "rules", str(cases)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        (got,) = re.findall(r"got:(.*)", done.stdout + done.stderr)
        return set(re.findall(r'alertname="(\w+)', got)) - {"none"}


def throttled(rig: Rig) -> None:
    rig.simulator.faults.add(Fault(operation="*", kind="throttle"))


def unreachable(rig: Rig) -> None:
    rig.simulator.faults.add(Fault(operation="*", kind="drop"))


def server_errors(rig: Rig) -> None:
    rig.simulator.faults.add(Fault(operation="*", kind="error"))


def wrong_clock(rig: Rig) -> None:
    rig.simulator.access.skew_clock(900)


def denied(rig: Rig) -> None:
    rig.simulator.access.deny("DescribeCluster")


def well(rig: Rig) -> None:
    del rig


def unapproved(rig: Rig) -> None:
    rig.apply({**two(6), "management": {"changePolicy": "ApproveAll"}})


def paused(rig: Rig) -> None:
    rig.apply({**two(6), "management": {"paused": True}})


NOT_READY, STALLED = "HyperPodClusterNotReady", "HyperPodClusterStalled"
INCIDENTS: list[tuple[Callable[[Rig], None], set[str]]] = [
    (throttled, {"HyperPodOperatorThrottledByAWS", NOT_READY}),
    (unreachable, {"HyperPodOperatorWithoutAWS", NOT_READY}),
    (server_errors, {"HyperPodOperatorWithoutAWS", NOT_READY}),
    (wrong_clock, {"HyperPodOperatorDeniedByAWS", STALLED, NOT_READY}),
    (denied, {"HyperPodOperatorDeniedByAWS", STALLED, NOT_READY}),
    (well, set()),
    (unapproved, {"HyperPodApprovalWaiting"}),
    (paused, set()),
]


@pytest.mark.parametrize(("trouble", "alerts"), INCIDENTS, ids=[trouble.__name__ for trouble, _ in INCIDENTS])
async def test_an_incident_fires_its_alerts_and_no_others(
    rig: Rig, tmp_path: Path, trouble: Callable[[Rig], None], alerts: set[str]
) -> None:
    rig.apply(two())
    watched = Watched(rig)
    await watched.live(CALM)
    trouble(rig)
    await watched.live(INCIDENT)
    rig.simulator.faults.clear()
    rig.simulator.access.clear()
    rig.apply(two())
    await watched.live(AFTER)
    assert watched.firing(tmp_path, minute=CALM - 1) == set()
    assert watched.firing(tmp_path, minute=CALM + INCIDENT - 1) == alerts
    assert watched.firing(tmp_path, minute=CALM + INCIDENT + AFTER - 1) == set()


async def test_an_object_whose_passes_break_off_looks_ready_and_fires_an_alert(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else says so: a pass that breaks off writes no status."""

    async def refused(*_: Any) -> None:
        raise KubernetesError(status=500, message="the API server failed")

    rig.apply(two())
    watched = Watched(rig)
    await watched.live(CALM)
    monkeypatch.setattr(rig.objects, "read", refused)
    await watched.live(INCIDENT)
    assert rig.condition("Ready")["status"] == "True"
    assert watched.firing(tmp_path, minute=CALM + INCIDENT - 1) == {"HyperPodOperatorPassesFail"}


async def test_credentials_that_are_missing_are_told_within_the_quarter_of_an_hour(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> None:
        raise NoCredentialsError

    rig.apply(two())
    watched = Watched(rig)
    await watched.live(CALM)
    monkeypatch.setattr(SigV4Auth, "add_auth", missing)
    await watched.live(20)
    assert watched.firing(tmp_path, minute=CALM + 16) == {"HyperPodOperatorDeniedByAWS", STALLED}
