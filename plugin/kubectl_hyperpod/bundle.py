"""The archive of a report: files in memory, then one .tar.gz that only its owner can read."""

import io
import os
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from kubectl_hyperpod import redact
from kubectl_hyperpod.errors import CommandError

T = TypeVar("T")


class Bundle:
    """`missing` has a line for each part that could not be read."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._files: dict[str, str] = {}
        self.missing: list[str] = []

    @property
    def names(self) -> list[str]:
        return sorted(self._files)

    def add(self, name: str, words: str) -> None:
        self._files[name] = words

    def tried(self, what: str, read: Callable[[], T]) -> T | None:
        """What `read` returns, or None and a line in `missing`."""
        try:
            return read()
        except CommandError as error:
            self.missing.append(redact.text(f"{what}: {error}"))
            return None

    def write(self, path: Path) -> None:
        """Raises CommandError when the file exists or cannot be written."""
        if self.missing:
            self._files["missing.txt"] = "\n".join(self.missing) + "\n"
        root = path.name.removesuffix(".gz").removesuffix(".tar").removesuffix(".tgz")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise CommandError(f"{path} exists; choose another --file.") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}. Choose another --file.") from error
        try:
            with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
                for name in self.names:
                    data = self._files[name].encode("utf-8", "replace")
                    entry = tarfile.TarInfo(f"{root}/{name}")
                    entry.size, entry.mode, entry.mtime = len(data), 0o600, int(self._now.timestamp())
                    archive.addfile(entry, io.BytesIO(data))
        except OSError as error:
            path.unlink(missing_ok=True)  # a part of an archive is none
            raise CommandError(f"{path} cannot be written: {error.strerror}. Choose another --file.") from error
