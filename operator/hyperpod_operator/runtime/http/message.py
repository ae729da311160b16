"""The little of HTTP/1.1 that probes and scrapes need (RFC 9112)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

MOST_HEADER = 16 * 1024
"""Bytes of a request's line and headers; a bearer token is the longest thing in it."""

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`headers` by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def text(cls, text: str, *, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Self:
        return cls(body=f"{text}\n".encode(), status=status, headers=headers or {})

    def head(self) -> bytes:
        """Status line and headers. Each connection carries one request, so the answer closes it."""
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "X-Content-Type-Options: nosniff",
            "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


Handler = Callable[[Request], Awaitable[Response]]


def parse(head: bytes) -> Request | None:
    """The request of these lines, or None when they are none."""
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        return None
    headers = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon:
            return None
        headers[name.strip().lower()] = value.strip()
    return Request(method=words[0], path=words[1].partition("?")[0], headers=headers)
