"""The archive of a support case: whole, or not there."""

import errno
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.core.explain import worlds

from kubectl_hyperpod.bundle import Bundle
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.view.data import as_yaml


def test_a_part_of_an_archive_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    bundle, path = Bundle(worlds.NOW), tmp_path / "report.tar.gz"
    bundle.add("a.txt", "a")
    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(CommandError, match="No space left on device"):
        bundle.write(path)
    assert not path.exists()


def test_what_kubectl_reads_otherwise_has_quotes() -> None:
    found = {"labels": {"commit": "7234567e8", "y": "08", "name": "gpu"}}
    written = as_yaml(found)
    assert yaml.safe_load(written) == found
    assert "commit: '7234567e8'" in written
    assert "'y': '08'" in written
    assert "name: gpu" in written
