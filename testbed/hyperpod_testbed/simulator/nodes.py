"""The node bringer: Node objects in the Kubernetes API for the instances that have joined.

It keeps in mind what it wrote and writes only what differs. At the start, and when its watch was interrupted, it lists
what is there, so neither a restart of the API server nor one of its own leaves nodes behind. It touches the labels,
annotations and taints it owns, as HyperPod does, and takes `resourceVersion` along wherever it replaces a list.
"""

import asyncio
import datetime
import itertools
import logging
import time
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from hyperpod_testbed.simulator import instances, node_objects, recovery
from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.node_api import CONCURRENCY, CONFLICT, NOT_FOUND, NodeApi, NodeApiError
from hyperpod_testbed.simulator.node_objects import BROUGHT_BY, HEALTH, WRITTEN, NodeView
from hyperpod_testbed.simulator.node_views import NodeViews
from hyperpod_testbed.simulator.node_watch import FAILURES, PAUSE_AFTER_ERROR, watch
from hyperpod_testbed.simulator.state import JSON
from hyperpod_testbed.simulator.verbs import verb

_LOG = logging.getLogger(__name__)

BATCH = 512
"""Nodes written between two looks at the instances: a storm does not hide what happens meanwhile."""
INTERVAL = 0.1
"""Real seconds between looks at the instances when all is written."""


class NodeBringer:
    """Brings the nodes of one simulated account to one Kubernetes cluster; without a kubeconfig, to none."""

    def __init__(self, core: Core, kubeconfig: str | Path | None) -> None:
        self._core = core
        self._kubeconfig = None if kubeconfig is None else str(kubeconfig)
        self._views = NodeViews(core)
        self._known: dict[str, NodeView | None] = {}
        """What is in the API server as far as we know; None is a node whose details we have not seen."""
        self._versions: dict[str, int] = {}
        """resourceVersion of our last write: what the watch tells of an older one is out of date."""
        self._commanded: dict[str, str] = {}
        """The health label that a person wrote and that we have not answered on the node yet."""
        self._listed = False
        self._removing = False
        self._broken: Exception | None = None
        """A fault of the bringer itself, which ended it."""

    async def run(self) -> None:
        """Keep the nodes in step until cancelled."""
        if self._kubeconfig is None:
            return
        self._api = await NodeApi.connect(self._kubeconfig)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(watch(self._api, self))
                tasks.create_task(self._write())
        except Exception as error:
            _LOG.exception("no nodes are brought any more")
            self._broken = error
            raise
        finally:
            await self._api.close()

    @verb
    def remove(self) -> None:
        """Delete every node, and bring none until `bring`; `wait_until_in_step` tells when they are gone."""
        self._removing = True

    @verb
    def bring(self) -> None:
        """Bring nodes again after `remove`."""
        self._removing = False

    @verb
    def in_step(self) -> bool:
        """Whether the API server has what the instances ask for, as of the last pass; without one, always."""
        if self._broken:
            # ValueError, because that is what travels to another process.
            raise ValueError(f"no nodes are brought any more, a fault of the simulator itself: {self._broken}")
        return self._kubeconfig is None or (self._listed and self._known == self._wanted())

    def wait_until_in_step(self, *, timeout: float = 60.0) -> None:
        """Wait until the Kubernetes cluster has exactly the nodes of the instances; `timeout` in real seconds."""
        deadline = time.monotonic() + timeout
        while not self.in_step():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"the nodes were not in step with the instances within {timeout:.0f} s; "
                    "the simulator's log says why nodes cannot be written"
                )
            time.sleep(0.05)

    async def listed(self, found: list[JSON]) -> None:
        """Nodes that a simulator brought are ours to remove too, also those of an earlier run."""
        here = {item["name"]: item for item in found if BROUGHT_BY in (item.get("annotations") or {})}
        for name in self._known.keys() - here.keys():
            await self.deleted(name)
        for name in here:
            self._known.setdefault(name, None)
        self._listed = True
        for item in here.values():
            await self.changed(item)

    async def changed(self, metadata: JSON) -> None:
        """A health label that is not the one we wrote last is a person's command."""
        name = metadata["name"]
        label = (metadata.get("labels") or {}).get(HEALTH)
        written = (metadata.get("annotations") or {}).get(WRITTEN)
        if name not in self._known or name in self._commanded or label in {None, written}:
            return
        if int(metadata["resourceVersion"]) < self._versions.get(name, 0):
            return
        with self._core.change() as sim:
            place = sim.account.place(name.removeprefix("hyperpod-"))
            obeyed = place is not None and recovery.obey(sim, *place, str(label))
        if obeyed:
            self._commanded[name] = str(label)
            self._known[name] = _with_health(self._known[name], str(label))

    async def deleted(self, name: str) -> None:
        """A Node that somebody deleted is missed by the kubelet, not by us alone."""
        if name not in self._known or name not in self._wanted():
            return
        try:
            await self._api.read(name)
        except NodeApiError as error:
            if error.status != NOT_FOUND:
                raise
            self._forget(name)
            with self._core.change() as sim:
                if place := sim.account.place(name.removeprefix("hyperpod-")):
                    instances.deregister(sim, *place)

    def lost(self) -> None:
        """No writes until we know again what is there."""
        self._listed = False

    def _wanted(self) -> dict[str, NodeView]:
        return {} if self._removing else self._views.now()

    async def _write(self) -> None:
        while True:
            try:
                busy = self._listed and await self._pass()
                await asyncio.sleep(0 if busy else INTERVAL)
            except FAILURES as error:
                _LOG.warning("nodes cannot be written now, trying again: %s", error)
                await asyncio.sleep(PAUSE_AFTER_ERROR)

    async def _pass(self) -> bool:
        """Write the next nodes that differ; whether there were any."""
        wanted, known = self._wanted(), self._known
        differing = (view for name, view in wanted.items() if known.get(name) is not view and known.get(name) != view)
        work: list[Coroutine[Any, Any, None]] = [self._delete(name) for name in known.keys() - wanted.keys()]
        work += [self._bring(view) for view in itertools.islice(differing, BATCH)]
        slots = asyncio.Semaphore(CONCURRENCY)

        async def one(item: Coroutine[Any, Any, None]) -> None:
            async with slots:
                await item

        results = await asyncio.gather(*(one(item) for item in work), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return bool(work)

    async def _bring(self, node: NodeView) -> None:
        if node.name not in self._known:
            try:
                created = await self._api.create(node_objects.manifest(node, now=_now()))
            except NodeApiError as error:
                if error.status != CONFLICT:
                    raise
                self._known[node.name] = None
            else:
                self._wrote(node, created, answered=True)
                return
        try:
            await self._change(node, self._known[node.name])
        except NodeApiError as error:
            if error.status != NOT_FOUND:
                raise
            await self.deleted(node.name)

    async def _change(self, node: NodeView, former: NodeView | None) -> None:
        with self._core.present() as sim:
            remove_any = sim.options.health_taint_removal == "any"
        tainting = node_objects.moves_taints(node, former=former)
        written: JSON | None = None
        while True:
            existing = await self._api.read(node.name) if tainting else None
            patch = node_objects.patch(existing, node, former=former, remove_any=remove_any)
            try:
                written = await self._api.merge(node.name, patch) if patch else existing
                break
            except NodeApiError as error:
                # Somebody else wrote between the read and the write of the taints.
                if error.status != CONFLICT:
                    raise
        if status := node_objects.status_patch(node, former=former, now=_now()):
            written = await self._api.set_status(node.name, status)
        metadata = patch.get("metadata", {})
        answered = HEALTH in metadata.get("labels", {}) or WRITTEN in metadata.get("annotations", {})
        self._wrote(node, written, answered=answered)

    def _wrote(self, node: NodeView, written: JSON | None, *, answered: bool) -> None:
        name = node.name
        if written:
            self._versions[name] = int(written["metadata"]["resourceVersion"])
        if answered:
            self._commanded.pop(name, None)
        label = self._commanded.get(name)
        self._known[name] = node if label is None else _with_health(node, label)

    async def _delete(self, name: str) -> None:
        try:
            await self._api.delete(name)
        except NodeApiError as error:
            if error.status != NOT_FOUND:
                raise
        self._forget(name)

    def _forget(self, name: str) -> None:
        for memory in (self._known, self._versions, self._commanded):
            memory.pop(name, None)


def _with_health(node: NodeView | None, label: str) -> NodeView | None:
    return node and replace(node, labels={**node.labels, HEALTH: label})


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
