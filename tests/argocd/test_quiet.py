"""Minutes of reconciling: Argo CD sees no drift, begins no sync, and is not kept busy by the operator's status writes.

ARGOCD_MINUTES is for how long (2 unless it says otherwise).
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.argocd.platform import Team, minutes

from hyperpod_operator.api.names import ConditionType
from hyperpod_testbed.argocd.argocd import NAMESPACE
from hyperpod_testbed.argocd.record import Record

GPU = "ml.p5.48xlarge"
"""HyperPod's health agent watches accelerators."""
COUNT = 4
BY_ITSELF = 1.0
"""Comparisons a minute that Argo CD makes of its own accord; it makes one in two to three minutes."""
BEGINNING = 4
"""Comparisons that may still belong to the sync before."""

RecordProperty = Callable[[str, object], None]


def healthy(team: Team) -> None:
    (group,) = team.manifest()["spec"]["instanceGroups"]
    revision = team.push(team.manifest(instanceGroups=[{**group, "instanceType": GPU, "instanceCount": COUNT}]))
    team.join()
    team.until(health="Healthy", revision=revision)


@pytest.mark.timeout(1200)
def test_reconciling_for_minutes_is_no_drift_and_no_storm_of_refreshes(
    team: Team, tmp_path: Path, record_property: RecordProperty
) -> None:
    healthy(team)
    plane, argo = team.plane, team.argo
    before = argo.reconciliations(team.name)
    history = argo.application(team.name).manifest["status"]["history"]
    with (
        Record(plane, "applications", namespace=NAMESPACE, file=tmp_path / "applications") as applications,
        Record(plane, "hpc", namespace=team.name, file=tmp_path / "clusters") as clusters,
    ):
        _trouble_nodes(team, seconds=60 * minutes())
        seen, written = applications.versions(team.name), clusters.versions("blue")
    reconciled = argo.reconciliations(team.name) - before
    record_property("versions of the cluster", len(written))
    record_property("comparisons", reconciled)
    assert {one["status"]["sync"]["status"] for one in seen} == {"Synced"}
    assert {one["status"]["health"]["status"] for one in seen} == {"Healthy"}
    assert argo.application(team.name).manifest["status"]["history"] == history
    assert {one["metadata"]["generation"] for one in written} == {written[0]["metadata"]["generation"]}
    allowed = BY_ITSELF * minutes() + BEGINNING
    assert len(written) > 2 * allowed  # else little was written, and little is proved
    assert reconciled <= allowed


def _trouble_nodes(team: Team, *, seconds: float) -> None:
    """One node after the other falls ill and recovers: the cluster stays Ready, and its status tells each time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        team.simulator.nodes.wait_until_in_step()
        (ill,) = team.simulator.health.fail(cluster=team.aws_name(), share=1 / COUNT, recovery=None)
        team.argo.until(team.name, lambda _: _healthy_nodes(team) == "False", f"word of {ill}")
        team.simulator.health.recover(node=ill)
        team.argo.until(team.name, lambda _: _healthy_nodes(team) == "True", f"the recovery of {ill}")


def _healthy_nodes(team: Team) -> str:
    conditions = team.get("hpc")["status"]["conditions"]
    return next((str(one["status"]) for one in conditions if one["type"] == ConditionType.NODES_HEALTHY), "")
