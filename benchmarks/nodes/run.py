"""A run: one control plane, the contestants in turn (A B A B …), every round's numbers kept as they come.

The API server, etcd and this process share one core, the contestant has the other. Memory with hardly any nodes is
taken first, before the many are there; each later round is paired with one of those.
"""

import asyncio
import contextlib
import datetime
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.nodes import contestants, ours, single_round
from benchmarks.nodes.api import Nodes
from benchmarks.nodes.contestants import OPERATOR, Contestant
from benchmarks.nodes.manifest import made_up, node_manifest, node_name
from benchmarks.nodes.process import CONTESTANT_CORE, SERVER_CORE, pinned
from benchmarks.nodes.watcher import Watcher
from hyperpod_testbed.control_plane import ControlPlane

CLUSTER_ID = "bench0123456"
"""In the providerIDs when the operator does not take part; otherwise its own cluster's id is."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be measured."""

    contestants: Sequence[str] = (OPERATOR, *contestants.PEERS)
    rounds: int = 5
    nodes: int = 5000
    seed: int = 1
    sizes: single_round.Sizes = field(default_factory=single_round.Sizes)
    logs: Path | None = None
    """Directory for the contestants' logs; None puts them where they vanish with the control plane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The cluster and the instances that the nodes are, and their labels beside HyperPod's own."""

    instance_ids: Sequence[str]
    cluster_id: str = CLUSTER_ID
    labels: Mapping[str, str] = field(default_factory=dict)


def measure(desired: Wish, *, tell: Callable[[str], None], keep: Callable[[dict[str, Any]], None]) -> None:
    """Hands each round to `keep` as it ends. Raises ContractError when a contestant breaks the contract."""
    with ExitStack() as stack:
        stack.enter_context(pinned(SERVER_CORE))
        plane = stack.enter_context(ControlPlane(components=frozenset({"etcd", "kube-apiserver"})))
        # Each name gets the room that it needs; only the operator needs more than the API server.
        entered: list[Contestant] = []
        fleet = Fleet(instance_ids=[made_up(number) for number in range(desired.nodes)])
        for name in desired.contestants:
            if name == OPERATOR:
                around = stack.enter_context(ours.surroundings(plane, nodes=desired.nodes))
                fleet = Fleet(
                    cluster_id=around.cluster_id,
                    instance_ids=around.instance_ids[: desired.nodes],
                    labels=around.labels,
                )
                entered.append(contestants.operator(around.environment))
            else:
                entered.append(contestants.given(name) if "=" in name else contestants.peer(name))
        asyncio.run(_measure(desired, plane, entered, fleet, tell=tell, keep=keep))


async def _measure(
    desired: Wish,
    plane: ControlPlane,
    entered: Sequence[Contestant],
    fleet: Fleet,
    *,
    tell: Callable[[str], None],
    keep: Callable[[dict[str, Any]], None],
) -> None:
    names = [node_name(instance_id) for instance_id in fleet.instance_ids]
    few = names[: desired.sizes.bad_at_start]
    logs = desired.logs or plane.directory
    os.makedirs(logs, exist_ok=True)
    async with arena(plane, sizes=desired.sizes, logs=logs) as ring:
        now = datetime.datetime.now(datetime.UTC)
        manifests = [
            node_manifest(number, instance_id=instance_id, cluster_id=fleet.cluster_id, labels=fleet.labels, now=now)
            for number, instance_id in enumerate(fleet.instance_ids)
        ]
        await ring.nodes.create(manifests[: len(few)])
        small: dict[tuple[int, str], dict[str, Any]] = {}
        for number, contestant in _turns(desired.rounds, entered):
            small[number, contestant.name] = await single_round.small(ring, contestant, few)
        await ring.nodes.create(manifests[len(few) :])
        size = await ring.nodes.size(names[-1])
        tell(f"{desired.nodes} nodes of {size / 1024:.1f} KB; the API server on core {SERVER_CORE}, "
             f"the contestant on core {CONTESTANT_CORE}")  # fmt: skip
        for number, contestant in _turns(desired.rounds, entered):
            about = {"contestant": contestant.name, "seed": desired.seed + number, "node_bytes": size}
            about |= {"load_average": os.getloadavg()[0], "cores": [SERVER_CORE, CONTESTANT_CORE]}
            found = await single_round.full(ring, contestant, names, seed=desired.seed + number)
            keep(about | {"sizes": asdict(desired.sizes)} | small[number, contestant.name] | found)
            tell(f"round {number + 1} of {desired.rounds}: {contestant.name}, in sync in {found['start_last_s']:.1f} s")


@asynccontextmanager
async def arena(plane: ControlPlane, *, sizes: single_round.Sizes, logs: Path) -> AsyncIterator[single_round.Arena]:
    """The load's client and the witness, which must not die unnoticed."""
    async with Nodes(plane) as nodes:
        watcher = Watcher(nodes)
        witness = asyncio.create_task(watcher.run())
        owner = asyncio.current_task()

        def ended(task: asyncio.Task[None]) -> None:
            if owner and not task.cancelled():
                owner.cancel("the witness ended")

        witness.add_done_callback(ended)
        try:
            yield single_round.Arena(nodes=nodes, watcher=watcher, kubeconfig=plane.kubeconfig, logs=logs, sizes=sizes)
        finally:
            witness.remove_done_callback(ended)
            witness.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await witness


def _turns(count: int, entered: Sequence[Contestant]) -> list[tuple[int, Contestant]]:
    """A B, B A, A B, …: who goes first has no advantage over the run."""
    return [
        (number, contestant)
        for number in range(count)
        for contestant in (entered if number % 2 == 0 else [*reversed(entered)])
    ]
