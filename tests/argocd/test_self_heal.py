"""Self-heal has nothing to fight: the operator writes no spec, and a count may belong to somebody else."""

from typing import Any

from tests.argocd.platform import Team


def group(team: Team) -> dict[str, Any]:
    return dict(team.manifest()["spec"]["instanceGroups"][0])


def syncs(team: Team) -> int:
    """Syncs that Argo CD began: its history has one entry each."""
    return len(team.argo.application(team.name).manifest["status"].get("history", []))


def test_an_edit_by_hand_is_taken_back_and_the_operator_follows(team: Team) -> None:
    count = group(team)["instanceCount"]
    revision = team.push(team.manifest())
    team.join()
    team.until(health="Healthy", revision=revision)
    before = team.get("hpc")["metadata"]["generation"]
    grown = {**group(team), "instanceCount": count + 2}
    team.patch("hpc", "blue", {"spec": {"instanceGroups": [grown]}})
    team.argo.until(
        team.name,
        lambda app: team.get("hpc")["metadata"]["generation"] >= before + 2 and app.settled(revision),
        "git's count",
    )
    assert team.get("hpc")["spec"]["instanceGroups"][0]["instanceCount"] == count
    team.until(health="Healthy", revision=revision)


def test_a_count_that_somebody_else_owns_is_left_by_both(team: Team) -> None:
    count = group(team)["instanceCount"]
    owned = {**group(team), "management": {"countOwner": "External"}}
    revision = team.push(team.manifest(instanceGroups=[owned]))
    team.join()
    team.until(health="Healthy", revision=revision)
    begun = syncs(team)
    team.simulator.world.scale_out_of_band(team.aws_name(), owned["instanceGroupName"], count + 3)
    team.argo.until(
        team.name,
        lambda app: team.get("hpc")["status"]["nodes"]["summary"] == f"{count + 3}/{count + 3}",
        "the nodes that somebody added",
    )
    team.until(health="Healthy", revision=revision)
    assert team.updates() == 0
    assert syncs(team) == begun
    assert team.get("hpc")["spec"]["instanceGroups"][0]["instanceCount"] == count
