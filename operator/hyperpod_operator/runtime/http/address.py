"""Where a server listens: `HOST:PORT`, as the flags of controller-runtime managers have it."""

import re
import socket
from dataclasses import dataclass
from typing import Self

BACKLOG = 512
"""Connections that the kernel keeps until they are accepted."""
_FORM = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>[^:\[\]]*)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class BindAddress:
    """An empty `host` is every address of the machine, IPv6 and IPv4. Port 0 takes a free one."""

    host: str = ""
    port: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """`:8081`, `127.0.0.1:8081`, `[::1]:8081`; `0` is None: do not listen. Raises ValueError."""
        if text == "0":
            return None
        found = _FORM.fullmatch(text)
        if found is None or int(found["port"]) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT, :PORT or 0. An IPv6 address stands in brackets: [::1]:8081.")
        return cls(host=found["six"] or found["four"] or "", port=int(found["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listen(self) -> socket.socket:
        """A listening socket that does not block. Raises OSError, for example when the port is taken.

        Pods of an IPv6 cluster have an IPv6 address only, those of other clusters an IPv4 address only: without a host
        one socket serves both families. A kernel without IPv6 gets an IPv4 socket.
        """
        if not self.host and socket.has_dualstack_ipv6():
            made = socket.create_server(("", self.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
        else:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            made = socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        made.setblocking(False)
        return made
