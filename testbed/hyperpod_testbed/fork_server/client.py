"""Start the fork server, and ask it for processes."""

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from hyperpod_testbed.fork_server.order import Order
from hyperpod_testbed.processes import Child, Process

VARIABLE = "HYPERPOD_TESTBED_FORK_SERVER"
"""The environment variable with the server's socket."""
SERVES_SECONDS = 60.0


class ForkServerError(RuntimeError):
    """The server does not serve; the message has the end of its log."""


class ForkServer:
    """The server as a child process. Linux alone has what it needs.

    Enter it in a thread that lives as long as all that it forks: the server ends with the thread, and they with it.
    """

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="hyperpod-testbed-")
        home = Path(self._directory.name)
        self.socket = home / "socket"
        command = [sys.executable, "-m", "hyperpod_testbed.fork_server.server", str(self.socket)]
        self._child = Child("fork server", command, log=home / "log", env=os.environ)
        deadline = time.monotonic() + SERVES_SECONDS
        while not self.socket.exists():
            if not self._child.running or time.monotonic() > deadline:
                raise ForkServerError(f"the fork server does not serve. The end of its log:\n{self._child.tail()}")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()
        self._directory.cleanup()


class Forked(Process):
    """A process that the server at `server` forked: the operator's command with these arguments."""

    def __init__(self, name: str, arguments: Sequence[str], *, server: Path, log: Path, env: Mapping[str, str]) -> None:
        self.name, self.log = name, log
        order = Order(arguments=[*arguments], environment=dict(env), directory=str(Path.cwd()), log=str(log.absolute()))
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(server))
            order.send(connection)
            answers = connection.makefile("rb")
        word, _, pid = answers.readline().partition(b" ")
        if word != b"started":
            answers.close()
            raise ForkServerError(f"the {name} did not start. The end of its log:\n{self.tail()}")
        self._pid = int(pid)
        self._code: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._await, args=(answers,), name=f"end of {self._pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def exit_code(self) -> int | None:
        return self._code

    def signal(self, number: signal.Signals) -> None:
        if self.running:
            with suppress(ProcessLookupError):  # it ended, and its end is not known yet
                os.kill(self._pid, number)

    def wait(self, seconds: float) -> int | None:
        self._ended.wait(seconds)
        return self._code

    def _await(self, answers: BinaryIO) -> None:
        with answers:
            _, _, code = answers.readline().partition(b" ")
        # All that a server forked is killed with it.
        self._code = int(code) if code else -signal.SIGKILL
        self._ended.set()
