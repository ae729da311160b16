"""A Git repository on disk, as a team's: files in, a commit out. Argo CD reads it by its file URL."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

AUTHOR = ("-c", "user.name=Team", "-c", "user.email=team@example.com", "-c", "commit.gpgsign=false")


class Repository:
    """One branch, main."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._git("init", "--quiet", "--initial-branch=main")
        self.commit("The first one, empty")

    @property
    def url(self) -> str:
        return self.directory.as_uri()

    def write(self, path: str, *manifests: Mapping[str, Any]) -> None:
        """A file of manifests, in place of what it held."""
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump_all([dict(one) for one in manifests], sort_keys=False))

    def copy(self, source: Path, path: str) -> None:
        """A whole folder, in place of what it held."""
        target = self.directory / path
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)

    def remove(self, path: str) -> None:
        (self.directory / path).unlink()

    def commit(self, message: str) -> str:
        """Everything that changed, as one commit; its hash."""
        self._git("add", "--all")
        self._git(*AUTHOR, "commit", "--quiet", "--allow-empty", f"--message={message}")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *args: str) -> str:
        # Nothing of the user's: a template, a hook or a default branch of theirs would change what is tried.
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            ["git", *args], cwd=self.directory, env=env, check=True, capture_output=True, text=True
        ).stdout
