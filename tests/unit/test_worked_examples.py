"""The worked examples of docs/architecture.md name files that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
EXAMPLES = PAGE.split("\n## Worked examples\n", 1)[1]
PATHS = sorted(set(re.findall(r"`((?:operator|helm|tests)/[^`]+)`", EXAMPLES)))


def test_the_examples_name_files() -> None:
    assert len(PATHS) > 10


def test_every_file_that_an_example_names_exists() -> None:
    assert [path for path in PATHS if not (ROOT / path).exists()] == []
