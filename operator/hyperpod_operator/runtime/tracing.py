"""Traces of passes by OpenTelemetry, imported only where an installation asks for them.

A trace is a pass; its children are the calls to AWS and the writes to the API server that it made. Whoever makes them
knows nothing of this: hooks are told what ended, and the context, which follows a pass into threads, says in which
pass that was. What happens outside of a pass (the lease, Events) has no trace.
"""

import threading
import time
from collections.abc import Callable
from typing import Self

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span

from hyperpod_operator import __version__
from hyperpod_operator.core.outcome import Blocked, Failed, Outcome, Requeue
from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.workers import Reconcile

PATH = "/v1/traces"
"""Where a collector takes traces (OTLP over HTTP)."""
LAST_SECONDS = 3.0
"""For what is left at a stop: a collector that is away must not use up the pod's grace period."""

KIND = "hyperpod.kind"
NAMESPACE = "hyperpod.namespace"
NAME = "hyperpod.name"
FAILURES = "hyperpod.failures_before"
DECISION = "hyperpod.decision"
"""The last thing that the pass changed in AWS, or else made or deleted in Kubernetes; Nothing when it only looked."""
OUTCOME = "hyperpod.outcome"
REASON = "hyperpod.reason"
CODE = "hyperpod.code"
"""OK, or the error's code."""

NOTHING = "Nothing"
_READS = ("Describe", "Get", "List")
_STEPS = frozenset({"POST", "DELETE"})


class Tracing:
    """Turns passes and calls into spans. Safe to call from any thread."""

    def __init__(self, provider: TracerProvider, *, now: Callable[[], int] = time.time_ns) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("hyperpod_operator", __version__)
        self._now = now

    @classmethod
    def to(cls, endpoint: str) -> Self:
        """Send them to the collector at this URL, in batches from a thread. Its absence disturbs no pass."""
        resource = Resource.create({"service.name": "hyperpod-operator", "service.version": __version__})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        url = endpoint.rstrip("/").removesuffix(PATH) + PATH
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        return cls(provider)

    def close(self) -> None:
        """Send what is left; blocks for a few seconds at most. A thread that is left then ends with the process."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        ending.join(LAST_SECONDS)

    def passes(self, kind: str, reconcile: Reconcile) -> Reconcile:
        """The same reconcile, each pass of it a span."""

        async def traced(key: Key, failures: int) -> Outcome:
            about: dict[str, str | int] = {
                KIND: kind,
                NAMESPACE: key.namespace,
                NAME: key.name,
                FAILURES: failures,
                DECISION: NOTHING,
            }
            with self._tracer.start_as_current_span(f"{kind} pass", attributes=about) as span:
                outcome = await reconcile(key, failures)
                span.set_attribute(OUTCOME, type(outcome).__name__)
                if isinstance(outcome, Requeue | Blocked | Failed):
                    span.set_attribute(REASON, str(outcome.reason))
                if isinstance(outcome, Failed):
                    span.set_status(Status(StatusCode.ERROR, str(outcome.reason)))
                return outcome

        return traced

    def aws_call(self, operation: str, code: str, seconds: float, purpose: str = "") -> None:  # noqa: ARG002 - of metrics
        """A call to AWS ended."""
        self._call(operation, code=code, seconds=seconds, decides=not operation.startswith(_READS))

    def api_write(self, method: str, path: str, code: str, seconds: float) -> None:
        """A write to the API server ended."""
        self._call(f"{method} {_resource(path)}", code=code, seconds=seconds, decides=method in _STEPS)

    def _call(self, name: str, *, code: str, seconds: float, decides: bool) -> None:
        parent = get_current_span()
        if not parent.is_recording():
            return
        if decides:
            parent.set_attribute(DECISION, name)
        ended = self._now()
        span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes={CODE: code}, start_time=ended - int(seconds * 1e9)
        )
        if code != "OK":
            span.set_status(Status(StatusCode.ERROR, code))
        span.end(end_time=ended)


def _resource(path: str) -> str:
    """The plural and the subresource in a path of the API server, without names: pods/status."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[0] == "namespaces":
        parts = parts[2:]
    return "/".join([parts[0], *parts[2:]])
