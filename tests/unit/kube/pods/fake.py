"""An API server with pods: lists and watches by node, owners, namespaces, budgets. Owns no time but the loop's."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.ports import KubernetesError, ObjectGone
from hyperpod_operator.kube.watch.decoding import WHOLE

MINE = Owner(kind="HyperPodCluster", namespace="research", name="ml", uid="u1")
OTHER = Owner(kind="HyperPodNodeOperation", namespace="research", name="reboot", uid="u2")


def pod_body(name: str, *, node: str = "n1", owner: Mapping[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """A pod with what is read of it and some of what is not."""
    return {
        "metadata": {
            "name": name,
            "namespace": "research",
            "uid": f"uid-{name}",
            "labels": {"app": "train"},
            "managedFields": [{"manager": "kubelet"}],
            "ownerReferences": [owner] if owner else [],
        }
        | metadata,
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "registry.example.com/job:1"}]},
        "status": {"phase": "Running"},
    }


def owned_by(kind: str, name: str, *, version: str = "batch/v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "name": name, "uid": f"uid-{name}", "controller": True} | more


@dataclass
class PodApi:
    """`fails` refuses every stream; `objects` are answers to GET by path, an Exception among them is raised."""

    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)
    fails: KubernetesError | None = None
    hangs: bool = False
    lists: list[str] = field(default_factory=list)
    """The field selectors of the lists, in order."""
    gets: list[str] = field(default_factory=list)
    watching: int = 0
    version: int = 1
    _watches: list[tuple[str, "asyncio.Queue[bytes]"]] = field(default_factory=list)

    def put(self, body: dict[str, Any]) -> None:
        """Create or change a pod."""
        self.version += 1
        stored = {**body, "metadata": body["metadata"] | {"resourceVersion": str(self.version)}}
        self.pods[body["metadata"]["uid"]] = stored
        self._send("MODIFIED", stored)

    def remove(self, name: str) -> None:
        self.version += 1
        body = self.pods.pop(f"uid-{name}")
        body["metadata"]["resourceVersion"] = str(self.version)
        self._send("DELETED", body)

    def _send(self, kind: str, body: dict[str, Any]) -> None:
        line = json.dumps({"type": kind, "object": body}).encode() + b"\n"
        for selector, queue in self._watches:
            if _bound(body, selector):
                queue.put_nowait(line)

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str], accept: str = WHOLE) -> AsyncIterator["Answer"]:
        assert path == "/api/v1/pods"
        if self.fails is not None:
            raise self.fails
        if self.hangs:
            await asyncio.sleep(1e9)
        selector = query["fieldSelector"]
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        if "watch" not in query:
            self.lists.append(selector)
            items = [body for body in self.pods.values() if _bound(body, selector)]
            metadata = {"resourceVersion": str(self.version)}
            queue.put_nowait(json.dumps({"metadata": metadata, "items": items}).encode())
            queue.put_nowait(b"")
            yield Answer(queue)
            return
        self._watches.append((selector, queue))
        self.watching += 1
        try:
            yield Answer(queue)
        finally:
            self.watching -= 1
            self._watches.remove((selector, queue))

    async def get(self, path: str, *, query: Mapping[str, str] | None = None, accept: str = "") -> dict[str, Any]:
        self.gets.append(path)
        found = self.objects.get(path, ObjectGone(path))
        if isinstance(found, Exception):
            raise found
        return dict(found)


@dataclass
class Answer:
    queue: "asyncio.Queue[bytes]"

    async def read(self) -> bytes:
        return await self.queue.get()

    async def gather(self, wait: Callable[[], Awaitable[None]]) -> None:
        """What gathers is what the test sends."""


def _bound(body: Mapping[str, Any], selector: str) -> bool:
    bound, *_ = selector.split(",")
    node = body["spec"].get("nodeName", "")
    return bool(node) if bound == "spec.nodeName!=" else bound == f"spec.nodeName={node}"
