"""Run a program of an image as its container is run: its user, its variables, a read-only root file system.

In a mount namespace of its own the root file system is mounted read-only, /tmp is memory (the chart mounts an
emptyDir), and the shells are hidden, because what the image runs must not need one. Network and processes are the
machine's.
"""

from collections.abc import Mapping
from pathlib import Path

from hyperpod_testbed.image.build import Image

FILES = "/mnt"
"""Where `files` are found in the container."""

_SCRIPT = """
root=$1 files=$2 user=$3
shift 3
mount --bind "$root" "$root"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind /dev "$root/dev"
mount --bind "$files" "$root/mnt"
mount -o remount,bind,ro "$root/mnt"
for shell in sh dash bash; do
  if [ -e "$root/usr/bin/$shell" ]; then mount --bind /dev/null "$root/usr/bin/$shell"; fi
done
mount -o remount,bind,ro "$root"
cd "$root"
exec chroot --userspec="$user" "$root" /usr/bin/env -i "$@"
"""


def program(image: Image, *, files: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The command that runs the image's entry point; the container's arguments are appended to it.

    `files`: a directory that the container sees, read-only, as FILES. `environment` adds to the image's variables.
    """
    variables = {**image.environment, **environment}
    return (
        *("unshare", "--mount", "sh", "-euc", _SCRIPT, "sh"),
        *(str(image.root), str(files), str(image.config["User"])),
        *(f"{name}={value}" for name, value in variables.items()),
        *image.command,
    )
