"""Plans and protection under a real Argo CD: what waits, what the menu's action does, and what a prune may not end."""

import json
from pathlib import Path
from typing import Any

from tests.argocd.platform import Json, Team
from tests.argocd.test_lua import disabled, told
from tests.argocd.test_pruning import FINALIZER, approve, asked

from hyperpod_operator.api.names import APPROVE_PLAN

DESTROYS = frozenset({"UpdateCluster", "BatchDeleteClusterNodes", "DeleteCluster"})


def healthy(team: Team, **management: Any) -> None:
    revision = team.push(team.manifest(management=management))
    team.join()
    team.until(health="Healthy", revision=revision)


def smaller(team: Team, **management: Any) -> Json:
    """The cluster with one node less."""
    made = team.manifest(management=management)
    made["spec"]["instanceGroups"][0]["instanceCount"] -= 1
    return made


def plan(team: Team) -> Json:
    found: Json = team.get("hpc").get("status", {}).get("plan") or {}
    return found


def waiting(team: Team, call: str) -> str:
    """The digest of the plan, once it has the call and waits for an approval."""
    team.eventually(
        lambda: plan(team).get("state") in {"Pending", "Stale"} and plan(team)["actions"][0]["call"] == call,
        f"a plan with {call}",
    )
    return str(plan(team)["digest"])


def ended(team: Team) -> set[str]:
    """Calls by which nodes or the cluster end, that the operator sent for this team's cluster."""
    names = {team.aws_name(), team.get("hpc")["status"]["clusterArn"]}
    calls = [call for call in team.simulator.log.calls() if call.parameters.get("ClusterName") in names]
    return {call.operation for call in calls} & DESTROYS


def test_a_destructive_commit_is_suspended_until_git_approves_it(team: Team) -> None:
    healthy(team, changePolicy="ApproveDisruptive")
    team.push(smaller(team, changePolicy="ApproveDisruptive"), message="One node less")
    team.until(health="Suspended")
    digest = waiting(team, "UpdateCluster")
    assert team.argo.application(team.name).sync == "Synced"
    assert ended(team) == set()
    approved = smaller(team, changePolicy="ApproveDisruptive", approvedPlan=digest)
    revision = team.push(approved, message="Approve the plan")
    team.until(health="Healthy", revision=revision)
    assert ended(team)
    assert team.get("hpc")["status"]["lastApproval"]["digest"] == digest
    assert team.get("hpc")["status"]["lastApproval"]["via"] == "Spec"


def test_the_action_of_the_menu_approves_the_plan_that_waits(team: Team, tmp_path: Path) -> None:
    """Argo CD's own Lua makes the change of the live object, and Argo CD does not take it back."""
    healthy(team, changePolicy="ApproveDisruptive")
    revision = team.push(smaller(team, changePolicy="ApproveDisruptive"), message="One node less")
    team.until(health="Suspended")
    digest = waiting(team, "UpdateCluster")
    live = tmp_path / "live.yaml"
    live.write_text(json.dumps(team.get("hpc")))
    assert not disabled(live)["approve"]
    assert f"{APPROVE_PLAN}: {digest}" in told("run-action", live, "approve")
    team.patch("hpc", "blue", {"metadata": {"annotations": {APPROVE_PLAN: digest}}})
    team.until(health="Healthy", revision=revision)
    assert team.get("hpc")["status"]["lastApproval"]["via"] == "Annotation"
    assert team.argo.application(team.name).sync == "Synced"


def test_a_pruned_cluster_ends_when_its_deletion_is_approved(team: Team) -> None:
    healthy(team, changePolicy="ApproveDisruptive")
    team.push(team.manifest("other"), message="Without blue")
    team.argo.until(team.name, lambda app: app.drifted == {"HyperPodCluster/blue"}, "one to prune")
    team.argo.sync(team.name, prune=True)
    digest = waiting(team, "DeleteCluster")
    assert team.get("hpc")["metadata"]["deletionTimestamp"]
    assert ended(team) == set()
    assert "blue" in team.in_aws()
    team.patch("hpc", "blue", {"metadata": {"annotations": {APPROVE_PLAN: digest}}})
    team.eventually(lambda: not team.exists("hpc", "blue"), "the end of the resource")
    assert team.in_aws() == {"other"}


def test_a_pruned_cluster_that_is_protected_stays(team: Team) -> None:
    healthy(team, deletionProtection=True)
    team.push(team.manifest("other"), message="Without blue")
    team.argo.until(team.name, lambda app: app.drifted == {"HyperPodCluster/blue"}, "one to prune")
    team.argo.sync(team.name, prune=True)
    team.eventually(lambda: "deletionProtection" in message(team), "the reason")
    assert team.get("hpc")["metadata"]["deletionTimestamp"]
    assert "blue" in team.in_aws()
    team.patch("hpc", "blue", {"spec": {"management": {"deletionProtection": False}}})
    team.eventually(lambda: not team.exists("hpc", "blue"), "the end of the resource")
    assert team.in_aws() == {"other"}


def test_the_end_of_the_application_does_not_end_a_protected_cluster(team: Team) -> None:
    healthy(team, deletionProtection=True)
    patch = {"metadata": {"finalizers": [FINALIZER]}}
    team.plane.kubectl("patch", "application", team.name, "-n", "argocd", "--type=merge", "-p", json.dumps(patch))
    team.argo.delete(team.name)
    team.argo.until(team.name, lambda app: asked(team), "the question, in the controller's log")
    approve(team)
    team.eventually(lambda: "deletionProtection" in message(team), "the reason")
    assert team.argo.application(team.name).manifest
    assert team.in_aws() == {"blue"}
    team.patch("hpc", "blue", {"spec": {"management": {"deletionProtection": False}}})
    team.argo.until(team.name, lambda app: not app.manifest, "the end of the Application")
    assert team.in_aws() == set()


def message(team: Team) -> str:
    found = team.get("hpc")["status"].get("conditions", [])
    return " ".join(one["message"] for one in found if one["type"] == "Ready")
