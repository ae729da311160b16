"""One request that passes, and who may stop it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """`number` counts from 1 over the requests that count; 0 is one that does not.

    `operation` is the API operation of an AWS request, and verb and resource of one to the API server, for example
    `PATCH hyperpodclusters/status`.
    """

    number: int
    method: str
    path: str
    query: str
    body: bytes
    operation: str


class Gate(Protocol):
    """Asked in the proxy's thread: no byte moves before it has answered."""

    def before(self, request: Request) -> bool:
        """False: the connection is cut and nothing is forwarded."""
        ...

    def after(self, request: Request, status: int) -> bool:
        """False: the connection is cut and the answer is never given."""
        ...


def kubernetes_operation(method: str, path: str) -> str:
    """Verb and resource of a path of the Kubernetes API, without namespace and name."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    return f"{method} {'/'.join([*rest[:1], *rest[2:]])}".strip()
