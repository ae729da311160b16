"""Checks that the subjects of commits have at most 72 characters; `make lint` runs it.

It checks the commits that are not on the default branch. Where there are none (on the default branch itself, or in a
clone without it) it checks the last commits that the clone has. Commits from before the rule are exempt.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

MOST = 72
LAST = 20
"""How many commits are checked where none are off the default branch."""
SINCE = "2026-11-28"
"""The rule's first day, by the author's date: rebasing an old commit does not change it."""
DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


def too_long(directory: Path, *, environment: Mapping[str, str] = os.environ) -> Sequence[str]:
    """The subjects that are too long, each with its abbreviated commit. Raises OSError when git fails."""
    base = next((name for name in DEFAULT_BRANCHES if _commits(directory, environment, f"{name}..HEAD")), None)
    chosen = [f"{base}..HEAD"] if base is not None else [f"--max-count={LAST}", "HEAD"]
    lines = _git(directory, environment, "log", "--no-merges", "--format=%as%x00%h%x00%s", *chosen).splitlines()
    entries = [line.split("\0", 2) for line in lines]
    return [f"{commit} {subject}" for day, commit, subject in entries if day >= SINCE and len(subject) > MOST]


def _commits(directory: Path, environment: Mapping[str, str], span: str) -> bool:
    """Whether there are commits in the range; a branch that the clone does not have has none."""
    try:
        return bool(_git(directory, environment, "rev-list", "--max-count=1", span, "--"))
    except OSError:
        return False


def _git(directory: Path, environment: Mapping[str, str], *words: str) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=directory,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OSError(done.stderr.strip())
    return done.stdout


def main() -> int:
    try:
        found = too_long(Path(__file__).parents[1])
    except OSError as error:
        sys.stderr.write(f"Subjects of commits are not checked, because git cannot read them: {error}\n")
        return 0
    for line in found:
        sys.stderr.write(f"The subject has more than {MOST} characters; shorten it with `git rebase -i`: {line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
