"""Two installations of the chart in one EKS cluster: what one brings for all of it is in force for the other, too."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.chart.conftest import SERVERS
from tests.unit.core.builders import spec

from hyperpod_operator.api.names import (
    API_VERSION,
    APPROVE_PLAN,
    CLUSTER_KIND,
    CLUSTER_PLURAL,
    NODE_OPERATION_KIND,
    NODE_OPERATION_PLURAL,
)
from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.control_plane.api import MERGE, Answer
from hyperpod_testbed.helm import Helm
from hyperpod_testbed.stack import ROOT
from hyperpod_testbed.waiting import until

DIGEST = f"sha256:{'1' * 64}"
APPROVES = {"metadata": {"annotations": {APPROVE_PLAN: DIGEST}}}
INSTALLATIONS = {"red": "team-a", "blue": "team-b"}
"""Release and account, and the one namespace that it watches."""


@pytest.fixture(scope="module")
def components() -> frozenset[str]:
    return SERVERS


@pytest.fixture(scope="module")
def both(plane: ControlPlane, helm: Helm) -> Iterator[ControlPlane]:
    """Both with a cluster and an operation in their namespace, and the policies of both in force."""
    plane.install_crds(ROOT / "crds")
    for name, namespace in INSTALLATIONS.items():
        values = {"fullnameOverride": name, "watchNamespaces": [namespace]}
        account.install_release(plane, name=name, objects=helm.objects(release=name, namespace=name, values=values))
        management = {"changePolicy": "ApproveAll"}
        made = {
            "apiVersion": API_VERSION,
            "kind": CLUSTER_KIND,
            "metadata": {"name": "prod", "namespace": namespace},
            "spec": spec(management=management),
        }
        operation = {
            "apiVersion": API_VERSION,
            "kind": NODE_OPERATION_KIND,
            "metadata": {"name": "prod", "namespace": namespace},
            "spec": {"clusterRef": {"name": "prod"}, "operation": "Reboot", "nodes": {"selector": {"count": 1}}},
        }
        for one in (made, operation):
            plane.wait_until_admitted(one)
            plane.api.apply(one)
    for name, namespace in INSTALLATIONS.items():  # RBAC alone lets an account approve in the namespace that it serves
        until(
            lambda name=name, namespace=namespace: patched(plane, user(name), namespace, APPROVES).refused,
            "the policies are in force",
        )
    return plane


def patched(
    plane: ControlPlane,
    user: str,
    namespace: str,
    change: dict[str, Any],
    *,
    part: str = "",
    plural: str = CLUSTER_PLURAL,
) -> Answer:
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}/prod{part}"
    return plane.api.ask("PATCH", path, change, kind=MERGE, query={"dryRun": "All"}, user=user)


def recorded(plane: ControlPlane, user: str, namespace: str) -> Answer:
    """The record of an approval, as the operator keeps it in status."""
    return patched(plane, user, namespace, {"status": {"lastApproval": {"digest": DIGEST}}}, part="/status")


def planned(plane: ControlPlane, user: str, namespace: str) -> Answer:
    """The plan of an operation that waits, which is what its approver reads."""
    plan = {"digest": DIGEST, "state": "Pending", "actions": [{"call": "BatchRebootClusterNodes", "waits": True}]}
    return patched(plane, user, namespace, {"status": {"plan": plan}}, part="/status", plural=NODE_OPERATION_PLURAL)


def user(installation: str) -> str:
    return f"system:serviceaccount:{installation}:{installation}"


@pytest.mark.parametrize(("installation", "namespace"), INSTALLATIONS.items())
def test_each_keeps_the_record_of_approvals_in_its_own_namespace(
    both: ControlPlane, installation: str, namespace: str
) -> None:
    for answer in (recorded(both, user(installation), namespace), planned(both, user(installation), namespace)):
        assert not answer.refused, answer.words


@pytest.mark.parametrize(("installation", "namespace"), INSTALLATIONS.items())
def test_neither_keeps_it_in_the_namespace_of_the_other(both: ControlPlane, installation: str, namespace: str) -> None:
    (other,) = INSTALLATIONS.keys() - {installation}
    assert recorded(both, user(other), namespace).refused
    assert planned(both, user(other), namespace).refused


@pytest.mark.parametrize(("installation", "namespace"), INSTALLATIONS.items())
def test_neither_approves_in_its_own_namespace(both: ControlPlane, installation: str, namespace: str) -> None:
    assert patched(both, user(installation), namespace, APPROVES).refused
