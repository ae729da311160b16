"""The chart, the real helm, and a control plane whose audit log tells who asked for what."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.release import MUTATING

from hyperpod_operator.api.kinds import KINDS
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.control_plane.audit import AuditLog
from hyperpod_testbed.control_plane.control_plane import COMPONENTS
from hyperpod_testbed.helm import Helm

VALUES = sorted((Path(__file__).parent / "values").glob("*.yaml"))
NAMESPACE = RELEASE = "hyperpod-operator"
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
DEFINITIONS = tuple(kind.definition for kind in KINDS)
SERVERS = frozenset({"etcd", "kube-apiserver"})
MONITORING = ("ServiceMonitor", "PodMonitor", "PrometheusRule")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """helm is built with the control plane, so its tests run with those of the control plane."""
    for item in items:
        if {"helm", "plane"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.control_plane)


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """helm without a cluster."""
    return Helm(home=tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> AuditLog:
    return AuditLog(tmp_path_factory.mktemp("audit"))


@pytest.fixture(scope="module")
def components() -> frozenset[str]:
    """Of the control plane. A module in which no controller has work does with SERVERS: it starts in half the time."""
    return COMPONENTS


@pytest.fixture(scope="module")
def plane(audit: AuditLog, components: frozenset[str]) -> Iterator[ControlPlane]:
    """One for each module, because a chart brings things that a cluster has once. The release's namespace is strict."""
    with ControlPlane(components=components, extra_args={"kube-apiserver": [*audit.flags, *MUTATING]}) as running:
        for name, labels in ((NAMESPACE, RESTRICTED), ("team-a", {}), ("team-b", {})):
            running.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        yield running


@pytest.fixture(scope="module")
def releases(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """helm with the control plane."""
    return Helm(home=tmp_path_factory.mktemp("helm"), kubeconfig=plane.kubeconfig)
