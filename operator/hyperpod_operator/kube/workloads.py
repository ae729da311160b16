"""DaemonSets that HyperPod's Helm chart and EKS install, for preflight."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hyperpod_operator.core.ports import KubernetesError, ObjectGone
from hyperpod_operator.core.preflight.authorities import authorities
from hyperpod_operator.core.preflight.facts import INSTALLED_IN, Workload
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.text import plain
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.shared_read import SharedRead

MOST = 200
"""DaemonSets of a namespace that are read."""
KEEP = 30.0
"""Seconds for which what was listed, or why it could not be, counts for other clusters, too, as AWS's answers do."""


class KubeWorkloads:
    """Implements `core.preflight.ports.Workloads`."""

    def __init__(self, api: ApiServer, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._workloads = SharedRead(self._read, monotonic=monotonic)
        self._authorities = SharedRead(self._read_authorities, monotonic=monotonic)

    async def workloads(self) -> Fact[tuple[Workload, ...]]:
        """DaemonSets of these namespaces; Unread where one cannot be listed, or not to its end. Clusters that ask at
        once share a read."""
        return await self._workloads.get(age=KEEP)

    async def authorities(self) -> frozenset[str]:
        """Of the file by which the API server is verified; empty where there is none. Clusters that ask at once share a
        read: it may run the command by which a kubeconfig gets its credentials."""
        return await self._authorities.get(age=KEEP)

    async def _read_authorities(self) -> frozenset[str]:
        try:
            credentials = await self._api.credentials()
            if not credentials.verify or credentials.ca_file is None:
                return frozenset()
            return authorities(await asyncio.to_thread(Path(credentials.ca_file).read_text, encoding="utf-8"))
        except (KubernetesError, OSError, UnicodeError):
            return frozenset()

    async def _read(self) -> Fact[tuple[Workload, ...]]:
        found: list[Workload] = []
        for one in await asyncio.gather(*map(self._of, INSTALLED_IN)):
            if isinstance(one, Unread):
                return one
            found += one
        return tuple(found)

    async def _of(self, namespace: str) -> Fact[list[Workload]]:
        path, query = f"/apis/apps/v1/namespaces/{namespace}/daemonsets", {"limit": str(MOST)}
        try:
            answer = await self._api.get(path, query=query)
        except ObjectGone:
            return []
        except KubernetesError as error:
            denied = error.status in {401, 403}
            action = f"kubernetes:list daemonsets in {namespace}" if denied else ""
            return Unread(why=f"the DaemonSets of {namespace} cannot be listed: {error}", action=action)
        items, metadata = answer.get("items"), answer.get("metadata") or {}
        if not isinstance(items, list):
            return Unread(why=f"the list of the DaemonSets of {namespace} has no items")
        if metadata.get("continue"):
            return Unread(why=f"{namespace} has more than {MOST} DaemonSets")
        return [_workload(namespace, one) for one in items if isinstance(one, dict)]


def _workload(namespace: str, body: dict[str, Any]) -> Workload:
    template = ((body.get("spec") or {}).get("template") or {}).get("spec") or {}
    containers = template.get("containers") or [{}]
    return Workload(
        namespace=namespace,
        name=plain(str((body.get("metadata") or {}).get("name", ""))),
        image=plain(str(containers[0].get("image", ""))),
        everywhere=not template.get("nodeSelector") and not _required_affinity(template),
    )


def _required_affinity(template: dict[str, Any]) -> Any:
    affinity = (template.get("affinity") or {}).get("nodeAffinity") or {}
    return affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
