"""What /metrics says."""

from collections.abc import Iterator

import pytest

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus, NodeCounts
from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.metrics.aws import AWS_LIMIT
from hyperpod_operator.api.metrics.clusters import STATUSES
from hyperpod_operator.api.metrics.kubernetes import NODE_WATCH_AGE, WATCH_AGE
from hyperpod_operator.api.metrics.load import LOOP_LAG, QUARANTINED, RECONCILE_SECONDS, RECONCILES, TASKS
from hyperpod_operator.api.metrics.nodes import NODES_HELD, NODES_LEFT_OUT
from hyperpod_operator.api.metrics.table import instruments
from hyperpod_operator.api.metrics.volumes import VOLUMES_ORPHANED
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus
from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.queue import WorkQueue

A, B = Key("ns", "a"), Key("ns", "b")


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics()


def value(metrics: PrometheusMetrics, sample: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(sample, labels)


def series(metrics: PrometheusMetrics, **labels: str) -> Iterator[str]:
    for family in metrics.registry.collect():
        for sample in family.samples:
            if labels.items() <= sample.labels.items():
                yield sample.name


def cluster(*, nodes: NodeCounts | None = None, **conditions: str) -> HyperPodClusterStatus:
    listed = [
        Condition(type=name, status=status, reason="Any", message="", lastTransitionTime="2026-01-01T00:00:00Z")
        for name, status in conditions.items()
    ]
    return HyperPodClusterStatus(conditions=listed, nodes=nodes)


def test_passes_are_counted_by_outcome_and_reason(metrics: PrometheusMetrics) -> None:
    for seconds in (0.2, 0.4):
        metrics.inc(RECONCILES, "cluster", "Wait", "Creating")
        metrics.observe(RECONCILE_SECONDS, seconds, "cluster")
    assert value(metrics, "hyperpod_operator_reconciles_total", kind="cluster", outcome="Wait", reason="Creating") == 2
    assert value(metrics, "hyperpod_operator_reconcile_duration_seconds_sum", kind="cluster") == pytest.approx(0.6)


def test_aws_calls_are_counted_by_operation_and_code(metrics: PrometheusMetrics) -> None:
    metrics.aws_call("CreateCluster", "ThrottlingException", 0.3, "Reconcile")
    name = "hyperpod_operator_aws_calls_total"
    assert value(metrics, name, operation="CreateCluster", code="ThrottlingException", purpose="Reconcile") == 1
    assert value(metrics, "hyperpod_operator_aws_call_duration_seconds_count", operation="CreateCluster") == 1


def test_a_condition_has_one_series_per_possible_status(metrics: PrometheusMetrics) -> None:
    metrics.object_state(kind="cluster", key=A, status=cluster(Ready="False", nodes=NodeCounts(target=8, current=3)))
    values = {
        status: value(
            metrics, "hyperpod_operator_cluster_condition", namespace="ns", name="a", type="Ready", status=status
        )
        for status in STATUSES
    }
    assert values == {"True": 0, "False": 1, "Unknown": 0}
    assert value(metrics, "hyperpod_operator_cluster_nodes_desired", namespace="ns", name="a") == 8
    assert value(metrics, "hyperpod_operator_cluster_nodes_current", namespace="ns", name="a") == 3


def test_a_condition_that_is_no_longer_reported_vanishes(metrics: PrometheusMetrics) -> None:
    metrics.object_state(kind="cluster", key=A, status=cluster(Ready="False", Stalled="True"))
    metrics.object_state(kind="cluster", key=A, status=cluster(Ready="True"))
    assert list(series(metrics, type="Stalled")) == []


def test_all_series_of_an_object_vanish_with_it(metrics: PrometheusMetrics) -> None:
    for key in (A, B):
        metrics.object_state(kind="cluster", key=key, status=cluster(Ready="True"))
    metrics.object_gone(kind="cluster", key=A)
    metrics.object_gone(kind="cluster", key=A)
    assert list(series(metrics, name="a")) == []
    assert len(list(series(metrics, name="b"))) == 8
    assert value(metrics, "hyperpod_operator_clusters") == 1


def test_objects_of_two_kinds_with_one_name_do_not_meet(metrics: PrometheusMetrics) -> None:
    metrics.object_state(kind="cluster", key=A, status=cluster(Ready="True"))
    metrics.object_state(kind="volume", key=A, status=EBSVolumeClaimStatus(phase="Attached"))
    metrics.object_gone(kind="volume", key=A)
    assert value(metrics, "hyperpod_operator_clusters") == 1
    assert value(metrics, "hyperpod_operator_volume_claim_ready", namespace="ns", name="a") is None


def test_what_is_summed_is_summed_by_its_labels(metrics: PrometheusMetrics) -> None:
    for key, phase in ((A, "Attached"), (B, "Attached"), (Key("ns", "c"), "Creating")):
        metrics.object_state(kind="volume", key=key, status=EBSVolumeClaimStatus(phase=phase))
    assert value(metrics, "hyperpod_operator_volume_claims", phase="Attached") == 2
    assert value(metrics, "hyperpod_operator_volume_claims", phase="Creating") == 1
    assert value(metrics, "hyperpod_operator_clusters") == 0


def test_an_object_without_gauges_is_not_kept(metrics: PrometheusMetrics) -> None:
    metrics.object_state(kind="node", key=A, status=cluster())
    metrics.object_gone(kind="node", key=A)
    assert list(series(metrics, name="a")) == []


async def test_the_queue_is_looked_at_when_somebody_asks(metrics: PrometheusMetrics) -> None:
    queue = WorkQueue(random=lambda: 0.5)
    metrics.observe_queue(queue, kind="cluster")
    queue.add(A)
    queue.add_after(B, 60)
    assert value(metrics, "hyperpod_operator_queue_depth", kind="cluster") == 1
    assert value(metrics, "hyperpod_operator_queue_delayed", kind="cluster") == 1
    queue.close()


def test_leading_can_be_won_and_lost(metrics: PrometheusMetrics) -> None:
    assert value(metrics, "hyperpod_operator_leader") == 0
    metrics.leading(True)
    assert value(metrics, "hyperpod_operator_leader") == 1


def test_everything_exported_is_in_the_table_or_describes_the_process(metrics: PrometheusMetrics) -> None:
    metrics.observe_queue(WorkQueue(random=lambda: 0.5), kind="cluster")
    metrics.set(QUARANTINED, 0.0, "cluster")
    metrics.set(VOLUMES_ORPHANED, 0, "us-west-2")
    metrics.definition(plural="hyperpodclusters", missing=0, unknown=0)
    for gauge in (WATCH_AGE, LOOP_LAG, NODES_HELD, NODES_LEFT_OUT, NODE_WATCH_AGE, TASKS):
        metrics.set(gauge, 1.0)
    metrics.set(AWS_LIMIT, 5.0, "reads")
    # A loop is needed for the queue's ages, not for the names.
    names = {name for name in _exported(metrics) if not name.startswith(("process_", "python_"))}
    assert names == {instrument.name for instrument in instruments(KINDS)}


def _exported(metrics: PrometheusMetrics) -> Iterator[str]:
    for instrument, labels in list(metrics._at_scrape.values):
        metrics.set(instrument, 0.0, *labels)
    for line in metrics.text().decode().splitlines():
        if line.startswith("# TYPE ") and not line.split()[2].endswith("_created"):
            yield line.split()[2]


def test_two_of_them_share_nothing(metrics: PrometheusMetrics) -> None:
    metrics.events_dropped(3)
    assert value(PrometheusMetrics(), "hyperpod_operator_events_dropped_total") == 0


def test_orphaned_volumes_are_told_by_region_as_last_counted(metrics: PrometheusMetrics) -> None:
    metrics.set(VOLUMES_ORPHANED, 3, "us-west-2")
    metrics.set(VOLUMES_ORPHANED, 1, "us-west-2")
    metrics.set(VOLUMES_ORPHANED, 0, "eu-west-1")
    assert value(metrics, "hyperpod_operator_volumes_orphaned", region="us-west-2") == 1
    assert value(metrics, "hyperpod_operator_volumes_orphaned", region="eu-west-1") == 0
