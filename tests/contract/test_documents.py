"""Links between documents lead somewhere, and every make target and flag that they name exists."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tests.contract.shown_commands import DOCUMENTS, FENCE, ROOT

from hyperpod_operator.cli import run

TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
FLAGS = {name for option in run.params for name in [*option.opts, *option.secondary_opts]} | {"--help"}


@cache
def anchors(document: Path) -> frozenset[str]:
    """Of the headings, as GitHub makes them: a heading that is there twice has a number from the second on."""
    found: Counter[str] = Counter()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text()), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading)).lower().replace(" ", "-")
        found[words] += 1
    return frozenset(f"{name}-{n}" if n else name for name, times in found.items() for n in range(times))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    words = re.sub(r"`[^`\n]*`", "", FENCE.sub("", path.read_text()))
    targets = re.findall(r"\]\(([^)\s]+)\)", words) + re.findall(r"^\[[^\]]+\]: (\S+)", words, re.MULTILINE)
    for target in targets:
        if not target.startswith(("http:", "https:", "mailto:")):
            name, _, anchor = target.partition("#")
            file = path.parent / name if name else path
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_conflict_of_a_merge_is_left(path: Path) -> None:
    assert not re.findall(r"^(?:<{7} .*|>{7} .*|={7})$", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(path: Path) -> None:
    assert set(re.findall(r"(?:`|^|\$ )make ([a-z-]+)", path.read_text(), re.MULTILINE)) <= TARGETS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_flags_of_run_exist(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if "hyperpod-operator run" in line]
    assert {flag for line in lines for flag in re.findall(r"(--[a-z-]+)", line)} <= FLAGS
