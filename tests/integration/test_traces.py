"""Traces of the real process, as a collector receives them; and a collector that is away disturbs nothing."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from hyperpod_operator.runtime.tracing import DECISION, KIND, NAME
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.processes import free_ports
from hyperpod_testbed.stack import FAST, ROOT, Stack

pytestmark = pytest.mark.control_plane

SPEED = 300.0


class Collector:
    """Takes traces over HTTP and keeps their spans."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        keep = self._keep

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                keep(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """The test's output is for the test."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "Collector":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _keep(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


def traced(plane: ControlPlane, url: str) -> Stack:
    return Stack(plane=plane, speed=SPEED, flags=[*FAST, f"--otlp-endpoint={url}"])


def life(stack: Stack, namespace: str) -> None:
    """A cluster from the first apply to the last delete."""
    made = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())
    made["metadata"]["name"] = "traced"
    stack.plane.kubectl("-n", namespace, "apply", "-f", "-", input=json.dumps(made))
    stack.plane.kubectl("-n", namespace, "wait", "hpc/traced", "--for=condition=Ready", "--timeout=60s")
    stack.plane.kubectl("-n", namespace, "delete", "hpc/traced", "--timeout=60s")


def attributes(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_a_collector_gets_the_passes_with_what_they_did(
    control_plane: ControlPlane, namespace: str, collector: Collector
) -> None:
    with traced(control_plane, collector.url) as stack:
        life(stack, namespace)
    # The stop sent what was left.
    assert collector.services == {"hyperpod-operator"}
    passes = {span.span_id: span for span in collector.spans if not span.parent_span_id}
    ours = {key: span for key, span in passes.items() if attributes(span).get(NAME) == "traced"}
    assert {attributes(span)[KIND] for span in ours.values()} == {"cluster"}
    assert {"CreateCluster", "DeleteCluster", "Nothing"} <= {attributes(span)[DECISION] for span in ours.values()}
    (creation,) = [key for key, span in ours.items() if attributes(span)[DECISION] == "CreateCluster"]
    children = [span.name for span in collector.spans if span.parent_span_id == creation]
    assert children.index("PATCH hyperpodclusters") < children.index("CreateCluster"), "the finalizer comes first"
    assert "PATCH hyperpodclusters/status" in children


def test_a_collector_that_is_away_disturbs_no_pass_and_no_stop(control_plane: ControlPlane, namespace: str) -> None:
    (nobody,) = free_ports(1)
    with traced(control_plane, f"http://127.0.0.1:{nobody}") as stack:
        life(stack, namespace)
        assert stack.operator.stop() == 0
