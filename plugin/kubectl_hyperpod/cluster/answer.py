"""What carries a request to the API server, and what comes back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and decoded body; a body that is no JSON is text."""

    status: int
    body: Any


class Transport(Protocol):
    """Sends one request. `path` begins with a slash and has its query."""

    def send(self, method: str, path: str, *, body: Any = None, content_type: str = "application/json") -> Answer: ...

    def lines(self, path: str, *, timeout: float) -> Iterator[bytes]:
        """The lines of a response that goes on, as of a watch; ends after `timeout` seconds."""
        ...
