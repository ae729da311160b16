"""`make lint` rejects long subjects of commits, in every kind of clone, and leaves old history alone."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tools.commit_subjects import LAST, MOST, too_long

NEW, OLD = "2026-12-01T00:00:00Z", "2026-11-01T00:00:00Z"
SHORT, LONG = "x" * MOST, "x" * (MOST + 1)
ENVIRONMENT: Mapping[str, str] = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}

Git = Callable[..., None]


def run_in(directory: Path, *words: str, date: str = NEW) -> None:
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    subprocess.run(["git", *words], cwd=directory, env={**ENVIRONMENT, **dates}, check=True, capture_output=True)


def commit(directory: Path, subject: str, *, date: str = NEW) -> None:
    run_in(directory, "commit", "--allow-empty", "--message", subject, date=date)


def found(directory: Path) -> list[str]:
    return [line.partition(" ")[2] for line in too_long(directory, environment=ENVIRONMENT)]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """On `main`, with one commit from before the rule that breaks it."""
    made = tmp_path / "repository"
    made.mkdir()
    run_in(made, "init", "--initial-branch=main")
    commit(made, LONG, date=OLD)
    return made


def clone(repository: Path, *options: str) -> Path:
    made = repository.parent / "clone"
    run_in(repository.parent, "clone", *options, repository.as_uri(), str(made))
    return made


def test_a_long_subject_on_a_branch_is_found(repository: Path) -> None:
    run_in(repository, "checkout", "-b", "feature")
    commit(repository, SHORT)
    commit(repository, LONG)
    assert found(repository) == [LONG]


def test_history_from_before_the_rule_is_left_alone(repository: Path) -> None:
    assert found(repository) == []


def test_the_default_branch_alone_is_checked_as_far_as_its_last_commits(repository: Path) -> None:
    commit(repository, LONG)
    assert found(repository) == [LONG]
    for _ in range(LAST):
        commit(repository, SHORT)
    assert found(repository) == []


def test_what_the_default_branch_has_is_not_checked_again_on_a_branch(repository: Path) -> None:
    commit(repository, LONG)
    run_in(repository, "checkout", "-b", "feature")
    commit(repository, SHORT)
    assert found(repository) == []


@pytest.mark.parametrize("options", [(), ("--depth=1",)], ids=["full", "shallow"])
def test_a_fresh_clone_is_checked(repository: Path, options: tuple[str, ...]) -> None:
    commit(repository, LONG)
    assert found(clone(repository, *options)) == [LONG]


def test_a_branch_in_a_clone_is_checked_against_the_remote(repository: Path) -> None:
    commit(repository, LONG)
    made = clone(repository)
    run_in(made, "checkout", "-b", "feature")
    commit(made, SHORT)
    assert found(made) == []


def test_a_detached_head_without_any_branch_is_checked(repository: Path) -> None:
    commit(repository, LONG)
    run_in(repository, "checkout", "--detach")
    run_in(repository, "branch", "--delete", "--force", "main")
    assert found(repository) == [LONG]


def test_a_directory_without_history_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a git repository"):
        too_long(tmp_path, environment=ENVIRONMENT | {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
