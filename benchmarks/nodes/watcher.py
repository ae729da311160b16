"""The independent witness: it alone says when a taint is on the server, for every contestant alike.

It also holds contestants to the contract: the annotation comes with the taint and goes with it, in one version.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Any

from benchmarks.nodes.api import Nodes
from benchmarks.peers.taint import TAINT, TAINTED_AT


class ContractError(RuntimeError):
    """A contestant did not do what the contract says; its numbers would mean nothing."""


class Watcher:
    """Follows all nodes. `tainted` maps each node with the taint to when it was first seen (perf_counter)."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._seen: set[str] = set()
        self._changed = asyncio.Event()
        self._broken = ""
        self.tainted: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        version = await self._nodes.version()
        while True:
            async for event in self._nodes.watch(version):
                if event["type"] == "ERROR":
                    raise RuntimeError(f"the watch of the witness broke: {event['object'].get('message')}")
                version = event["object"]["metadata"]["resourceVersion"]
                self._see(event["object"])

    async def wait(self, names: Collection[str], *, tainted: bool, seconds: float) -> None:
        """Until all of these have the taint, or none of them has it. Raises ContractError after so many seconds."""

        def left() -> list[str]:
            return [name for name in names if (name in self.tainted) is not tainted]

        todo = left()
        try:
            async with asyncio.timeout(seconds):
                while todo:
                    self._changed.clear()
                    await self._changed.wait()
                    # One name at a time is looked up, not all of a thousand for each event.
                    if (todo[-1] in self.tainted) is tainted:
                        todo = left()
        except TimeoutError as error:
            want = "have" if tainted else "lose"
            raise ContractError(
                f"{len(todo)} of {len(names)} nodes did not {want} the taint within {seconds:.0f} s, among them "
                f"{todo[0]}; look at the end of the contestant's log"
            ) from error
        self.check()

    def check(self) -> None:
        """Raise ContractError for anything against the contract that was seen so far."""
        if self._broken:
            raise ContractError(self._broken)

    def foreign(self) -> int:
        """Versions since the last call that somebody else than the load made."""
        count = len(self._seen - self._nodes.written)
        self._seen.clear()
        return count

    def _see(self, node: dict[str, Any]) -> None:
        meta = node["metadata"]
        self._seen.add(meta["resourceVersion"])
        name, marked = meta["name"], TAINTED_AT in meta.get("annotations", {})
        tainted = any(taint.items() >= TAINT.items() for taint in node["spec"].get("taints", ()))
        if tainted is not marked:
            self._broken = f"{name} has the taint or the annotation {TAINTED_AT} without the other"
        if tainted:
            self.tainted.setdefault(name, time.perf_counter())
        else:
            self.tainted.pop(name, None)
        self._changed.set()
