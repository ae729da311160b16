"""Who may read /metrics, decided by the real API server."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from hyperpod_operator.core.ports import Access
from hyperpod_operator.kube.access import MetricsReaders
from hyperpod_operator.kube.client import ApiServer
from hyperpod_testbed.control_plane import ControlPlane

pytestmark = pytest.mark.control_plane


@pytest.fixture
async def readers(control_plane: ControlPlane) -> AsyncIterator[MetricsReaders]:
    api = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
    yield MetricsReaders(api)
    await api.close()


@pytest.fixture
async def token(control_plane: ControlPlane, namespace: str) -> str:
    """Of a service account that may do nothing."""
    await asyncio.to_thread(control_plane.kubectl, "create", "serviceaccount", "prometheus", "-n", namespace)
    made = await asyncio.to_thread(control_plane.kubectl, "create", "token", "prometheus", "-n", namespace)
    return made.stdout.strip()


async def test_a_made_up_token_is_nobodys(readers: MetricsReaders) -> None:
    assert await readers.review("made-up") == Access(authenticated=False, allowed=False)


async def test_a_service_account_may_once_the_role_is_bound(
    control_plane: ControlPlane, readers: MetricsReaders, namespace: str, token: str
) -> None:
    user = f"system:serviceaccount:{namespace}:prometheus"
    assert await readers.review(token) == Access(authenticated=True, allowed=False, user=user)
    meta = {"name": f"metrics-reader-{namespace}"}
    version = "rbac.authorization.k8s.io/v1"
    role = {"apiVersion": version, "kind": "ClusterRole", "metadata": meta}
    role["rules"] = [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    binding = {
        "apiVersion": version,
        "kind": "ClusterRoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": meta["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": "prometheus", "namespace": namespace}],
    }
    for made in (role, binding):
        await asyncio.to_thread(control_plane.kubectl, "create", "-f", "-", input=json.dumps(made))
    async with asyncio.timeout(60):
        while not (await readers.review(token)).allowed:  # noqa: ASYNC110 - the API server's authorizer is told by a watch
            await asyncio.sleep(0.1)
