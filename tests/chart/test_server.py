"""Every set of values against the real API server: schemas, defaults, CEL of the policies, Pod Security."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from _pytest.mark import ParameterSet
from tests.chart.conftest import MONITORING, NAMESPACE, SERVERS, VALUES
from tests.release import needs_mutating_policies, unexpected

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import Helm


@pytest.fixture(scope="module")
def components() -> frozenset[str]:
    return SERVERS


@pytest.fixture(scope="module", autouse=True)
def monitoring(plane: ControlPlane) -> None:
    """The Prometheus operator's kinds, as empty shells: their own schemas are not ours to check."""
    shell = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for kind in MONITORING:
        plural = f"{kind.lower()}s"
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": shell}}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.monitoring.coreos.com"},
            "spec": {
                "group": "monitoring.coreos.com",
                "names": {"kind": kind, "plural": plural},
                "scope": "Namespaced",
                "versions": [version],
            },
        }
        plane.apply(json.dumps(definition))
        plane.kubectl(
            "wait",
            "--for=jsonpath={.status.conditions[?(@.type=='Established')].status}=True",
            "--timeout=60s",
            f"crd/{plural}.monitoring.coreos.com",
        )
    for name in ("default", "prepared-elsewhere"):  # a controller would make the first one, at some moment
        plane.kubectl("create", "serviceaccount", name, "-n", NAMESPACE)


def cases() -> Iterator[ParameterSet]:
    """Every set of values; some enable policies that not every release serves."""
    for path in VALUES:
        mutating = {"prefix", "approvals"} & set((yaml.safe_load(path.read_text()) or {}).get("admission", {}))
        yield pytest.param(path, id=path.stem, marks=[needs_mutating_policies] if mutating else [])


@pytest.mark.parametrize("path", list(cases()))
def test_the_api_server_takes_it(plane: ControlPlane, helm: Helm, path: Path) -> None:
    """Strictly: a field that Kubernetes does not know is an error. The test's pod is held to "restricted"."""
    answer = plane.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"),
        input=helm.render(files=[path]),
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert unexpected(answer.stderr) == [], "a warning, for example of Pod Security"
