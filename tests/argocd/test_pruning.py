"""What leaves Git: nothing ends without a person's word, and then the resource's own policy counts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.argocd.platform import Json, Team

from hyperpod_testbed.argocd.argocd import DELETION_APPROVED

FINALIZER = "resources-finalizer.argocd.argoproj.io"


def approve(team: Team) -> None:
    """The word that `argocd app confirm-deletion` gives."""
    moment = datetime.now(UTC) + timedelta(seconds=1)  # rounded down it could be before the question
    team.argo.annotate(team.name, DELETION_APPROVED, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def two(team: Team, **ended: Any) -> Json:
    """One cluster that stays in AWS when its resource goes, and one that goes with it; the first one's manifest."""
    kept = team.manifest("kept", management={"deletionPolicy": "Retain"})
    last = team.manifest("ended")
    last["metadata"] |= ended
    revision = team.push(kept, last)
    team.join()
    team.until(health="Healthy", revision=revision)
    return kept


def test_nothing_is_pruned_by_itself_and_nothing_is_held_up(team: Team) -> None:
    two(team)
    team.push(team.manifest("other"))
    found = team.argo.until(
        team.name, lambda app: app.drifted == {"HyperPodCluster/kept", "HyperPodCluster/ended"}, "the two as drift"
    )
    assert found.resources["HyperPodCluster/other"]["status"] == "Synced"
    assert team.exists("hpc", "kept")
    assert team.exists("hpc", "ended")
    assert team.in_aws() == {"kept", "ended", "other"}


def test_a_prune_by_a_person_honours_the_deletion_policy(team: Team) -> None:
    two(team)
    revision = team.push(team.manifest("other"))
    team.argo.until(team.name, lambda app: len(app.drifted) == 2 and app.phase == "Succeeded", "two to prune")
    team.argo.sync(team.name, prune=True)
    team.argo.until(team.name, lambda app: app.settled(revision), "the prune")
    assert not team.exists("hpc", "kept")
    assert not team.exists("hpc", "ended")
    assert team.in_aws() == {"kept", "other"}


def test_a_cluster_may_ask_for_a_word_of_its_own(team: Team) -> None:
    kept = two(team, annotations={"argocd.argoproj.io/sync-options": "Prune=confirm"})
    revision = team.push(kept)
    team.argo.until(team.name, lambda app: app.drifted == {"HyperPodCluster/ended"}, "one to prune")
    team.argo.sync(team.name, prune=True)
    team.argo.until(team.name, lambda app: "waiting for pruning confirmation" in app.message, "the question")
    assert team.exists("hpc", "ended")
    approve(team)
    team.argo.until(team.name, lambda app: app.settled(revision), "the prune")
    assert not team.exists("hpc", "ended")
    assert team.in_aws() == {"kept"}


def test_the_end_of_the_application_waits_for_a_word(team: Team) -> None:
    two(team)
    patch = {"metadata": {"finalizers": [FINALIZER]}}
    team.plane.kubectl("patch", "application", team.name, "-n", "argocd", "--type=merge", "-p", json.dumps(patch))
    team.argo.delete(team.name)
    team.argo.until(team.name, lambda app: asked(team), "the question, in the controller's log")
    assert team.exists("hpc", "kept")
    assert team.exists("hpc", "ended")
    approve(team)
    team.argo.until(team.name, lambda app: not app.manifest, "the end of the Application")
    assert team.in_aws() == {"kept"}


def asked(team: Team) -> bool:
    return any(
        "requires manual confirmation to delete" in entry["msg"] and team.name in entry["msg"]
        for entry in team.argo.entries()
    )
