"""Nodes as the API server writes them, an API server that answers from a script, and the loop's time."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.watch.decoding import WHOLE

Running = Callable[[float], AbstractAsyncContextManager[None]]
Warnings = Callable[[], list[str]]

CLUSTER = "abcdefghij12"
HEALTH = "sagemaker.amazonaws.com/node-health-status"

Part = bytes | float | Exception
"""Bytes that arrive, seconds that pass before the next part, or how the answer breaks off."""


def node_body(number: int = 1, *, version: int = 1, cluster: str = CLUSTER, **parts: Any) -> dict[str, Any]:
    """A Node with what is read of it and some of what is not. `parts` of metadata, spec and status are merged in."""
    instance = f"i-{number:017x}"
    body: dict[str, Any] = {
        "metadata": {
            "name": f"hyperpod-{instance}",
            "uid": f"uid-{number}",
            "resourceVersion": str(version),
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {
                "kubernetes.io/hostname": f"hyperpod-{instance}",
                "node.kubernetes.io/instance-type": "ml.p5.48xlarge",
                "sagemaker.amazonaws.com/compute-type": "hyperpod",
                HEALTH: "Schedulable",
            },
            "managedFields": [{"manager": "kubelet"}],
        },
        "spec": {"providerID": f"aws:///usw2-az1/sagemaker/cluster/hyperpod-{cluster}-{instance}"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-02T03:04:05Z"}],
            "images": [{"names": ["registry.example.com/job:1"], "sizeBytes": 1}],
        },
    }
    for member, more in parts.items():
        body[member] |= copy.deepcopy(more)
    return body


def labelled(health: str, *, number: int = 1, version: int = 1) -> dict[str, Any]:
    """A Node whose health label says so."""
    body = node_body(number, version=version)
    body["metadata"]["labels"][HEALTH] = health
    return body


def page(*bodies: dict[str, Any], position: int = 1, following: str = "") -> bytes:
    """A chunk of a list, as the API server writes it: how to go on comes before the objects."""
    metadata = {"resourceVersion": str(position)} | ({"continue": following} if following else {})
    whole = {"kind": "NodeList", "apiVersion": "v1", "metadata": metadata, "items": list(bodies)}
    return json.dumps(whole, separators=(",", ":")).encode()


def line(kind: str, body: Mapping[str, Any]) -> bytes:
    """A line of a watch."""
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    return line("BOOKMARK", {"kind": "Node", "metadata": {"resourceVersion": str(version)}, "spec": {}, "status": {}})


def refused(code: int, message: str = "no more") -> bytes:
    return line("ERROR", {"kind": "Status", "metadata": {}, "status": "Failure", "message": message, "code": code})


@dataclass
class ScriptedApi:
    """Answers lists and watches from two scripts, and hangs when a script is over. Owns no time but the loop's."""

    lists: list[tuple[Part, ...]] = field(default_factory=list)
    watches: list[tuple[Part, ...]] = field(default_factory=list)
    asked: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    """When, and the query."""
    accepted: list[str] = field(default_factory=list)
    """How the objects were to be sent, of the same calls."""

    @property
    def kinds(self) -> list[str]:
        return ["watch" if "watch" in query else "list" for _, query in self.asked]

    def times(self, kind: str) -> list[float]:
        return [at for (at, _), asked in zip(self.asked, self.kinds, strict=True) if asked == kind]

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], accept: str = WHOLE
    ) -> AsyncIterator["ScriptedAnswer"]:
        assert path == "/api/v1/nodes"
        self.accepted.append(accept)
        self.asked.append((asyncio.get_running_loop().time(), dict(query)))
        script = self.watches if "watch" in query else self.lists
        parts = list(script.pop(0)) if script else [1e9]
        if parts and isinstance(parts[0], KubernetesError):
            raise parts[0]
        yield ScriptedAnswer(parts)


@dataclass
class ScriptedAnswer:
    parts: list[Part]

    async def read(self) -> bytes:
        while self.parts:
            part = self.parts.pop(0)
            if isinstance(part, bytes):
                return part
            if isinstance(part, Exception):
                raise part
            await asyncio.sleep(part)
        return b""

    async def gather(self, wait: Callable[[], Awaitable[None]]) -> None:
        """What gathers is what the script says."""


class LoopClock:
    """The event loop's time."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()
