"""One contestant, once through everything that is measured.

"In sync" means the same for all: some nodes are bad before the start; when the witness sees the last of their taints,
the contestant has read every node and reacts. No log line or health page is asked.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.nodes.api import Nodes
from benchmarks.nodes.contestants import Contestant, process_environment
from benchmarks.nodes.load import FIT, RESET, UNFIT, Heartbeats
from benchmarks.nodes.process import CONTESTANT_CORE, core_busy_seconds, cpu_seconds, memory_mb, pinned
from benchmarks.nodes.watcher import ContractError, Watcher
from hyperpod_testbed.processes import Child

REACTION_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything; seconds are real ones."""

    bad_at_start: int = 20
    changes: int = 80
    burst: int = 1000
    realistic: float = 17.0
    """Updates a second: what the kubelets of 5,000 nodes send when nothing happens (one each five minutes)."""
    busy: float = 100.0
    settle: float = 4.0
    idle: float = 4.0
    busy_for: float = 10.0
    pause: float = 0.1
    """Between two label changes, at the least; up to twice as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """What a round needs of the run."""

    nodes: Nodes
    watcher: Watcher
    kubeconfig: Path
    logs: Path
    sizes: Sizes


@asynccontextmanager
async def started(
    arena: Arena, contestant: Contestant, bad: Sequence[str]
) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """The contestant in sync: its process id and what the start took. Ends it and heals the nodes afterwards."""
    await arena.nodes.patch_all(bad, UNFIT)
    log = arena.logs / f"{contestant.name}.log"
    began, busy = time.perf_counter(), core_busy_seconds(CONTESTANT_CORE)
    with pinned(CONTESTANT_CORE):
        child = Child(
            contestant.name, contestant.command, log=log, env=process_environment(contestant, arena.kubeconfig)
        )
    try:
        await arena.watcher.wait(bad, tainted=True, seconds=contestant.patience)
        cpu = cpu_seconds(child.pid)
        times = [arena.watcher.tainted[name] - began for name in bad]
        found = {"start_first_s": min(times), "start_last_s": max(times), "start_cpu_s": cpu}
        yield child.pid, found
        # By then the caller is done: what other processes took of the contestant's core during all of it.
        others = core_busy_seconds(CONTESTANT_CORE) - busy - cpu_seconds(child.pid)
        found["others_share"] = max(0.0, others) / (time.perf_counter() - began)
    except (ContractError, OSError) as error:
        raise ContractError(f"{contestant.name}: {error}\nThe end of {log}:\n{child.tail(30)}") from error
    finally:
        await asyncio.to_thread(child.stop, grace=10.0)
        await arena.nodes.patch_all({*bad, *arena.watcher.tainted}, RESET)
        await arena.watcher.wait(bad, tainted=False, seconds=REACTION_SECONDS)


async def small(arena: Arena, contestant: Contestant, names: Sequence[str]) -> dict[str, Any]:
    """With hardly any nodes: what the memory starts from."""
    async with started(arena, contestant, names) as (pid, found):
        await asyncio.sleep(arena.sizes.settle)
        return {"small_start_last_s": found["start_last_s"], "small_rss_mb": memory_mb(pid), "small_nodes": len(names)}


async def full(arena: Arena, contestant: Contestant, names: Sequence[str], *, seed: int) -> dict[str, Any]:
    """With all nodes: start, memory, idle, latency, cost of what is irrelevant, many at once, and all healed again."""
    chance = random.Random(seed)
    bad = names[:: max(1, len(names) // arena.sizes.bad_at_start)][: arena.sizes.bad_at_start]
    shuffled = chance.sample(sorted({*names} - {*bad}), len(names) - len(bad))
    single, many = shuffled[: arena.sizes.changes], shuffled[arena.sizes.changes :][: arena.sizes.burst]
    async with started(arena, contestant, bad) as (pid, found):
        await asyncio.sleep(arena.sizes.settle)
        found |= {"rss_mb": memory_mb(pid), "nodes": len(names)}
        found |= await _steady(arena, pid, names)
        found |= await _latency(arena, names, single, chance)
        found |= await _burst(arena, pid, many)
        found |= await _healed(arena, [*bad, *single, *many])
        found |= {"rss_end_mb": memory_mb(pid), "rss_peak_mb": memory_mb(pid, "VmHWM")}
    return found


async def _steady(arena: Arena, pid: int, names: Sequence[str]) -> dict[str, Any]:
    """Nothing relevant happens: CPU per update less the idle CPU, and writes, of which there should be none."""
    nodes, sizes = arena.nodes, arena.sizes
    arena.watcher.foreign()
    requests = await nodes.write_requests() - nodes.patches
    cpu, began = cpu_seconds(pid), time.perf_counter()
    await asyncio.sleep(sizes.idle)
    idle = (cpu_seconds(pid) - cpu) / (time.perf_counter() - began)
    cpu, began = cpu_seconds(pid), time.perf_counter()
    async with Heartbeats(nodes, names, per_second=sizes.busy) as beats:
        await asyncio.sleep(sizes.busy_for)
    await asyncio.sleep(0.5)  # the last ones are on their way
    took = time.perf_counter() - began
    return {
        "idle_cpu_share": idle,
        "update_cpu_us": (cpu_seconds(pid) - cpu - idle * took) / beats.sent * 1e6,
        "updates_per_s": beats.sent / sizes.busy_for,
        "steady_changes": arena.watcher.foreign(),
        "steady_write_requests": await nodes.write_requests() - nodes.patches - requests,
    }


async def _latency(arena: Arena, names: Sequence[str], changed: Sequence[str], chance: random.Random) -> dict[str, Any]:
    """One label after the other, from the request that changes it to the taint as the witness sees it."""
    others = [name for name in names if name not in {*changed}]
    samples = []
    arena.watcher.foreign()
    async with Heartbeats(arena.nodes, others, per_second=arena.sizes.realistic):
        for name in changed:
            await asyncio.sleep(arena.sizes.pause * (1 + chance.random()))
            began = time.perf_counter()
            await arena.nodes.patch(name, UNFIT)
            await arena.watcher.wait([name], tainted=True, seconds=REACTION_SECONDS)
            samples.append((arena.watcher.tainted[name] - began) * 1e3)
    await asyncio.sleep(0.5)
    return {"latency_ms": samples, "surplus_changes": arena.watcher.foreign() - len(changed)}


async def _burst(arena: Arena, pid: int, names: Sequence[str]) -> dict[str, Any]:
    """Many labels as fast as the API server takes them; the server, not the contestant, sets a floor here."""
    cpu, began = cpu_seconds(pid), time.perf_counter()
    await arena.nodes.patch_all(names, UNFIT)
    written = time.perf_counter()
    await arena.watcher.wait(names, tainted=True, seconds=REACTION_SECONDS * 2)
    last = max(arena.watcher.tainted[name] for name in names)
    return {
        "burst_last_s": last - began,
        "burst_writing_s": written - began,
        "burst_behind_s": last - written,
        "burst_cpu_s": cpu_seconds(pid) - cpu,
    }


async def _healed(arena: Arena, names: Sequence[str]) -> dict[str, Any]:
    """The other half of the contract: every taint is removed again."""
    began = time.perf_counter()
    await arena.nodes.patch_all(names, FIT)
    await arena.watcher.wait(names, tainted=False, seconds=REACTION_SECONDS * 2)
    return {"release_last_s": time.perf_counter() - began}
