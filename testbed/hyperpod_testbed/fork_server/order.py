"""What is asked of the fork server: one line of JSON."""

import json
import socket
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A process that somebody wants."""

    arguments: list[str]
    """As in `sys.argv`, the command's name first."""
    environment: dict[str, str]
    directory: str
    """The working directory."""
    log: str
    """File to which its output is appended."""

    @classmethod
    def read(cls, connection: socket.socket) -> Self:
        """What a client sends first. Raises ValueError where it is no line of JSON."""
        with connection.makefile("rb") as lines:
            return cls(**json.loads(lines.readline()))

    def send(self, connection: socket.socket) -> None:
        """Ask for it."""
        connection.sendall(json.dumps(asdict(self)).encode() + b"\n")
