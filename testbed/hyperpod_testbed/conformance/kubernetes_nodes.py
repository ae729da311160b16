"""The Nodes of the EKS cluster, as far as a record needs them: names, labels, taints, readiness."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hyperpod_testbed.conformance.record import JSON

ReadNodes = Callable[[], list[JSON]]
"""The Nodes that HyperPod made, as `Name`, `ProviderID`, `Labels`, `Taints` and `Ready`."""
PREFIX = "hyperpod-i-"
"""Names of HyperPod's Nodes begin so."""


def of_cluster(kubeconfig: Path) -> ReadNodes:
    """Reads the Nodes through a kubeconfig file; ValueError where that cannot be loaded."""
    import kubernetes  # here, since it takes a second and few runs have it

    try:
        load: Any = kubernetes.config.new_client_from_config
        api = kubernetes.client.CoreV1Api(load(config_file=str(kubeconfig)))
    except (OSError, kubernetes.config.ConfigException) as error:
        raise ValueError(f"{kubeconfig}: {error}") from error

    def read() -> list[JSON]:
        return only_hyperpod(_plain(node) for node in api.list_node(_request_timeout=30).items)

    return read


def only_hyperpod(nodes: Iterable[JSON]) -> list[JSON]:
    """Without the Nodes of other instances, which are nobody's business here."""
    return [node for node in nodes if str(node["Name"]).startswith(PREFIX)]


def shown(*, name: str, provider_id: str, labels: Mapping[str, str], taints: Iterable[str], ready: bool) -> JSON:
    """One Node in a record."""
    return {
        "Name": name,
        "ProviderID": provider_id,
        "Labels": dict(labels),
        "Taints": sorted(taints),
        "Ready": ready,
    }


def _plain(node: object) -> JSON:
    meta, spec, status = node.metadata, node.spec, node.status  # type: ignore[attr-defined]  # V1Node has no types
    return shown(
        name=meta.name,
        provider_id=spec.provider_id or "",
        labels=meta.labels or {},
        taints=[f"{one.key}={one.value or ''}:{one.effect}" for one in spec.taints or []],
        ready=any(one.type == "Ready" and one.status == "True" for one in status.conditions or []),
    )
