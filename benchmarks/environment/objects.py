"""Applying many resources: a few kept-alive connections, so that the client is not what is measured."""

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from benchmarks.environment.faults import BenchmarkError
from hyperpod_operator.api.names import API_VERSION, CLUSTER_KIND, CLUSTER_PLURAL
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.stack import ROOT

EXAMPLE = ROOT / "examples" / "gpu-and-cpu.yaml"
NAMESPACE = "default"
LANES = 4
"""Connections, each in a thread of its own."""
PATH = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{CLUSTER_PLURAL}"

Connect = Callable[[], http.client.HTTPSConnection]


def connect(plane: ControlPlane) -> Connect:
    """Makes connections as the cluster administrator."""
    context = ssl.create_default_context(cafile=str(plane.ca_path))
    context.load_cert_chain(plane.admin_certificate.certificate, plane.admin_certificate.key)
    address = plane.url.removeprefix("https://")
    return lambda: http.client.HTTPSConnection(address, context=context, timeout=60)


def names(count: int, *, prefix: str = "cluster") -> list[str]:
    return [f"{prefix}-{number:04d}" for number in range(count)]


class Objects:
    """Creates HyperPodClusters: the example with two groups, one instance in each."""

    def __init__(self, new: Connect) -> None:
        self._new = new
        self._spec = yaml.safe_load(EXAMPLE.read_text())["spec"]
        for group in self._spec["instanceGroups"]:
            group["instanceCount"] = 1

    def resize(self, *, instances: int) -> None:
        """Clusters of so many instances from now on, all but one of them in the first group."""
        first, second = self._spec["instanceGroups"]
        first["instanceCount"], second["instanceCount"] = instances - 1, 1

    def one_group(self, *, instances: int) -> None:
        """Clusters of one group with so many instances from now on."""
        self._spec["instanceGroups"] = self._spec["instanceGroups"][:1]
        self._spec["instanceGroups"][0]["instanceCount"] = instances

    def lane(self) -> "Lane":
        """A connection that is open already: the handshake is not measured."""
        return Lane(self._new())

    def body(self, name: str) -> str:
        return json.dumps(
            {"apiVersion": API_VERSION, "kind": CLUSTER_KIND, "metadata": {"name": name}, "spec": self._spec}
        )

    def create(self, wanted: Sequence[str]) -> tuple[float, float]:
        """Create them as fast as the API server takes them; when the first POST left, when the last was answered."""
        bodies = [self.body(name) for name in wanted]
        lanes = [self.lane() for _ in range(min(LANES, len(wanted)))]
        start, failed, first = threading.Barrier(len(lanes) + 1), list[Exception](), list[float]()

        def drive(number: int) -> None:
            start.wait()
            try:
                for body in bodies[number :: len(lanes)]:
                    lanes[number].post(body)
            except Exception as error:  # told in the thread that waits
                failed.append(error)

        threads = [threading.Thread(target=drive, args=(number,), daemon=True) for number in range(len(lanes))]
        for thread in threads:
            thread.start()
        first.append(time.time())
        start.wait()
        for thread in threads:
            thread.join()
        last = time.time()
        for lane in lanes:
            lane.close()
        if failed:
            raise BenchmarkError(f"the API server did not take every resource: {failed[0]}") from failed[0]
        return first[0], last


class Lane:
    """One kept-alive connection."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._connection = connection
        self._connection.connect()

    def post(self, body: str) -> dict[str, Any]:
        self._connection.request("POST", PATH, body=body, headers={"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        made: dict[str, Any] = json.loads(answer.read())
        if answer.status != http.client.CREATED:
            raise BenchmarkError(f"POST {PATH}: {answer.status} {made.get('message', '')}")
        return made

    def close(self) -> None:
        self._connection.close()
