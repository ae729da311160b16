"""Child processes that never outlive their parent, and ports that are free.

Used for the control plane, the simulator and the operator alike, so that Ctrl-C, a failed test and a killed
test run all leave nothing behind.
"""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1
SERVERS = range(20_000, 32_768)
"""Ports of servers: below those that Linux gives to outgoing connections (ip_local_port_range, 32768 to 60999), so that
no connection takes a port between its choice and its use."""
RESERVATIONS = 300
"""Ports that a process keeps others from; each costs a file descriptor, and many systems give a process 1024."""


class Process(ABC):
    """A process with its output in a file, whoever started it."""

    name: str
    log: Path

    @property
    @abstractmethod
    def pid(self) -> int: ...

    @property
    @abstractmethod
    def exit_code(self) -> int | None:
        """None while it runs; the number of the signal, negative, where that ended it."""

    @abstractmethod
    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens once it has ended."""

    @abstractmethod
    def wait(self, seconds: float) -> int | None:
        """The exit code, or None when it still runs after so many seconds."""

    @property
    def running(self) -> bool:
        return self.exit_code is None

    def stop(self, *, grace: float = 5.0) -> None:
        """Ask it to end, then make it. A stopped (SIGSTOP) process is woken first."""
        if not self.running:
            return
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        if self.wait(grace) is None:
            self.signal(signal.SIGKILL)
            self.wait(10)

    def tail(self, lines: int = 20) -> str:
        """The end of its output."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Child(Process):
    """A child of this process. Its start and stop are the caller's; its death is the parent's."""

    def __init__(self, name: str, command: Sequence[str | Path], *, log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        parent = os.getpid()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                preexec_fn=lambda: become_dependent(parent),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        if self.running:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> int | None:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def become_dependent(parent: int) -> None:
    """To be called in a new process: Linux kills it with its parent; elsewhere only an orderly stop cleans up.

    Ctrl-C goes to the whole foreground group: a session of its own keeps it from the child, so that the parent decides
    the order in which things stop.
    """
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)  # the parent died before the wish was known


def free_ports(count: int) -> list[int]:
    """So many free loopback ports, all different, chosen at random from SERVERS.

    No other process of this machine that chooses ports here gets them, also where their servers start later, or start
    again on them.
    """
    ports: list[int] = []
    for port in random.sample(SERVERS, len(SERVERS)):
        if len(ports) == count:
            return ports
        if _is_free(port) and _reserve(port):
            ports.append(port)
    raise OSError(f"fewer than {count} loopback ports are free between {SERVERS.start} and {SERVERS.stop - 1}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _reserve(port: int) -> bool:
    """Whether the port is this process's from here on: until RESERVATIONS more are, or until it ends.

    Linux keeps the name of an abstract socket for one process, and frees it when that ends.
    """
    if sys.platform != "linux":
        return True
    with socket.socket(socket.AF_UNIX) as name:
        try:
            name.bind(f"\0hyperpod-testbed-port-{port}")
        except OSError:
            return False
        newest = _reservations()
        newest.append(name.detach())
    if len(newest) > RESERVATIONS:
        os.close(newest.popleft())
    return True


@cache
def _reservations() -> deque[int]:
    """Of this process: file descriptors, so that none is closed, and complained of, with the interpreter."""
    return deque()


def wait_until_port_is_free(port: int, *, seconds: float = 10.0) -> None:
    """A restart on the same port fails while the old process still holds it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise TimeoutError(f"port {port} is still in use after {seconds:.0f} s")
