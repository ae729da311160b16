"""A real HTTP server that answers from a table and records what it was asked, for the edge of the plugin."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Wire:
    """`answers` by path without query: status and body. `asked`: method, path, headers as a list of pairs."""

    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, list[tuple[str, str]]]] = field(default_factory=list)
    expired: str = ""
    """The token that is accepted no longer."""

    def headers(self, name: str) -> list[str]:
        """Values of a header of the last request."""
        return [value for key, value in self.asked[-1][2] if key.lower() == name.lower()]


@contextlib.contextmanager
def serving() -> Iterator[Wire]:
    """A server on a port of its own until the block ends."""
    wire = Wire()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            wire.asked.append((self.command, self.path, self.headers.items()))
            missing = (404, {"message": "not found", "details": {"name": "x"}})
            status, body = wire.answers.get(self.path.partition("?")[0], missing)
            if wire.expired and self.headers.get("Authorization") == f"Bearer {wire.expired}":
                status, body = 401, {"message": "Unauthorized"}
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    wire.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
