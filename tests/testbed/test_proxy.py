"""The proxies: bytes pass unchanged, the gate decides, and watches can be damaged."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from hyperpod_testbed import waiting
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.proxy import AwsProxy, KubeProxy, Request
from hyperpod_testbed.simulator import Simulator


class Script:
    """A gate that says what it is told and remembers what it saw."""

    def __init__(self, *, before: bool = True, after: bool = True) -> None:
        self.answers = (before, after)
        self.seen: list[tuple[str, int, str]] = []

    def before(self, request: Request) -> bool:
        self.seen.append(("before", request.number, request.operation))
        return self.answers[0]

    def after(self, request: Request, status: int) -> bool:
        self.seen.append((f"after {status}", request.number, request.operation))
        return self.answers[1]


class TestAws:
    @pytest.fixture
    def simulator(self) -> Iterator[Simulator]:
        with Simulator(account="111122223333", speed=0) as running:
            yield running

    @pytest.fixture
    def proxy(self, simulator: Simulator) -> Iterator[AwsProxy]:
        with AwsProxy(simulator.url) as running:
            yield running

    @pytest.fixture
    def client(self, proxy: AwsProxy) -> Iterator[Any]:
        client = boto3.client(
            "sagemaker",
            region_name="us-west-2",
            endpoint_url=proxy.url,
            aws_access_key_id="TESTBED",
            aws_secret_access_key="x",
            config=Config(retries={"total_max_attempts": 1}),
        )
        yield client
        client.close()

    def test_calls_pass_and_are_numbered(self, proxy: AwsProxy, client: Any, simulator: Simulator) -> None:
        proxy.gate = script = Script()
        assert client.list_clusters()["ClusterSummaries"] == []
        client.list_clusters()
        assert script.seen == [
            ("before", 1, "ListClusters"),
            ("after 200", 1, "ListClusters"),
            ("before", 2, "ListClusters"),
            ("after 200", 2, "ListClusters"),
        ]
        assert len(simulator.log.calls()) == 2

    def test_before_means_that_nothing_arrives(self, proxy: AwsProxy, client: Any, simulator: Simulator) -> None:
        proxy.gate = Script(before=False)
        with pytest.raises(BotoCoreError):
            client.list_clusters()
        assert simulator.log.calls() == []

    def test_after_means_that_it_was_done_and_nobody_hears(
        self, proxy: AwsProxy, client: Any, simulator: Simulator
    ) -> None:
        proxy.gate = Script(after=False)
        with pytest.raises(BotoCoreError):
            client.list_clusters()
        assert [call.operation for call in simulator.log.calls()] == ["ListClusters"]


class Watcher:
    """`kubectl get configmaps --watch` through a proxy."""

    def __init__(self, plane: ControlPlane, kubeconfig: Path, namespace: str) -> None:
        command = [
            *(str(plane.kubectl_path), f"--kubeconfig={kubeconfig}", "-n", namespace),
            *("get", "configmaps", "--watch-only", "--output-watch-events", "-o", "json"),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.events: list[tuple[str, str]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        decoder, text = json.JSONDecoder(), ""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text += line
            while text.strip():
                try:
                    event, end = decoder.raw_decode(text.lstrip())
                except ValueError:
                    break
                text = text.lstrip()[end:]
                self.events.append((event["type"], event["object"]["metadata"].get("name", "")))

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def until(done: Callable[[], bool]) -> None:
    waiting.until(done, "what the proxy has to show")


class TestKube:
    @pytest.fixture
    def proxy(self, control_plane: ControlPlane) -> Iterator[KubeProxy]:
        with KubeProxy(control_plane, watched="configmaps") as running:
            yield running

    @pytest.fixture
    def watcher(
        self, control_plane: ControlPlane, proxy: KubeProxy, namespace: str, tmp_path: Path
    ) -> Iterator[Watcher]:
        kubeconfig = proxy.kubeconfig(control_plane.kubeconfig, tmp_path / "kubeconfig")
        watcher = Watcher(control_plane, kubeconfig, namespace)
        until(lambda: proxy.watches.opened == 1)
        yield watcher
        watcher.stop()

    def make(self, plane: ControlPlane, namespace: str, name: str) -> None:
        plane.kubectl("-n", namespace, "create", "configmap", name)

    def test_writes_count_and_reads_and_reviews_do_not(
        self, control_plane: ControlPlane, proxy: KubeProxy, namespace: str, tmp_path: Path
    ) -> None:
        kubeconfig = proxy.kubeconfig(control_plane.kubeconfig, tmp_path / "kubeconfig")
        proxy.gate = script = Script()
        through = ("--kubeconfig", str(kubeconfig), "-n", namespace)
        control_plane.kubectl(*through, "get", "configmaps")
        control_plane.kubectl(*through, "auth", "can-i", "get", "pods")
        control_plane.kubectl(*through, "create", "configmap", "one")
        assert [operation for moment, _, operation in script.seen if moment == "before"] == ["POST configmaps"]

    def test_the_caller_stays_who_it_is(
        self, control_plane: ControlPlane, proxy: KubeProxy, namespace: str, tmp_path: Path
    ) -> None:
        control_plane.kubectl("-n", namespace, "create", "serviceaccount", "someone")
        source = control_plane.service_account_kubeconfig(namespace, "someone")
        kubeconfig = proxy.kubeconfig(source, tmp_path / "kubeconfig")
        answer = control_plane.kubectl(
            "--kubeconfig", str(kubeconfig), "-n", namespace, "get", "configmaps", check=False
        )
        assert f"system:serviceaccount:{namespace}:someone" in answer.stderr

    def test_events_pass(self, control_plane: ControlPlane, watcher: Watcher, namespace: str) -> None:
        self.make(control_plane, namespace, "one")
        until(lambda: ("ADDED", "one") in watcher.events)

    def test_events_can_be_lost_and_doubled(
        self, control_plane: ControlPlane, proxy: KubeProxy, watcher: Watcher, namespace: str
    ) -> None:
        proxy.watches.drop(1)
        self.make(control_plane, namespace, "lost")
        until(lambda: proxy.watches.seen >= 1)
        proxy.watches.repeat(1)
        self.make(control_plane, namespace, "twice")
        until(lambda: watcher.events.count(("ADDED", "twice")) == 2)
        assert ("ADDED", "lost") not in watcher.events

    def test_a_stalled_stream_says_nothing_and_stays_open(
        self, control_plane: ControlPlane, proxy: KubeProxy, watcher: Watcher, namespace: str
    ) -> None:
        proxy.watches.stall()
        self.make(control_plane, namespace, "unheard")
        until(lambda: proxy.watches.seen >= 1)
        assert watcher.events == []
        assert watcher.running

    def test_a_cut_ends_the_stream(self, proxy: KubeProxy, watcher: Watcher) -> None:
        proxy.watches.cut()
        until(lambda: not watcher.running)

    def test_a_truncated_line_ends_it_too(
        self, control_plane: ControlPlane, proxy: KubeProxy, watcher: Watcher, namespace: str
    ) -> None:
        proxy.watches.truncate()
        self.make(control_plane, namespace, "half")
        until(lambda: not watcher.running)
        assert watcher.events == []
