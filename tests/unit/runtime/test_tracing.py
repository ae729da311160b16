"""Traces of passes, by the SDK's exporter in memory; and that nothing of it is loaded where nobody asks."""

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.outcome import Done, Failed, Outcome, Requeue
from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.tracing import CODE, DECISION, FAILURES, KIND, NAME, NAMESPACE, OUTCOME, REASON, Tracing

KEY = Key("team", "blue")
NOW = 1_700_000_000_000_000_000
STATUS = "/apis/hyperpod-operator.dev/v1alpha1/namespaces/team/hyperpodclusters/blue/status"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider, now=lambda: NOW)


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    return dict(span.attributes or {})


async def test_a_pass_is_a_span_with_object_decision_and_outcome(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async def reconcile(key: Key, failures: int) -> Outcome:
        assert (key, failures) == (KEY, 2)
        return Requeue(Reason.CREATING, 20)

    assert await tracing.passes("cluster", reconcile)(KEY, 2) == Requeue(Reason.CREATING, 20)
    (span,) = exporter.get_finished_spans()
    assert span.name == "cluster pass"
    assert attributes(span) == {
        KIND: "cluster", NAMESPACE: "team", NAME: "blue", FAILURES: 2,
        DECISION: "Nothing", OUTCOME: "Requeue", REASON: "Creating",
    }  # fmt: skip
    assert span.status.status_code is StatusCode.UNSET


async def test_calls_and_writes_of_a_pass_are_its_children_also_from_a_thread(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async def reconcile(_key: Key, _failures: int) -> Outcome:
        context = contextvars.copy_context()
        await asyncio.get_running_loop().run_in_executor(
            None, context.run, tracing.aws_call, "DescribeCluster", "ResourceNotFound", 0.25
        )
        tracing.aws_call("CreateCluster", "OK", 0.5)
        tracing.api_write("PATCH", STATUS, "409", 0.001)
        return Done()

    await tracing.passes("cluster", reconcile)(KEY, 0)
    *children, parent = exporter.get_finished_spans()
    assert [span.name for span in children] == ["DescribeCluster", "CreateCluster", "PATCH hyperpodclusters/status"]
    assert parent.context is not None
    assert {span.parent.span_id for span in children if span.parent} == {parent.context.span_id}
    assert [attributes(span)[CODE] for span in children] == ["ResourceNotFound", "OK", "409"]
    assert [span.status.status_code for span in children] == [StatusCode.ERROR, StatusCode.UNSET, StatusCode.ERROR]
    assert (children[1].start_time, children[1].end_time) == (NOW - 500_000_000, NOW)
    assert attributes(parent)[DECISION] == "CreateCluster", "and neither a read nor the record of it"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/api/v1/persistentvolumes", "POST persistentvolumes"),
        ("DELETE", "/api/v1/namespaces/team/persistentvolumeclaims/data", "DELETE persistentvolumeclaims"),
        ("PATCH", "/api/v1/nodes/hyperpod-i-1", "PATCH nodes"),
        ("PATCH", STATUS.removesuffix("/status"), "PATCH hyperpodclusters"),
    ],
)
async def test_a_write_is_named_for_its_kind_and_never_for_its_object(
    tracing: Tracing, exporter: InMemorySpanExporter, method: str, path: str, name: str
) -> None:
    async def reconcile(_key: Key, _failures: int) -> Outcome:
        tracing.api_write(method, path, "OK", 0.001)
        return Done()

    await tracing.passes("volume", reconcile)(KEY, 0)
    child, parent = exporter.get_finished_spans()
    assert child.name == name
    assert attributes(parent)[DECISION] == ("Nothing" if method == "PATCH" else name)


async def test_passes_at_the_same_time_keep_their_own_calls(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    both = asyncio.Barrier(2)

    async def reconcile(key: Key, _failures: int) -> Outcome:
        await both.wait()
        tracing.aws_call(f"Delete{key.name}", "OK", 0.1)
        await both.wait()
        return Done()

    traced = tracing.passes("cluster", reconcile)
    await asyncio.gather(*(asyncio.create_task(traced(Key("team", name), 0)) for name in ("A", "B")))
    passes = {attributes(span)[NAME]: span for span in exporter.get_finished_spans() if span.parent is None}
    assert {name: attributes(span)[DECISION] for name, span in passes.items()} == {"A": "DeleteA", "B": "DeleteB"}


async def test_what_happens_outside_of_a_pass_has_no_trace(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    tracing.aws_call("GetCallerIdentity", "OK", 0.1)
    tracing.api_write("PUT", "/apis/coordination.k8s.io/v1/namespaces/x/leases/y", "OK", 0.01)
    assert exporter.get_finished_spans() == ()


async def test_a_pass_that_failed_is_an_error(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    async def reconcile(_key: Key, _failures: int) -> Outcome:
        return Failed(Reason.INTERNAL_ERROR, 5)

    await tracing.passes("cluster", reconcile)(KEY, 0)
    (span,) = exporter.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "InternalError")


async def test_a_pass_that_broke_is_an_error_with_its_exception_and_still_breaks(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async def reconcile(_key: Key, _failures: int) -> Outcome:
        raise LookupError("a fault of ours")

    with pytest.raises(LookupError):
        await tracing.passes("cluster", reconcile)(KEY, 0)
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


def test_without_a_collector_nothing_of_opentelemetry_is_imported() -> None:
    asked = (
        "import sys; from hyperpod_operator.app.process import run; from hyperpod_operator.app.traces import tracing;"
        "assert tracing('') is None; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_collector_that_hangs_holds_a_stop_up_for_moments_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperpod_operator.runtime.tracing.LAST_SECONDS", 0.05)
    answered = threading.Event()

    class Hanging(SpanProcessor):
        def shutdown(self) -> None:
            answered.wait()

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Hanging())
    closing = threading.Thread(target=Tracing(provider).close, daemon=True)
    closing.start()
    try:
        closing.join(30)
        assert not closing.is_alive()
    finally:
        answered.set()
