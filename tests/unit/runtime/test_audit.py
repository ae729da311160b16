"""Where audit records go: the log, and a file of one JSON object a line."""

import json
import logging
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
