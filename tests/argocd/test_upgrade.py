"""An upgrade of the chart by a commit: the new operator takes over, and no cluster notices."""

import json

from tests.argocd.platform import OPERATOR, Platform, Team

CRD = "hyperpodclusters.hyperpod-operator.dev"


def test_a_new_version_in_git_rolls_out_and_clusters_stay(platform: Platform, team: Team) -> None:
    revision = team.push(team.manifest())
    team.join()
    team.until(health="Healthy", revision=revision)
    arn = team.get("hpc")["status"]["clusterArn"]
    definition = json.loads(platform.plane.kubectl("get", "crd", CRD, "-o", "json").stdout)["metadata"]["uid"]
    platform.declare(
        image={"repository": "example.com/hyperpod-operator", "tag": "0.2.0"},
        log={"level": "DEBUG"},
        crds={"annotations": {"argocd.argoproj.io/sync-options": "Prune=false", "example.com/version": "0.2.0"}},
    )
    platform.argo.refresh("root")
    platform.argo.until(
        OPERATOR,
        lambda app: platform.container()["image"] == "example.com/hyperpod-operator:0.2.0" and app.phase == "Succeeded",
        "the new Deployment",
    )
    platform.run_operator()
    platform.argo.until(OPERATOR, lambda app: (app.sync, app.health) == ("Synced", "Healthy"), "the new version")
    revision = team.push(team.manifest(nodeRecovery="None"))
    team.until(health="Healthy", revision=revision)
    after = json.loads(platform.plane.kubectl("get", "crd", CRD, "-o", "json").stdout)["metadata"]
    assert after["annotations"]["example.com/version"] == "0.2.0"
    assert (after["uid"], team.get("hpc")["status"]["clusterArn"]) == (definition, arn)
