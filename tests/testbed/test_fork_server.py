"""A process of the fork server is one like any other: what it is given, how it ends, and with whom."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperpod_operator import __version__
from hyperpod_testbed.fork_server import VARIABLE, Forked, ForkServer
from hyperpod_testbed.processes import Child
from hyperpod_testbed.stack import COMMAND, OperatorProcess
from hyperpod_testbed.waiting import until


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer() as running:
        yield running


def forked(server: ForkServer, directory: Path, *arguments: str, **env: str) -> Forked:
    given = {**os.environ, **env}
    return Forked("operator", [*COMMAND, *arguments], server=server.socket, log=directory / "log", env=given)


@pytest.fixture
def waiting(server: ForkServer, tmp_path: Path) -> Iterator[Forked]:
    """One that reads a file which nobody writes."""
    os.mkfifo(tmp_path / "tenants")
    process = forked(server, tmp_path, "run", f"--tenants={tmp_path / 'tenants'}")
    yield process
    process.stop()


def test_its_output_and_its_exit_code_are_those_of_the_command(server: ForkServer, tmp_path: Path) -> None:
    process = forked(server, tmp_path, "version")
    assert process.wait(60) == process.exit_code == 0
    assert process.tail() == __version__


def test_it_has_the_environment_that_it_is_given(server: ForkServer, tmp_path: Path) -> None:
    process = forked(server, tmp_path, "run", HYPERPOD_OPERATOR_RUN_WORKERS="0")
    assert process.wait(60) == 2
    assert "Usage: hyperpod-operator run" in process.tail()
    assert "'--workers': 0 is not in the range" in process.tail()


def test_it_works_in_the_directory_of_whoever_asks(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert forked(server, tmp_path, "crds", "--output-dir=here").wait(60) == 0
    assert [*(tmp_path / "here").iterdir()]


def test_it_has_a_session_of_its_own_and_no_file_of_the_servers(waiting: Forked) -> None:
    assert os.getsid(waiting.pid) == waiting.pid

    def strange() -> list[str]:
        opened = [os.readlink(path) for path in Path(f"/proc/{waiting.pid}/fd").iterdir()]
        return [target for target in opened if not target.startswith("/")]

    until(lambda: strange() == [], strange)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_that_ends_it_is_its_exit_code(waiting: Forked, number: signal.Signals) -> None:
    assert waiting.running
    assert waiting.wait(0.01) is None
    waiting.signal(number)
    assert waiting.wait(60) == -number
    waiting.signal(number)
    assert not waiting.running


def test_it_ends_with_whoever_started_the_server(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tenants")
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from hyperpod_testbed.fork_server import *\n"
        "server = ForkServer().__enter__()\n"
        "arguments = ['hyperpod-operator', 'run', '--tenants=tenants']\n"
        "process = Forked('operator', arguments, server=server.socket, log=Path('log'), env=dict(os.environ))\n"
        "print(process.pid, flush=True)\n"
        "os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    until(lambda: not Path(f"/proc/{int(done.stdout)}").exists(), "the process ends")


def test_an_operator_starts_by_the_server_that_the_environment_names_and_else_by_its_command(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(program: tuple[str, ...] | None = None) -> type:
        process = OperatorProcess(kubeconfig=tmp_path / "absent", environment={}, log=tmp_path / "log", program=program)
        process.start(wait=False)
        assert process.child.wait(60) == 2
        return type(process.child)

    monkeypatch.setenv(VARIABLE, str(server.socket))
    assert started() is Forked
    assert started(COMMAND) is Child
    monkeypatch.delenv(VARIABLE)
    assert started() is Child
