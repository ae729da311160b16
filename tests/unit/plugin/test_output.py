"""What the plugin prints: foreign text acts on no terminal, what could not be read is told, any encoding will do."""

import ast
import io
import json
import sys
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from tests.unit.core.explain import worlds
from tests.unit.core.explain.worlds import unready
from tests.unit.plugin.fake import EVENTS, LEASES, NODE, OURS, FakeServer, run, server, session

import kubectl_hyperpod
from hyperpod_operator.api.names import LABEL_LEADER_ELECTION, SERVED_NAMESPACES
from hyperpod_operator.core.text import plain
from kubectl_hyperpod import main
from kubectl_hyperpod.view.data import as_json, as_yaml
from kubectl_hyperpod.view.table import table

FOREIGN = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp\u200b\nforged line"
SHORT = unready("CapacityShortage", message="1 of 4 nodes.", nodes={"summary": "1/4"})
CLAIMS = f"{OURS}/ebsvolumeclaims"


def hostile() -> FakeServer:
    """Every text that somebody else may have written is foreign."""
    group = dict.fromkeys(("instanceGroupName", "instanceType", "status", "message"), FOREIGN)
    plan = {
        "digest": FOREIGN,
        "computedAt": FOREIGN,
        "summary": FOREIGN,
        "state": "Pending",
        "actions": [{"waits": True, "call": FOREIGN, "effect": FOREIGN, "changes": [FOREIGN], "nodes": [FOREIGN]}],
    }
    cluster = unready(FOREIGN, message=FOREIGN, nodes={"summary": FOREIGN}, instanceGroups=[group], plan=plan)
    fake = server(cluster)
    about = {"kind": FOREIGN, "name": FOREIGN, "uid": ""}
    fake.objects[EVENTS] = [
        {"metadata": {"name": "x"}, "type": FOREIGN, "reason": FOREIGN, "note": FOREIGN, "regarding": about}
    ]
    metadata: Any = NODE["metadata"]
    labels = {**metadata["labels"], "sagemaker.amazonaws.com/node-health-status": FOREIGN}
    fake.objects["/api/v1/nodes"] = [{**NODE, "metadata": {**metadata, "labels": labels}}]
    return fake


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "research"),
        ("status", "-o", "wide"),
        ("explain", "research"),
        ("events",),
        ("nodes", "-o", "wide"),
        ("approve", "research", "--dry-run"),
        ("wait", "research", "--timeout", "1"),
    ],
    ids=" ".join,
)
def test_foreign_text_acts_on_no_terminal_and_makes_no_line(words: tuple[str, ...]) -> None:
    shown = run(hostile(), *words)
    lines = (shown.stdout + shown.stderr).splitlines()
    assert [line for line in lines if plain(line) != line or line.startswith("forged")] == []
    assert "forged line" in shown.output


@pytest.mark.parametrize("form", [as_json, as_yaml])
def test_foreign_text_in_an_object_is_escaped_and_read_as_it_was(form: Any) -> None:
    written = form({"message": FOREIGN, "other": "größer …"})
    assert [line for line in written.splitlines() if plain(line) != line] == []
    assert yaml.safe_load(written)["message"] == FOREIGN


def test_letters_of_any_language_stay_as_they_are_in_an_object() -> None:
    assert "größer …" in as_json({"message": "größer …"})
    assert "größer …" in as_yaml({"message": "größer …"})


def test_a_cell_is_one_line() -> None:
    assert len(table(["A"], [["one\ntwo"]]).splitlines()) == 2


def test_words_are_printed_in_one_place() -> None:
    """A second way would be one that lets escape sequences through."""
    folder = Path(kubectl_hyperpod.__file__).parent
    found = [
        f"{file.relative_to(folder)}:{node.lineno}"
        for file in folder.rglob("*.py")
        if "_operator" not in file.parts and file.parent.name != "view" and file.name != "errors.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("click.echo", "click.secho", "print")
    ]
    assert found == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("words", [("status",), ("status", "-o", "json"), ("status", "-o", "yaml")], ids=" ".join)
def test_any_encoding_of_the_terminal_will_do(
    encoding: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    made = session(server(unready("CapacityShortage", message="größer 日本 ⚠ …")))
    verbs = main.main
    monkeypatch.setattr(main, "main", lambda prog_name: verbs(words, obj=made, prog_name=prog_name))
    with pytest.raises(SystemExit) as ended:
        main.run()
    sys.stdout.flush()
    assert ended.value.code == 0
    if "-o" in words:
        (one,) = yaml.safe_load(written.getvalue().decode(encoding))["items"]
        assert one["status"]["conditions"][0]["message"] == "größer 日本 ⚠ …"


@pytest.mark.parametrize("words", [("status",), ("status", "-o", "json")], ids=" ".join)
def test_status_says_which_kind_it_could_not_read(words: tuple[str, ...]) -> None:
    fake = server(SHORT)
    fake.refused[CLAIMS] = 403
    shown = run(fake, *words)
    assert shown.exit_code == 1
    assert shown.stderr.startswith("Of the kind EBSVolumeClaim nothing is shown: The API server refused")
    assert "research" in shown.stdout


def test_status_does_not_call_empty_what_it_could_not_read() -> None:
    fake = server()
    fake.refused[CLAIMS] = 503
    shown = run(fake, "status")
    assert shown.exit_code == 1
    assert "There are no" not in shown.output


def test_status_passes_over_a_kind_that_is_not_installed() -> None:
    fake = server(SHORT)
    fake.bare = True
    fake.refused[CLAIMS] = 404
    shown = run(fake, "status")
    assert (shown.exit_code, shown.stderr) == (0, "")


def test_nodes_do_not_show_volumes_that_cannot_be_read_as_none() -> None:
    fake = server(SHORT)
    fake.refused[CLAIMS] = 403
    shown = run(fake, "nodes", "-o", "wide")
    assert "new pods   -       ?" in shown.stdout
    assert shown.stderr.startswith("Volumes are not known: The API server refused")


def test_a_logical_id_that_cannot_be_looked_up_says_why() -> None:
    fake = server(SHORT)
    fake.refused[CLAIMS] = 403
    assert "Logical ids are not known: The API server refused" in run(fake, "ssm", "gpu-1").stderr


def test_wait_gives_up_for_no_state_of_an_earlier_spec() -> None:
    stalled = unready("SpecRejected", stalled=True)
    edited = {**stalled, "metadata": {**stalled["metadata"], "generation": 9}}
    ready = worlds.cluster(worlds.condition("Ready", "True", "ClusterReady"))
    seen = {
        **ready,
        "metadata": {**ready["metadata"], "generation": 9},
        "status": {**ready["status"], "observedGeneration": 9},
    }
    fake = server(edited)
    fake.watched = [[("MODIFIED", seen)]]
    shown = run(fake, "wait", "research", "--fail-when-stalled")
    assert (shown.exit_code, shown.stdout) == (
        0,
        "The operator has not seen the newest spec yet.\nhpc/research: Ready is True.\n",
    )


def test_wait_takes_no_condition_for_the_newest_spec_that_is_of_an_earlier_one() -> None:
    """AWS could not be read after the edit: the operator has seen the spec, and says nothing new about this."""
    before = {**worlds.condition("SpecSynced", "True", "InSync"), "observedGeneration": 2}
    edited = worlds.cluster(worlds.condition("Ready", "Unknown", "AWSUnreachable"), before)
    assert edited["metadata"]["generation"] == edited["status"]["observedGeneration"] == 3
    shown = run(server(edited), "wait", "research", "--for", "SpecSynced", "--timeout", "1")
    assert (shown.exit_code, "SpecSynced was not reached" in shown.stderr) == (1, True)


def test_ages_are_by_the_clock_of_the_server() -> None:
    fake = server(SHORT)
    fake.date = worlds.NOW + timedelta(days=3)
    assert run(fake, "nodes").stdout.splitlines()[1].split()[-1].startswith("3d")


def test_json_for_programs_is_one_document() -> None:
    assert json.loads(run(hostile(), "status", "-o", "json").stdout)["kind"] == "List"


@pytest.mark.parametrize("over", [timedelta(seconds=5), timedelta(hours=2)])
def test_a_second_installation_does_not_hide_that_the_first_one_ended(over: timedelta) -> None:
    """No Lease says which objects its operator serves."""
    fake = server(SHORT)
    other: Any = deepcopy(worlds.LEASE)
    other["metadata"]["namespace"] = "second"
    other["spec"]["renewTime"] = (worlds.NOW - over).isoformat()
    fake.objects[LEASES] = [worlds.LEASE, other]
    fake.date = worlds.NOW
    shown = run(fake, "explain", "research").stdout
    assert ("The Lease in namespace second is not renewed" in shown) == (over > timedelta(minutes=1))


@pytest.mark.parametrize(
    ("served", "reason"), [("team,prod", "NoLeader"), ("", "NoLeader"), ("prod", "CapacityShortage")]
)
def test_the_lease_of_another_name_tells_whether_its_operator_serves_the_namespace(served: str, reason: str) -> None:
    """The chart names it after the release: by one name alone, the installation that runs would hide the other."""
    fake = server(SHORT)
    over: Any = deepcopy(worlds.LEASE)
    over["metadata"] = {"name": "op-hyperpod-operator", "namespace": "ops", "annotations": {SERVED_NAMESPACES: served}}
    over["spec"]["renewTime"] = (worlds.NOW - timedelta(hours=2)).isoformat()
    runs: Any = deepcopy(worlds.LEASE)
    runs["metadata"]["annotations"] = {SERVED_NAMESPACES: "others"}
    fake.objects[LEASES] = [runs, over]
    fake.date = worlds.NOW
    assert json.loads(run(fake, "explain", "research", "-o", "json").stdout)["reason"] == reason
    assert any(f"labelSelector={quote(LABEL_LEADER_ELECTION, safe='')}" in path for _, path, _ in fake.sent)
