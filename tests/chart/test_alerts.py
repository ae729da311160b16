"""The alerts by the real promtool: they parse, each fires when it should, and none fires when all is well."""

import subprocess
from pathlib import Path

import pytest
import yaml

from hyperpod_testbed.control_plane.tools import tool
from hyperpod_testbed.helm import CHART

ALERTS = CHART / "files" / "alerts.yaml"
CASES = Path(__file__).parent / "alerts.test.yaml"

pytestmark = pytest.mark.long  # promtool takes ten minutes to build


def promtool(*args: str | Path) -> str:
    done = subprocess.run([tool("promtool"), *args], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_they_parse() -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", ALERTS)


def test_each_fires_when_it_should_and_none_when_all_is_well(tmp_path: Path) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text(CASES.read_text().replace("[ALERTS]", f"[{ALERTS}]"))
    assert "SUCCESS" in promtool("test", "rules", cases)


def test_no_alert_is_left_out() -> None:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    assert [
        rule["alert"] for group in groups for rule in group["rules"] if rule["alert"] not in CASES.read_text()
    ] == []
