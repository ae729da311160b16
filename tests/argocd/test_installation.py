"""The examples in gitops/argocd/ as they stand, and what a team sees of its clusters."""

import itertools
from pathlib import Path

from tests.argocd.platform import OPERATOR, Platform, Team, example

from hyperpod_testbed.argocd.argocd import NAMESPACE
from hyperpod_testbed.argocd.record import Record
from hyperpod_testbed.simulator import Fault


def test_the_chart_is_synced_and_stays_so_under_a_running_operator(platform: Platform) -> None:
    found = platform.argo.application(OPERATOR)
    assert (found.sync, found.health, found.drifted, found.conditions) == ("Synced", "Healthy", frozenset(), ())
    assert "CustomResourceDefinition/hyperpodclusters.hyperpod-operator.dev" in found.resources


def test_the_second_wave_waits_for_a_healthy_operator(platform: Platform) -> None:
    assert not platform.early
    assert platform.argo.application("research").sync == "Synced"


def test_a_cluster_goes_from_progressing_to_healthy_and_never_drifts(team: Team, tmp_path: Path) -> None:
    revision = team.push(team.manifest())
    with Record(team.plane, "applications", namespace=NAMESPACE, file=tmp_path / "applications") as record:
        team.join()
        team.until(health="Healthy", revision=revision)
        seen = [one.get("status", {}) for one in record.versions(team.name)]
    synced = [one for one in seen if one.get("sync", {}).get("status") == "Synced"]
    assert seen[seen.index(synced[0]) :] == synced
    assert [health for health, _ in itertools.groupby(one["health"]["status"] for one in synced)] == [
        "Progressing",
        "Healthy",
    ]
    assert team.in_aws() == {"blue"}


def test_a_claim_in_a_later_wave_waits_for_its_cluster(team: Team) -> None:
    claim = example("examples/ebsvolumeclaim-new.yaml")
    claim["metadata"] |= {"name": "scratch", "annotations": {"argocd.argoproj.io/sync-wave": "1"}}
    claim["spec"]["clusterRef"]["name"] = "blue"
    revision = team.push(team.manifest(), claim)
    team.join()
    team.argo.until(
        team.name, lambda app: "waiting for healthy state of" in app.message and "blue" in app.message, "the wait"
    )
    assert not team.exists("evc", "scratch")
    team.until(health="Healthy", revision=revision)
    assert team.get("evc", "scratch")["status"]["attachment"]["nodeName"]


def test_a_cluster_that_needs_a_person_is_degraded_and_heals(team: Team) -> None:
    fault = team.simulator.faults.add(
        Fault(
            operation="CreateCluster",
            kind="error",
            code="AccessDeniedException",
            message="Not authorized to perform: iam:PassRole",
            status=400,
            cluster=team.aws_name(),
        )
    )
    team.push(team.manifest())
    team.join()
    team.until(health="Degraded")
    team.simulator.faults.remove(fault)
    revision = team.push(team.manifest(nodeRecovery="None"), message="An edit has it tried again")
    team.until(health="Healthy", revision=revision)


def test_a_cluster_that_git_pauses_is_suspended(team: Team) -> None:
    team.push(team.manifest())
    team.join()
    team.until(health="Healthy")
    team.push(team.manifest(management={"paused": True}))
    team.until(health="Suspended")
    revision = team.push(team.manifest())
    team.until(health="Healthy", revision=revision)
    assert team.argo.application(team.name).sync == "Synced"
