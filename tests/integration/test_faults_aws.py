"""Faults between the operator, as a process, and AWS: throttling of the whole account, and credentials that rotate."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Fault, Options, Simulator
from hyperpod_testbed.stack import ACCOUNT, FAST, ROOT, OperatorProcess
from hyperpod_testbed.waiting import until

pytestmark = [pytest.mark.control_plane, pytest.mark.early]

EXAMPLE = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())


class Here:
    """One namespace, one simulator, one operator that serves the namespace alone."""

    def __init__(self, plane: ControlPlane, namespace: str, simulator: Simulator) -> None:
        self.plane, self.namespace, self.simulator = plane, namespace, simulator

    def operator(self, log: Path, *, flags: tuple[str, ...] = (), **environment: str | None) -> OperatorProcess:
        """`None` takes a variable of the simulator's away."""
        merged = {**self.simulator.environment(), **environment}
        return OperatorProcess(
            kubeconfig=account.install(self.plane),
            environment={name: value for name, value in merged.items() if value is not None},
            log=log,
            flags=(*account.FLAGS, *FAST, f"--namespace={self.namespace}", *flags),
        )

    def apply(self, *names: str) -> None:
        for name in names:
            body = {**EXAMPLE, "metadata": {"name": name}, "spec": {**EXAMPLE["spec"], "clusterName": name}}
            self.plane.api.apply(body, namespace=self.namespace)

    def ready(self) -> dict[str, dict[str, str]]:
        """The Ready condition of each resource."""
        return {
            item["metadata"]["name"]: condition
            for item in self.plane.api.list("hpc", namespace=self.namespace)
            for condition in item.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready"
        }

    def wait(self, done: Callable[[dict[str, dict[str, str]]], bool], *, seconds: float = 60.0) -> None:
        until(lambda: done(self.ready()), self.ready, seconds=seconds)

    def settled(self, *names: str) -> Callable[[dict[str, dict[str, str]]], bool]:
        return lambda ready: all(ready.get(name, {}).get("status") == "True" for name in names)

    def end(self) -> None:
        self.plane.kubectl("-n", self.namespace, "delete", "hpc", "--all", "--timeout=60s")


@pytest.fixture
def here(control_plane: ControlPlane, namespace: str) -> Iterator[Here]:
    control_plane.install_crds(ROOT / "crds")
    with Simulator(options=Options.crowded(), account=ACCOUNT, speed=300) as simulator:
        yield Here(control_plane, namespace, simulator)


@pytest.mark.fault(6)
def test_a_throttled_account_is_asked_no_faster_than_the_budget_and_nobody_starves(here: Here, tmp_path: Path) -> None:
    reads, writes, seconds = 20.0, 5.0, 10.0
    names = [f"busy-{number}" for number in range(6)]
    operator = here.operator(
        tmp_path / "log", flags=(f"--aws-reads-per-second={reads}", f"--aws-writes-per-second={writes}")
    ).start()

    def asked() -> Counter[str]:
        return Counter(call.parameters["ClusterName"] for call in here.simulator.log.calls("DescribeCluster"))

    try:
        here.simulator.faults.add(Fault(operation="*", kind="throttle", probability=0.9))
        began = time.time()
        here.apply(*names)
        time.sleep(seconds)
        calls = here.simulator.log.calls()
        lasted = time.time() - began
        until(lambda: set(names) <= set(asked()), asked)
        here.simulator.faults.clear()
        changing = [call for call in calls if call.mutating]
        # A read is tried twice by botocore (total_max_attempts); a change once.
        assert len(calls) - len(changing) <= 2 * (20 + reads * lasted)
        assert len(changing) <= 5 + writes * lasted
        here.wait(here.settled(*names), seconds=90)
        created = [call.parameters["ClusterName"] for call in here.simulator.log.calls("CreateCluster", code="OK")]
        assert sorted(created) == sorted(names)
        here.end()
    finally:
        operator.stop()


class CredentialsEndpoint:
    """What EKS Pod Identity's agent serves on the node: credentials that are renewed before they expire."""

    def __init__(self) -> None:
        self.key = "FIRST"
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(endpoint.document()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/credentials"

    def document(self) -> dict[str, str]:
        soon = datetime.now(UTC) + timedelta(minutes=5)  # within botocore's refresh window: asked for at each use
        return {
            "AccessKeyId": self.key,
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": soon.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def __enter__(self) -> "CredentialsEndpoint":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.fault(24)
def test_rotated_credentials_are_picked_up_without_a_restart_and_expired_ones_end_nothing(
    here: Here, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("a projected service account token")
    with CredentialsEndpoint() as endpoint:
        operator = here.operator(
            tmp_path / "log",
            AWS_ACCESS_KEY_ID=None,
            AWS_SECRET_ACCESS_KEY=None,
            AWS_SESSION_TOKEN=None,
            AWS_CONTAINER_CREDENTIALS_FULL_URI=endpoint.url,
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token),
        ).start()
        try:
            here.apply("before")
            here.wait(here.settled("before"))
            here.simulator.access.expire("FIRST")
            here.wait(lambda ready: ready["before"]["reason"] == "CredentialsInvalid")
            endpoint.key = "SECOND"
            here.apply("after")
            here.wait(here.settled("before", "after"))
            calls = here.simulator.log.calls("CreateCluster")
            assert [(call.parameters["ClusterName"], call.access_key) for call in calls if call.code == "OK"] == [
                ("before", "FIRST"),
                ("after", "SECOND"),
            ]
            assert here.simulator.log.calls("DeleteCluster") == []
            here.end()
        finally:
            operator.stop()
