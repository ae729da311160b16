"""The process that is forked: `python -m hyperpod_testbed.fork_server.server SOCKET`.

It has one thread and no event loop, and loads the operator with the first request. Each connection asks for one
process: an order comes in; the new process answers with a line, and the server with another one once it has ended.
"""

import os
import selectors
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import click

from hyperpod_operator.cli import main as command
from hyperpod_testbed.fork_server.order import Order
from hyperpod_testbed.processes import become_dependent


class Server:
    """Forks, and says what became of the process."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        # Bound aside and renamed: a client that sees the file is served.
        aside = path.with_suffix(".new")
        self._listener.bind(str(aside))
        self._listener.listen(64)
        aside.rename(path)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._connections: dict[int, socket.socket] = {}
        """By the descriptor that becomes readable when the process ends."""

    def serve(self) -> Order:
        """Serve until the process is killed. Returns in each forked process alone, once that is what was ordered."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._listener:
                    self._reap(key.fd, pid=key.data)
                elif (order := self._fork()) is not None:
                    return order

    def _fork(self) -> Order | None:
        connection, _ = self._listener.accept()
        order = Order.read(connection)
        load()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._close()
            become_dependent(parent)
            become(order)
            with connection:
                connection.sendall(b"started %d\n" % os.getpid())
            return order
        ended = os.pidfd_open(pid)
        self._connections[ended] = connection
        self._selector.register(ended, selectors.EVENT_READ, data=pid)
        return None

    def _reap(self, ended: int, *, pid: int) -> None:
        self._selector.unregister(ended)
        os.close(ended)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with self._connections.pop(ended) as connection, suppress(OSError):  # the client may be gone
            connection.sendall(b"ended %d\n" % code)

    def _close(self) -> None:
        """Nothing of the server's stays open in a forked process."""
        self._selector.close()
        self._listener.close()
        for ended, connection in self._connections.items():
            os.close(ended)
            connection.close()


def load() -> None:
    """Load what `hyperpod-operator run` loads, by the command itself: it refuses the file after it has loaded all."""
    with suppress(click.UsageError):
        command(["run", "--tenants", os.devnull + "/missing"], standalone_mode=False)


def become(order: Order) -> None:
    """Take on what a process of its own has."""
    with open(os.devnull, "rb") as nothing, open(order.log, "ab") as log:
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source.fileno(), target)
    os.chdir(order.directory)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    sys.argv = order.arguments


def main() -> None:
    """A forked process ends with the command; the server does not end by itself."""
    order = Server(Path(sys.argv[1])).serve()
    command(prog_name=Path(order.arguments[0]).name)


if __name__ == "__main__":
    main()
