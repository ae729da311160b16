"""Build the Dockerfile with buildah, on a base image of Debian packages.

A release is built on the base image that the Dockerfile names. Where no image can be pulled, Debian 13 (trixie) has the
same Python 3.13 as packages: `mmdebstrap` makes a root file system of them, which is kept in the cache.
"""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperpod_testbed.control_plane.build import alone, cache_root
from hyperpod_testbed.stack import ROOT

SUITE = "trixie"
"""The Debian release that has the Dockerfile's version of Python."""
PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
PREFIX = "opt/hyperpod-operator"
"""Where the Dockerfile puts the operator, from the root."""
TOOLS = ("buildah", "mmdebstrap", "unshare")
MACHINE_FILES = ("/etc/ssl/certs", "/etc/pip.conf")
"""What the build takes from this machine where it is there: how it reaches the package index."""


class ImageError(RuntimeError):
    """The image cannot be built here; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that was built: `root` its file system, `config` its configuration as the OCI image spec has it."""

    root: Path
    config: Mapping[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        return dict(one.split("=", 1) for one in self.config["Env"])

    @property
    def command(self) -> tuple[str, ...]:
        """Entry point; the container's arguments follow."""
        return tuple(self.config["Entrypoint"])

    @property
    def operators_tree(self) -> Path:
        """The directory of the operator and its packages; the rest of the image is Python and its base."""
        return self.root / PREFIX

    @property
    def operators_bytes(self) -> int:
        """What the files of that directory hold."""
        return sum(path.lstat().st_size for path in self.operators_tree.rglob("*") if path.is_file())


@contextmanager
def build(*, directory: Path, arguments: Mapping[str, str] | None = None) -> Iterator[Image]:
    """Build the checkout's Dockerfile; the image is gone afterwards. `arguments` are build arguments.

    `directory` holds the layers and has to be empty. Raises ImageError.
    """
    if missing := [name for name in TOOLS if shutil.which(name) is None]:
        raise ImageError(f"{', '.join(missing)} not found. Install: apt-get install buildah mmdebstrap util-linux")
    if os.geteuid() != 0:
        raise ImageError("the image is built and run in a chroot, which needs root. Run it as root, or with sudo")
    buildah = _Buildah(directory)
    base = buildah.of_tar(_base(), name="python")
    machine = [f"--volume={path}:{path}:ro" for path in MACHINE_FILES if Path(path).exists()]
    given = [f"--build-arg={name}={value}" for name, value in {**(arguments or {}), "PYTHON_IMAGE": base}.items()]
    image = f"localhost/hyperpod-operator:{uuid.uuid4().hex[:8]}"
    buildah("build", "--isolation=chroot", "--network=host", *machine, *given, f"--tag={image}", str(ROOT))
    container = buildah("from", image)
    config = json.loads(buildah("inspect", "--type=image", image))["OCIv1"]["config"]
    try:
        yield Image(root=Path(buildah("mount", container)), config=config)
    finally:
        buildah("umount", container)
        buildah("rm", container)


def _base() -> Path:
    """A root file system with Python as a tar archive, made once. Raises ImageError."""
    directory = cache_root() / "images"
    directory.mkdir(parents=True, exist_ok=True)
    archive = directory / f"{SUITE}-{'-'.join(PACKAGES)}.tar"
    with alone(directory / "lock"):
        if not archive.exists():
            part = archive.with_suffix(".part.tar")
            _run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(part)])
            part.rename(archive)
    return archive


class _Buildah:
    """buildah with a storage of its own."""

    def __init__(self, directory: Path) -> None:
        self._options = (f"--root={directory / 'store'}", f"--runroot={directory / 'run'}", "--storage-driver=vfs")

    def __call__(self, command: str, *arguments: str) -> str:
        return _run(["buildah", *self._options, command, *arguments]).strip()

    def of_tar(self, archive: Path, *, name: str) -> str:
        """An image of one layer; returns its name."""
        container = self("from", "scratch")
        self("add", "--quiet", container, str(archive), "/")
        image = f"localhost/{name}:{SUITE}"
        self("commit", "--quiet", "--rm", container, image)
        return image


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, text=True, check=False)
    if done.returncode:
        raise ImageError(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout
