"""The worked examples of docs/architecture.md name files that exist."""

import re
from pathlib import Path

from hyperpod_operator.core.cluster.existing import TRANSITIONS
from hyperpod_operator.core.engine.journal import CallState
from hyperpod_operator.core.nodeoperation.states import State

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
EXAMPLES = PAGE.split("\n## Worked examples\n", 1)[1]
PATHS = sorted(set(re.findall(r"`((?:operator|helm|tests)/[^`]+)`", EXAMPLES)))


def test_the_examples_name_files() -> None:
    assert len(PATHS) > 10


def test_every_file_that_an_example_names_exists() -> None:
    assert [path for path in PATHS if not (ROOT / path).exists()] == []


def test_the_example_of_a_concern_names_all_files_that_know_one() -> None:
    """The example's own example: no other file of the operator or its tests needs to name a concern's policies."""
    example = EXAMPLES.split("### Add a concern\n", 1)[1].split("\n### ", 1)[0]
    named = set(re.findall(r"`((?:operator|tests)/[^`]+\.py)`", example))
    knowing = {
        str(path.relative_to(ROOT))
        for folder in ("operator", "plugin", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if "groups_protected" in path.read_text()
    }
    assert knowing <= named
    assert "groups_protected" in (ROOT / "tests/unit/core/test_policy.py").read_text()


def drawing(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_life_of_a_node_operation_shows_every_state() -> None:
    assert [state for state in State if state.value not in drawing("Life of a node operation")] == []


def test_the_life_of_a_cluster_shows_every_status_of_aws() -> None:
    told = drawing("Life of a cluster")
    assert [status for status in (*TRANSITIONS, "InService", "Failed", "Deleting") if status not in told] == []


def test_the_life_of_a_call_shows_every_state() -> None:
    assert [state for state in CallState if state.value not in drawing("Life of a call")] == []


def test_the_life_of_a_claim_shows_every_step_that_moves_its_volume() -> None:
    steps = ("CreateVolume", "attaching", "attached", "detaching", "ModifyVolume", "DeleteVolume")
    assert [word for word in steps if word not in drawing("Life of a claim")] == []


def test_the_example_of_a_metric_names_all_files_that_know_one() -> None:
    """DRAIN_TIMEOUTS is the example's own example."""
    example = EXAMPLES.split("### Add a metric\n", 1)[1]
    knowing = {
        str(path.relative_to(ROOT))
        for folder in ("operator", "plugin", "tools", "testbed")
        for path in (ROOT / folder).rglob("*.py")
        if "DRAIN_TIMEOUTS" in path.read_text() or "drain_timeouts" in path.read_text()
    }
    assert knowing == set(re.findall(r"`((?:operator|tests)/[^`]+(?:operations|measure)\.py)`", example))
