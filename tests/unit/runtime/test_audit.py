"""Where audit records go: the log, and a file of one JSON object a line."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hyperpod_operator.core.audit import CHANGES_MOST, AuditRecord, lines
from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.audit import AuditTrail

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENTRY = AuditRecord(
    kind="HyperPodCluster",
    key=Key("team", "research"),
    call="UpdateCluster",
    outcome="Accepted",
    changes=("a\x1b[1mb",),
)


def test_a_record_is_one_line_of_the_audit_logger(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="hyperpod_operator.audit"):
        AuditTrail(now=lambda: NOW).record(ENTRY)
    (record,) = caplog.records
    assert record.__dict__["audit"]["call"] == "UpdateCluster"


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (ENTRY, "UpdateCluster for HyperPodCluster team/research: Accepted."),
        (
            replace(ENTRY, call="PatchNode", target="Node gpu-1", message="HyperPod marked it Unschedulable."),
            "PatchNode of Node gpu-1 for HyperPodCluster team/research: Accepted. HyperPod marked it Unschedulable.",
        ),
        (
            replace(ENTRY, outcome="Rejected", message="Scale gpu to 4.", error="Quota exceeded."),
            "UpdateCluster for HyperPodCluster team/research: Rejected. Scale gpu to 4. Quota exceeded.",
        ),
    ],
    ids=["accepted", "on a Node", "rejected"],
)
def test_a_terminal_shows_what_was_done_to_what_for_whom_and_why(
    entry: AuditRecord, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="hyperpod_operator.audit"):
        AuditTrail(now=lambda: NOW).record(entry)
    assert [record.getMessage() for record in caplog.records] == [line]


def test_a_file_has_one_object_a_line(tmp_path: Path) -> None:
    trail = AuditTrail(now=lambda: NOW, file=tmp_path / "audit.jsonl")
    trail.record(ENTRY)
    trail.record(ENTRY)
    first, second = (json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines())
    assert first == second
    assert (first["time"], first["name"], first["outcome"]) == ("2026-01-01T00:00:00Z", "research", "Accepted")


def test_text_of_others_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    AuditTrail(now=lambda: NOW, file=tmp_path / "audit.jsonl").record(ENTRY)
    assert json.loads((tmp_path / "audit.jsonl").read_text())["changes"] == ["ab"]


def test_a_file_that_cannot_be_written_to_is_reported_and_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    AuditTrail(now=lambda: NOW, file=tmp_path / "no" / "audit.jsonl").record(ENTRY)
    assert "cannot be written to" in caplog.text


def test_the_document_has_every_member_of_a_record() -> None:
    text = (Path(__file__).parents[3] / "docs" / "observability.md").read_text()
    section = text.split("## Audit")[1].split("## Traces")[0]
    assert [name for name in ENTRY.fields() if f"`{name}`" not in section] == []


def test_a_record_has_so_many_changes_at_most() -> None:
    assert len(lines(range(1000))) == CHANGES_MOST
