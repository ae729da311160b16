"""Builds dist/kubectl-hyperpod.tar.gz: one executable file with the plugin and what it needs, as krew installs plugins.

The file is a zip that Python runs (zipapp). PyYAML's C parser cannot be loaded from a zip; its own parser is used.
"""

import subprocess
import sys
import tarfile
import tempfile
import zipapp
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAME = "kubectl-hyperpod"


def build(folder: Path, *, requirements: tuple[str, ...] = ()) -> Path:
    """The archive in `folder`. `requirements` narrow the versions of what is put in. Needs the package index."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        tree, program = Path(scratch) / "tree", Path(scratch) / NAME
        uv = Path(sys.executable).parent / "uv"
        command = [str(uv), "pip", "install", "--quiet", "--target", str(tree), str(ROOT / "plugin"), *requirements]
        subprocess.run(command, check=True)
        zipapp.create_archive(
            tree, program, interpreter="/usr/bin/env python3", main="kubectl_hyperpod.main:run", compressed=True
        )
        archive = folder / f"{NAME}.tar.gz"
        with tarfile.open(archive, "w:gz") as made:
            made.add(program, NAME)
            made.add(ROOT / "LICENSE", "LICENSE")
    return archive


if __name__ == "__main__":
    sys.stdout.write(f"{build(ROOT / 'dist')}\n")
