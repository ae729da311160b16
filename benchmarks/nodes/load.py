"""The load that every contestant gets: heartbeats that change nothing, and labels that do."""

import asyncio
import datetime
import itertools
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.nodes.api import STRATEGIC, Nodes
from benchmarks.peers.taint import HEALTH, TAINTED_AT

FIT = {"metadata": {"labels": {HEALTH: "Schedulable"}}}
UNFIT = {"metadata": {"labels": {HEALTH: "UnschedulablePendingReplacement"}}}
RESET = {"metadata": {"labels": {HEALTH: "Schedulable"}, "annotations": {TAINTED_AT: None}}, "spec": {"taints": None}}


def heartbeat() -> dict[str, Any]:
    """What a kubelet writes although nothing happened."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": stamp}]}}


class Heartbeats:
    """Irrelevant updates at an even pace, round the nodes, while the `async with` block runs."""

    def __init__(self, nodes: Nodes, names: Sequence[str], *, per_second: float) -> None:
        self._nodes, self._names, self._pause = nodes, itertools.cycle(names), 1 / per_second
        self._running: set[asyncio.Task[None]] = set()
        self.sent = 0

    async def __aenter__(self) -> "Heartbeats":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*self._running)

    async def _run(self) -> None:
        """By the clock, not by pauses: a slow answer must not thin out the load."""
        due = time.perf_counter()
        while True:
            body = heartbeat()
            beat = asyncio.create_task(self._nodes.patch(next(self._names), body, kind=STRATEGIC, part="/status"))
            self._running.add(beat)
            beat.add_done_callback(self._running.discard)
            self.sent += 1
            due += self._pause
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
