"""What carries a request to the API server, and what comes back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and decoded body; a body that is no JSON is text. `date` is the time by the server's clock, None where it
    does not say."""

    status: int
    body: Any
    date: datetime | None = None


class Transport(Protocol):
    """Sends one request. `path` begins with a slash and has its query."""

    def send(self, method: str, path: str, *, body: Any = None, content_type: str = "application/json") -> Answer: ...

    def lines(self, path: str, *, timeout: float) -> Iterator[bytes]:
        """The lines of a response that goes on, as of a watch; ends after `timeout` seconds."""
        ...
