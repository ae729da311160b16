"""DaemonSets that HyperPod's Helm chart and EKS install, for preflight."""

from typing import Any

from hyperpod_operator.core.ports import KubernetesError, ObjectGone
from hyperpod_operator.core.preflight.facts import Workload
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.text import plain
from hyperpod_operator.kube.client import ApiServer

NAMESPACES = ("kube-system", "aws-hyperpod")
"""Where they are: EKS's own and, hard-wired in HyperPod's chart, that of the health monitoring agent."""
MOST = 200
"""DaemonSets of a namespace that are read."""


class KubeWorkloads:
    """Implements `core.preflight.ports.Workloads`."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    async def workloads(self) -> Fact[tuple[Workload, ...]]:
        """DaemonSets of these namespaces; Unread where one cannot be listed."""
        found: list[Workload] = []
        for namespace in NAMESPACES:
            try:
                answer = await self._api.get(
                    f"/apis/apps/v1/namespaces/{namespace}/daemonsets", query={"limit": str(MOST)}
                )
            except ObjectGone:
                continue
            except KubernetesError as error:
                denied = error.status in {401, 403}
                action = f"kubernetes:list daemonsets in {namespace}" if denied else ""
                return Unread(why=f"the DaemonSets of {namespace} cannot be listed: {error}", action=action)
            items = answer.get("items")
            found += [_workload(namespace, one) for one in items if isinstance(one, dict)] if items else []
        return tuple(found)


def _workload(namespace: str, body: dict[str, Any]) -> Workload:
    template = ((body.get("spec") or {}).get("template") or {}).get("spec") or {}
    containers = template.get("containers") or [{}]
    return Workload(
        namespace=namespace,
        name=plain(str((body.get("metadata") or {}).get("name", ""))),
        image=plain(str(containers[0].get("image", ""))),
    )
