"""Each verb against a server of dicts: what it prints, what it sends, and how it fails."""

import io
import json
import sys
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.core.explain import worlds
from tests.unit.core.explain.worlds import condition, unready
from tests.unit.plugin.fake import LEASES, NODE, OURS, run, server

from kubectl_hyperpod.commands.handover import PROGRAM, hand_over, in_namespace
from kubectl_hyperpod.durations import duration
from kubectl_hyperpod.errors import CommandError, RefusedError, UnreachableError
from kubectl_hyperpod.main import COMMANDS
from kubectl_hyperpod.view.explanation import WIDTH, width

SHORT = unready("CapacityShortage", message="1 of 4 nodes.", nodes={"summary": "1/4"})


def changes(fake: Any) -> list[tuple[str, str, Any]]:
    return [one for one in fake.sent if one[0] != "GET"]


@pytest.mark.parametrize("verb", COMMANDS)
def test_each_verb_says_what_it_does(verb: str) -> None:
    listed = run(server(), "--help").output
    assert verb in listed


def test_status_says_who_acts() -> None:
    shown = run(server(SHORT, claims=(worlds.claim(condition("Ready", "True", "ClaimReady")),)), "status")
    rows = [line.split() for line in shown.output.splitlines()]
    assert rows[1][:6] == ["hpc/research", "False", "InService", "1/4", "AWS", "CapacityShortage"]
    assert rows[2][:2] == ["evc/cache", "True"]


def test_status_prefers_what_the_operator_says_of_the_actor() -> None:
    shown = run(server({**SHORT, "status": {**SHORT["status"], "actor": "You"}}), "status")
    assert shown.output.splitlines()[1].split()[4] == "You"


def test_status_of_one_object_shows_its_parts() -> None:
    shown = run(server(SHORT), "status", "research").output
    assert "Who acts:        AWS" in shown
    assert "kubectl hyperpod explain hpc/research -n team" in shown


def test_status_of_a_cluster_shows_what_it_costs() -> None:
    cost = {"hourly": "222.00", "idleHourly": "55.04", "currency": "USD", "unknownGroups": ["spot"]}
    shown = run(server(unready("CapacityShortage", cost=cost)), "status", "research").output
    assert "222.00 USD/h, 55.04 of it idle, not known for spot" in shown


def test_status_of_a_group_shows_its_image_and_whether_there_is_another() -> None:
    group = {
        "instanceGroupName": "gpu",
        "currentImageReleaseVersion": "1.0.0",
        "imageVersionStatus": "UpdateAvailable",
    }
    shown = run(server(unready("CapacityShortage", instanceGroups=[group])), "status", "research").output
    assert "1.0.0 (UpdateAvailable)" in shown


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_status_prints_objects_for_programs(form: str) -> None:
    shown = run(server(SHORT), "status", "-o", form).output
    assert yaml.safe_load(shown)["items"] == [SHORT]


def test_status_of_an_empty_namespace_says_so() -> None:
    assert "no HyperPodClusters or EBSVolumeClaims in namespace team" in run(server(), "status").stderr


def test_explain_takes_the_only_cluster() -> None:
    shown = run(server(SHORT), "explain").output
    assert shown.startswith("HyperPodCluster team/research: Ready=False, CapacityShortage")
    assert "AWS has to finish" in shown


@pytest.mark.parametrize("off", [timedelta(minutes=10), timedelta(minutes=-10)])
def test_a_clock_that_is_off_stops_no_operator(off: timedelta) -> None:
    """The API server's clock counts: by one that is ahead the operator's Lease would be stale."""
    fake = server(worlds.READY)
    fake.date = worlds.NOW - off
    lease = deepcopy(worlds.LEASE)
    lease["spec"]["renewTime"] = (worlds.NOW - off).isoformat()
    fake.objects[LEASES] = [lease]
    assert json.loads(run(fake, "explain", "research", "-o", "json").output)["reason"] == "ClusterReady"


def test_explain_is_json_for_programs() -> None:
    found = json.loads(run(server(SHORT), "explain", "hpc/research", "-o", "json").output)
    assert found["step"]["actor"] == "AWS"


def test_explain_without_a_definition_says_what_to_install() -> None:
    fake = server(SHORT)
    fake.served = False
    assert "hyperpod-operator crds" in run(fake, "explain", "research").output


def test_explain_of_a_missing_object_names_the_one_in_another_namespace() -> None:
    fake = server()
    other = {**SHORT, "metadata": {**SHORT["metadata"], "namespace": "prod"}}
    fake.objects["/apis/hyperpod-operator.dev/v1alpha1/hyperpodclusters"] = [other]
    assert "prod/research" in run(fake, "explain", "research").output


def test_explain_says_what_rbac_hides() -> None:
    fake = server(SHORT)
    fake.refused = {LEASES: 403, "/apis/events.k8s.io/v1/namespaces/team/events": 403}
    shown = run(fake, "explain", "research")
    assert shown.exit_code == 0
    assert "Not known:" in shown.output
    assert "you may not list the Leases" in " ".join(shown.output.split())


def test_explain_of_a_forbidden_object_names_the_right() -> None:
    fake = server()
    fake.refused = {f"{OURS}/hyperpodclusters/research": 403}
    shown = " ".join(run(fake, "explain", "research").output.split())
    assert "verb get on hyperpodclusters.hyperpod-operator.dev" in shown


def test_a_missing_object_is_one_line_with_the_names_there_are() -> None:
    shown = run(server(SHORT), "status", "reserch")
    assert shown.exit_code == 1
    assert shown.stderr.startswith(
        "error: Namespace team has no HyperPodCluster object reserch (AWS was not asked). It has: research."
    )


def test_a_missing_namespace_is_named() -> None:
    fake = server()
    del fake.objects["/api/v1/namespaces/team"]
    assert "There is no namespace team." in run(fake, "status", "research").stderr


def test_several_clusters_want_a_name() -> None:
    other = {**SHORT, "metadata": {**SHORT["metadata"], "name": "other"}}
    assert "name one of other, research" in run(server(SHORT, other), "explain").stderr


def test_an_unknown_kind_is_refused() -> None:
    assert "'pods' is no kind of the operator's" in run(server(), "status", "pods/x").stderr


def test_expired_credentials_say_to_log_in() -> None:
    fake = server()
    fake.refused = {f"{OURS}/hyperpodclusters/research": 401}
    assert "Log in again" in run(fake, "pause", "research").stderr


def test_nodes_show_health_and_volumes() -> None:
    shown = run(server(SHORT, claims=(worlds.claim(),)), "nodes").output.splitlines()[1].split("   ")
    assert [cell.strip() for cell in shown if cell.strip()] == [
        "hyperpod-i-0123456789abcdef0", "gpu", "p5.48xlarge", "Schedulable", "Ready", "new pods", "-", "cache", "10m",
    ]  # fmt: skip


def test_a_volume_that_left_its_node_is_not_shown_there() -> None:
    """Status names the node of a suspended claim: the volume belongs there."""
    claim = worlds.claim()
    claim["status"]["attachment"]["state"] = "detached"
    fake = server(SHORT, claims=(claim,))
    assert "cache" not in run(fake, "nodes").output
    table = next(line for line in run(fake, "status").output.splitlines() if line.startswith("evc/cache"))
    assert "hyperpod-i-" not in table
    shown = run(fake, "status", "evc/cache").output
    assert "Last node:       hyperpod-i-0123456789abcdef0" in shown
    assert "Device" not in shown


def test_nodes_of_another_cluster_are_left_out() -> None:
    fake = server(SHORT)
    provider = "aws:///usw2-az1/sagemaker/cluster/hyperpod-zzzzzzzzzzzz-i-0123456789abcdef0"
    fake.objects["/api/v1/nodes"] = [{**NODE, "spec": {"providerID": provider}}]
    assert run(fake, "nodes").output == "There are no such Nodes in Kubernetes.\n"


@pytest.mark.parametrize("said", ["hyperpod-i-0123456789abcdef0", "i-0123456789abcdef0", "logical-1"])
def test_ssm_takes_each_name_of_a_node(said: str) -> None:
    claim = worlds.claim()
    claim["status"]["attachment"]["nodeLogicalId"] = "logical-1"
    shown = run(server(SHORT, claims=(claim,)), "ssm", said).output
    assert shown == "sagemaker-cluster:abcdefghijkl_gpu-i-0123456789abcdef0\n"


def test_ssm_of_an_unknown_node_lists_some() -> None:
    assert "There are: hyperpod-i-0123456789abcdef0." in run(server(SHORT), "ssm", "i-0").stderr


def test_events_are_told_oldest_first() -> None:
    fake = server(SHORT)
    fake.objects["/apis/events.k8s.io/v1/namespaces/team/events"] = [
        {"metadata": {"name": name}, "type": "Warning", "reason": name, "note": "n", "eventTime": at,
         "regarding": {"kind": "HyperPodCluster", "name": "research", "uid": "u1"}}
        for name, at in (("B", "2026-11-28T11:59:00Z"), ("A", "2026-11-28T11:00:00Z"))
    ]  # fmt: skip
    lines = run(fake, "events").output.splitlines()[1:]
    assert [line.split()[2] for line in lines] == ["A", "B"]


def test_events_of_an_earlier_object_of_the_name_are_left_out() -> None:
    fake = server(SHORT)
    fake.objects["/apis/events.k8s.io/v1/namespaces/team/events"] = [
        {"metadata": {"name": "a"}, "reason": "A", "regarding": {"uid": "earlier"}}
    ]
    assert "There are no Events" in run(fake, "events").output


def test_pause_patches_one_member() -> None:
    fake = server(SHORT)
    assert run(fake, "pause", "research").output == "hpc/research is paused.\n"
    ((method, path, body),) = changes(fake)
    assert (method, path.partition("?")[0]) == ("PATCH", f"{OURS}/hyperpodclusters/research")
    assert body == {"spec": {"management": {"paused": True}}}


def test_pause_twice_changes_nothing() -> None:
    fake = server({**SHORT, "spec": {**SHORT["spec"], "management": {"paused": True}}})
    assert run(fake, "pause", "research").output == "hpc/research is paused already.\n"
    assert changes(fake) == []


def test_resume_removes_the_member() -> None:
    fake = server({**SHORT, "spec": {**SHORT["spec"], "management": {"paused": True}}})
    run(fake, "resume", "research")
    assert changes(fake)[0][2] == {"spec": {"management": {"paused": None}}}


def test_pause_of_an_object_from_git_warns() -> None:
    marked = {**SHORT["metadata"], "annotations": {"argocd.argoproj.io/tracking-id": "x"}}
    assert "same change in Git" in run(server({**SHORT, "metadata": marked}), "pause", "research").stderr


def test_a_dry_run_reaches_the_server_as_one() -> None:
    fake = server(SHORT)
    assert "nothing was changed" in run(fake, "reconcile", "research", "--dry-run").output
    assert "dryRun=All" in changes(fake)[0][1]


def test_reconcile_sets_the_annotation() -> None:
    fake = server(SHORT)
    run(fake, "reconcile", "research")
    notes = changes(fake)[0][2]["metadata"]["annotations"]
    assert notes == {"hyperpod-operator.dev/reconcile-requested-at": "2026-11-28T12:00:00.000+00:00"}


PLAN = {
    "digest": "sha256:1",
    "state": "Pending",
    "summary": "-1 node in gpu",
    "actions": [
        {
            "call": "UpdateCluster",
            "effect": "Destroys",
            "changes": ["instanceGroups[gpu].instanceCount: 4 -> 3"],
            "waits": True,
        }
    ],
}
WAITING = unready("Updating", plan=PLAN)


def test_approve_shows_the_plan_and_approves_its_digest() -> None:
    fake = server(WAITING)
    shown = run(fake, "approve", "research", "--yes").output
    assert "instanceGroups[gpu].instanceCount: 4 -> 3" in shown
    assert changes(fake)[0][2] == {"metadata": {"annotations": {"hyperpod-operator.dev/approve-plan": "sha256:1"}}}


def test_approve_shows_all_that_whoever_approves_has_to_know() -> None:
    nodes = [f"i-{number:017x}" for number in range(20)]
    more = {"nodes": nodes, "nodeCount": 64, "pods": 7, "wouldFail": ["no quota\x1b[2K"]}
    action = {"call": "UpdateCluster", "effect": "Destroys", "changes": [], "waits": True, **more}
    tags = {"call": "AddTags", "effect": "Changes", "changes": ["tags[team]: unset -> a"]}
    plan = {**PLAN, "cost": "-393.12 USD/h", "actions": [action, tags]}
    said = run(server(unready("Updating", plan=plan)), "approve", "research", "--dry-run").output
    assert "cost: -393.12 USD/h" in said
    assert "i-00000000000000013 and 44 more" in said
    assert "pods on them: 7" in said
    assert "would fail: no quota\n" in said
    assert "Changes   AddTags (needs no approval)" in said
    assert "Destroys  UpdateCluster\n" in said


def test_approve_needs_a_terminal_or_a_yes() -> None:
    fake = server(WAITING)
    assert "--yes or --digest" in run(fake, "approve", "research").stderr
    assert changes(fake) == []


def test_approve_of_another_digest_is_refused() -> None:
    fake = server(WAITING)
    assert "is sha256:1 now, not sha256:0" in run(fake, "approve", "research", "--digest", "sha256:0").stderr
    assert changes(fake) == []


def test_approve_of_a_plan_for_an_older_spec_is_refused() -> None:
    fake = server({**WAITING, "metadata": {**WAITING["metadata"], "generation": 4}})
    assert "earlier spec" in run(fake, "approve", "research", "--yes").stderr
    assert changes(fake) == []


def test_approve_without_a_plan_says_so() -> None:
    assert "no plan that waits" in run(server(SHORT), "approve", "research", "-y").stderr


HELD = worlds.operation(
    worlds.condition("Ready", "False", "WaitingForApproval"),
    plan={
        "digest": "sha256:2",
        "state": "Pending",
        "summary": "Replace of 1 node",
        "actions": [{"call": "BatchReplaceClusterNodes", "effect": "Destroys", "nodes": ["i-0a"], "waits": True}],
    },
)


def test_approve_takes_a_node_operation() -> None:
    fake = server(operations=(HELD,))
    assert "i-0a" in run(fake, "approve", "hpno/reboot-x", "--yes").output
    ((_, path, body),) = changes(fake)
    assert path.partition("?")[0] == f"{OURS}/hyperpodnodeoperations/reboot-x"
    assert body == {"metadata": {"annotations": {"hyperpod-operator.dev/approve-plan": "sha256:2"}}}


def test_explain_of_an_operation_that_waits_has_the_command_that_approves() -> None:
    found = json.loads(run(server(operations=(HELD,)), "explain", "hpno/reboot-x", "-o", "json").stdout)
    assert found["step"]["commands"][-1] == "kubectl hyperpod approve hpno/reboot-x -n team"


@pytest.mark.parametrize(("verb", "value"), [("pause", True), ("resume", None)])
def test_an_operation_is_suspended_instead_of_paused(verb: str, value: bool | None) -> None:
    fake = server(operations=({**HELD, "spec": {**HELD["spec"], "suspend": value is None}},))
    run(fake, verb, "hpno/reboot-x")
    assert changes(fake)[0][2] == {"spec": {"suspend": value}}


def test_wait_ends_when_the_condition_holds() -> None:
    assert run(server(worlds.READY), "wait", "research").output == "hpc/research: Ready is True.\n"


def test_wait_follows_the_watch() -> None:
    fake = server(SHORT)
    fake.watched = [[("MODIFIED", worlds.READY)]]
    assert run(fake, "wait", "research").output.splitlines() == [
        "CapacityShortage: 1 of 4 nodes.",
        "hpc/research: Ready is True.",
    ]


@pytest.mark.parametrize(
    "away",
    [UnreachableError("The connection was reset."), *(RefusedError("x", status=code) for code in (410, 429, 503))],
)
def test_wait_goes_on_when_the_api_server_was_away(monkeypatch: pytest.MonkeyPatch, away: CommandError) -> None:
    monkeypatch.setattr("kubectl_hyperpod.commands.wait.PAUSE", 0.0)
    fake = server(SHORT)
    fake.watched = [away, away, [("MODIFIED", worlds.READY)]]
    shown = run(fake, "wait", "research")
    assert "hpc/research: Ready is True.\n" in shown.output
    assert shown.stderr.count("The command tries again.") == 1


@pytest.mark.parametrize(
    "refusal",
    [UnreachableError("not trusted", passing=False), *(RefusedError("x", status=code) for code in (401, 403))],
)
def test_wait_ends_when_the_api_server_refuses(refusal: CommandError) -> None:
    fake = server(SHORT)
    fake.watched = [refusal]
    assert run(fake, "wait", "research").exit_code == 1


def test_wait_does_not_believe_an_older_generation() -> None:
    old = {**worlds.READY, "metadata": {**worlds.READY["metadata"], "generation": 4}}
    shown = run(server(old), "wait", "research", "--timeout", "0")
    assert (shown.exit_code, "not reached within 0 s" in shown.stderr) == (1, True)


@pytest.mark.parametrize("condition", ["Ready=true", "condition=Ready", "condition=Ready=True"])
def test_wait_takes_a_condition_as_kubectl_spells_it(condition: str) -> None:
    shown = run(server(worlds.READY), "wait", "research", "--for", condition)
    assert (shown.exit_code, shown.output) == (0, "hpc/research: Ready is True.\n")


@pytest.mark.parametrize("condition", ["Ready=yes", "Deleted=True", "ready", "condition=NotThere"])
def test_wait_waits_for_nothing_that_no_object_can_have(condition: str) -> None:
    shown = run(server(worlds.READY), "wait", "research", "--for", condition, "--timeout", "0")
    assert shown.exit_code == 1
    assert "not reached" not in shown.stderr


def test_wait_for_the_deletion_ends_with_it() -> None:
    fake = server(SHORT)
    fake.watched = [[("DELETED", SHORT)]]
    assert "hpc/research is deleted." in run(fake, "wait", "research", "--for", "Deleted").output


def test_waiting_for_the_deletion_of_what_is_gone_succeeds() -> None:
    shown = run(server(), "wait", "research", "--for", "Deleted")
    assert (shown.exit_code, shown.output) == (0, "hpc/research does not exist.\n")


def test_wait_can_end_when_you_have_to_act() -> None:
    fake = server(unready("SpecRejected", stalled=True))
    assert run(fake, "wait", "research", "--fail-when-stalled").exit_code == 3


def test_the_version_is_the_operators() -> None:
    from hyperpod_operator import __version__

    assert run(server(), "--version").output == f"kubectl-hyperpod {__version__}\n"


@pytest.mark.parametrize(
    ("terminal", "columns", "expected"), [(False, "80", WIDTH), (True, "80", 80), (True, "20", 60)]
)
def test_only_a_terminal_decides_how_wide_an_explanation_is(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, columns: str, expected: int
) -> None:
    """Some shells export COLUMNS; what a script reads from a pipe must not depend on it."""
    stdout = io.StringIO()
    monkeypatch.setattr(stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setenv("COLUMNS", columns)
    assert width() == expected


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two contexts: `here`, the current one, is in namespace team, `there` in other."""
    path = tmp_path / "config"
    contexts = [
        {"name": name, "context": {"cluster": "c", "user": "u", "namespace": namespace}}
        for name, namespace in (("here", "team"), ("there", "other"))
    ]
    clusters = [{"name": "c", "cluster": {"server": "https://server"}}]
    path.write_text(json.dumps({"current-context": "here", "contexts": contexts, "clusters": clusters, "users": []}))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-f", "-"), ("--namespace", "team")),
        (("-f", "-", "--context", "there"), ("--namespace", "other")),
        (("-f", "-", "--context=there"), ("--namespace", "other")),
        (("-f", "-", "-n", "mine"), ()),
        (("-f", "-", "--namespace=mine"), ()),
    ],
)
def test_a_plan_is_about_the_namespace_that_kubectl_would_apply_to(
    kubeconfig: Path, words: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert in_namespace(words) == (*words, *expected)


def test_a_plan_needs_no_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert in_namespace(("-f", "a.yaml")) == ("-f", "a.yaml")


def test_a_program_of_the_current_directory_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tmp_path / PROGRAM
    planted.write_text("#!/bin/sh\n")
    planted.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "argv", ["kubectl-hyperpod"])
    monkeypatch.setattr("os.execv", lambda *_: pytest.fail("it was run"))
    with pytest.raises(CommandError, match="that program is not installed"):
        hand_over("plan", ())


def test_a_verb_that_is_misspelt_names_the_nearest() -> None:
    shown = run(server(), "explian")
    assert shown.exit_code == 2
    assert "No such command 'explian'. Did you mean explain?" in shown.output


@pytest.mark.parametrize(("plan", "why"), [({}, "plans no change"), ({"state": "None"}, "plans no change")])
def test_approving_nothing_says_that_nothing_is_planned(plan: dict[str, Any], why: str) -> None:
    shown = run(server(unready("CapacityShortage", plan=plan)), "approve", "research")
    assert shown.exit_code == 1
    assert why in shown.output


def test_resuming_what_is_not_paused_says_so() -> None:
    assert run(server(SHORT), "resume", "research").output == "hpc/research is not paused.\n"


def test_resuming_an_operation_that_its_spec_does_not_suspend_says_what_does() -> None:
    restored = worlds.condition("Ready", "False", "OperationSuspended", "A backup brought this object back.")
    shown = run(server(operations=(worlds.operation(restored),)), "resume", "hpno/reboot-x")
    assert shown.output == "hpno/reboot-x is not paused. A backup brought this object back.\n"


def test_a_condition_that_no_kind_has_is_not_waited_for() -> None:
    shown = run(server(SHORT), "wait", "research", "--for", "Redy")
    assert shown.exit_code == 1
    assert "has a condition 'Redy'. Did you mean Ready?" in shown.output


@pytest.mark.parametrize(
    ("spelled", "seconds"), [("0", 0.0), ("90", 90.0), ("1.5", 1.5), ("30s", 30.0), ("40m", 2400.0), ("1h30m", 5400.0)]
)
def test_a_time_is_spelled_as_kubectl_spells_it(spelled: str, seconds: float) -> None:
    assert duration(spelled) == seconds


@pytest.mark.parametrize("spelled", ["", "5d", "-1", "m", "1m x", "1e9", "nan"])
def test_what_is_no_time_is_refused_with_the_spelling(spelled: str) -> None:
    shown = run(server(SHORT), "wait", "research", "--timeout", spelled)
    assert shown.exit_code == 2
    assert "1h30m" in shown.output
