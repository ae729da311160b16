"""The node bringer: Node objects in the Kubernetes API for the instances that have joined.

It keeps in mind what it wrote and writes only what differs. After an error, and at the start, it lists what is there,
so neither a restart of the API server nor one of its own leaves nodes behind. It touches the labels and taints it
owns, as HyperPod does, and takes `resourceVersion` along wherever it replaces a list.
"""

import asyncio
import datetime
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException

from hyperpod_testbed.simulator import node_objects
from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.node_objects import COMPUTE_TYPE, NodeView
from hyperpod_testbed.simulator.verbs import verb

_LOG = logging.getLogger(__name__)

CONCURRENCY = 16
"""Writes at a time: enough for thousands of nodes a minute, little enough for an API server on two cores."""
PAGE = 500
INTERVAL = 0.1
"""Real seconds between looks at the instances."""
PAUSE_AFTER_ERROR = 1.0
_NOT_FOUND, _CONFLICT = 404, 409


_Api: TypeAlias = Any
"""CoreV1Api. Its annotations know objects of its own only; plain dictionaries, which it takes too, are what we send."""


class NodeBringer:
    """Brings the nodes of one simulated account to one Kubernetes cluster; without a kubeconfig, to none."""

    def __init__(self, core: Core, kubeconfig: str | Path | None) -> None:
        self._core = core
        self._kubeconfig = kubeconfig and str(kubeconfig)
        self._known: dict[str, NodeView | None] = {}
        """What is in the API server as far as we know; None is a node whose details we have not seen."""
        self._listed = False
        self._removing = False
        self._version: tuple[int, int] | None = None
        self._last_wanted: dict[str, NodeView | None] = {}

    async def run(self) -> None:
        """Keep the nodes in step until cancelled."""
        if self._kubeconfig is None:
            return
        configuration = client.Configuration()
        load: Any = config.load_kube_config  # it has no annotations
        await load(config_file=self._kubeconfig, client_configuration=configuration, persist_config=False)
        async with client.ApiClient(configuration) as api:
            core_v1 = client.CoreV1Api(api)
            while True:
                try:
                    await self._pass(core_v1)
                except (ApiException, aiohttp.ClientError, OSError, TimeoutError) as error:
                    _LOG.warning("nodes cannot be written now, trying again: %s", error)
                    self._listed = False
                    await asyncio.sleep(PAUSE_AFTER_ERROR)
                await asyncio.sleep(INTERVAL)

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

    def _wanted(self) -> dict[str, NodeView | None]:
        if self._removing:
            return {}
        with self._core.present() as sim:
            if self._core.version == self._version:
                return self._last_wanted
            self._version = self._core.version
            views = [
                node_objects.view(cluster, instance)
                for cluster in sim.account.clusters()
                for instance in cluster.instances.values()
                if instance.joined and instance.instance_id
            ]
            self._last_wanted = {view.name: view for view in views}
            return self._last_wanted

    async def _pass(self, api: _Api) -> None:
        wanted = self._wanted()
        if not self._listed:
            await self._list(api)
        gone = [_bind(self._delete, api, name) for name in self._known.keys() - wanted.keys()]
        changed = [
            _bind(self._bring, api, node)
            for name, node in wanted.items()
            if node is not None and self._known.get(name) != node
        ]
        slots = asyncio.Semaphore(CONCURRENCY)

        async def one(item: Callable[[], Awaitable[None]]) -> None:
            async with slots:
                await item()

        results = await asyncio.gather(*(one(item) for item in (*gone, *changed)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _list(self, api: _Api) -> None:
        """Find the nodes that a simulator brought: those of an earlier run are ours to remove too."""
        found: dict[str, NodeView | None] = {}
        token: str | None = None
        while True:
            page = await api.list_node(label_selector=f"{COMPUTE_TYPE}=hyperpod", limit=PAGE, _continue=token)
            for node in page.items:
                if node_objects.BROUGHT_BY not in (node.metadata.annotations or {}):
                    continue
                known = self._known.get(node.metadata.name)
                found[node.metadata.name] = known
            token = page.metadata._continue
            if not token:
                break
        self._known = found
        self._listed = True

    async def _bring(self, api: _Api, node: NodeView) -> None:
        if node.name not in self._known:
            try:
                await api.create_node(node_objects.manifest(node, now=_now()))
            except ApiException as error:
                if error.status != _CONFLICT:
                    raise
                self._known[node.name] = None
            else:
                self._known[node.name] = node
                return
        await self._change(api, node, self._known[node.name])
        self._known[node.name] = node

    async def _change(self, api: _Api, node: NodeView, former: NodeView | None) -> None:
        while True:
            try:
                existing = await api.read_node(node.name)
                patch = _patch(existing, node, former)
                if patch:
                    await api.patch_node(node.name, patch, _content_type="application/merge-patch+json")
                break
            except ApiException as error:
                if error.status == _NOT_FOUND:
                    # Somebody deleted it; a kubelet would register again.
                    await api.create_node(node_objects.manifest(node, now=_now()))
                    return
                if error.status != _CONFLICT:
                    raise
        if former is None or former.ready != node.ready:
            status = {"status": {"conditions": node_objects.conditions(ready=node.ready, now=_now())}}
            await api.patch_node_status(node.name, status, _content_type="application/strategic-merge-patch+json")

    async def _delete(self, api: _Api, name: str) -> None:
        try:
            await api.delete_node(name)
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
        self._known.pop(name, None)


def _patch(existing: Any, node: NodeView, former: NodeView | None) -> dict[str, Any]:
    """A merge patch of labels and taints that are ours and differ; guarded where a list is replaced."""
    labels: dict[str, str | None] = dict.fromkeys(former.labels if former else ())
    present = existing.metadata.labels or {}
    labels |= {key: None for key in present if key == node_objects.CHECKS}
    labels |= dict(node.labels)
    labels = {key: value for key, value in labels.items() if present.get(key) != value}
    patch: dict[str, Any] = {}
    if labels:
        patch["metadata"] = {"labels": labels}
    current = [
        node_objects.taint_object(taint.key, taint.value or "", taint.effect) for taint in existing.spec.taints or []
    ]
    after = node_objects.taints_after(current, former=former, wanted=node)
    if sorted(map(str, after)) != sorted(map(str, current)):
        patch.setdefault("metadata", {})["resourceVersion"] = existing.metadata.resource_version
        patch["spec"] = {"taints": after}
    return patch


def _bind(method: Callable[..., Awaitable[None]], *args: Any) -> Callable[[], Awaitable[None]]:
    return lambda: method(*args)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
