"""The command line: what it refuses before anything starts, and what it says."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hyperpod_operator import __version__, cli


def said(*args: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(arg) for arg in args])


def test_the_version_as_every_command_has_it() -> None:
    done = said("--version")
    assert (done.exit_code, done.output) == (0, f"hyperpod-operator {__version__}\n")


@pytest.mark.parametrize("command", ["crds", "policies"])
def test_a_directory_that_cannot_be_written_is_no_traceback(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("")
    done = said(command, "--output-dir", tmp_path / "file" / "below")
    assert done.exit_code == 1
    assert "cannot be written" in done.output
    assert "--output-dir" in done.output


@pytest.mark.parametrize("namespace", ["Bad_Name", "-a", "a.b", "x" * 64, "a/b", ""])
def test_what_can_be_no_namespace_is_refused(namespace: str) -> None:
    done = said("run", f"--namespace={namespace}")
    assert done.exit_code == 2
    assert "is not the name of a namespace" in done.output


@pytest.mark.parametrize("flag", ["--metrics-bind-address", "--health-probe-bind-address"])
def test_what_is_no_address_is_refused_by_its_flag(flag: str) -> None:
    done = said("run", f"{flag}=8080")
    assert done.exit_code == 2
    assert flag in done.output
    assert "HOST:PORT" in done.output


def test_tokens_do_not_travel_without_tls() -> None:
    done = said("run", "--metrics-auth")
    assert done.exit_code == 2
    assert "--metrics-cert-path" in done.output
