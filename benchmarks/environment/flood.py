"""python -m benchmarks.environment.flood scrapes|lazy PORT: what an attacker does to a port, until killed."""

import resource
import socket
import sys
import threading
import time

CONNECTIONS = 60
PIPELINED = 50
LAZY = 1500
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def scrapes(port: int) -> None:
    """Each of 60 connections asks for 50 pages at once, takes what comes, and begins again."""
    for _ in range(CONNECTIONS):
        threading.Thread(target=_hammer, args=(port,), daemon=True).start()


def lazy(port: int) -> None:
    """1,500 connections that never finish their request; those that the server ends are replaced."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    threading.Thread(target=_dawdle, args=(port,), daemon=True).start()


def _hammer(port: int) -> None:
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(REQUEST * PIPELINED)
                while connection.recv(1 << 20):
                    pass
        except OSError:
            time.sleep(0.01)


def _dawdle(port: int) -> None:
    opened: list[socket.socket] = []
    while True:
        try:
            one = socket.create_connection(("127.0.0.1", port), timeout=5)
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: ")
            opened.append(one)
        except OSError:
            time.sleep(0.01)
        while len(opened) > LAZY:
            opened.pop(0).close()


if __name__ == "__main__":
    {"scrapes": scrapes, "lazy": lazy}[sys.argv[1]](int(sys.argv[2]))
    print("flooding", flush=True)
    threading.Event().wait()
