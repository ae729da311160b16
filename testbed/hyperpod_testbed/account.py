"""The operator's own account in a control plane: what the chart installs beside the Deployment.

The operator runs under the rights and the admission policies that a user's cluster gives it, so a right that is missing
or a policy that refuses too much fails wherever the operator is started.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hyperpod_testbed.control_plane import ControlPlane, ControlPlaneError
from hyperpod_testbed.helm import Helm

NAMESPACE = "hyperpod-operator"
"""Namespace and name of the service account, and namespace of its Leases."""
FLAGS = (f"--lease-namespace={NAMESPACE}",)
"""Where the chart's roles let it keep Leases."""
IN_FORCE_SECONDS = 30.0

_KINDS = frozenset(
    {
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)
_REFUSED = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "evc-refused"},
    "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/"}},
}


def install(plane: ControlPlane) -> Path:
    """Install the account, wait until its policies are in force, and return a kubeconfig with a token of it.

    May be called again for the same control plane. Raises ControlPlaneError when the policies do not come into force.
    """
    return install_release(plane, name=NAMESPACE, objects=_objects())


def administrator(plane: ControlPlane) -> Path:
    """The kubeconfig of the administrator, with a namespace for Leases: nothing of the chart is in force."""
    plane.api.apply(_namespace(NAMESPACE))
    return plane.kubeconfig


def install_release(plane: ControlPlane, *, name: str, objects: Sequence[Mapping[str, Any]]) -> Path:
    """The account of one of several releases; `name` is its release, its namespace and its service account."""
    for item in (_namespace(name), *(item for item in objects if item["kind"] in _KINDS)):
        plane.api.apply(item)
    kubeconfig = plane.service_account_kubeconfig(name, name, hours=24)
    _wait_until_in_force(plane, user=f"system:serviceaccount:{name}:{name}")
    return kubeconfig


@cache
def _objects() -> tuple[dict[str, Any], ...]:
    with tempfile.TemporaryDirectory() as home:
        return tuple(Helm(home=Path(home)).objects(namespace=NAMESPACE))


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _wait_until_in_force(plane: ControlPlane, *, user: str) -> None:
    """The API server compiles policies a moment after they are stored."""
    deadline = time.monotonic() + IN_FORCE_SECONDS
    while "ValidatingAdmissionPolicy" not in (said := plane.api.judge_new(_REFUSED, user=user).words):
        if time.monotonic() > deadline:
            raise ControlPlaneError(f"the operator's admission policies are not in force: {said}")
        time.sleep(0.1)
