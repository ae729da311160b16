"""Who we are to the real API server, and what it looks like when it is away."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import yaml

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.client import ApiServer
from hyperpod_testbed.control_plane import ControlPlane

Connect = Callable[[Path], Awaitable[ApiServer]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connect(kubeconfig: Path) -> ApiServer:
            api = await ApiServer.connect(kubeconfig=str(kubeconfig))
            stack.push_async_callback(api.close)
            return api

        yield connect


async def test_a_client_certificate_is_accepted(control_plane: ControlPlane, connect: Connect) -> None:
    api = await connect(control_plane.kubeconfig)
    assert (await api.get("/version"))["major"] == "1"
    found = await api.credentials()
    assert found.certificate_file is not None
    assert (found.authorization, found.server) == ("", control_plane.url)


async def test_a_service_accounts_token_is_accepted(
    control_plane: ControlPlane, namespace: str, connect: Connect
) -> None:
    control_plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    api = await connect(control_plane.service_account_kubeconfig(namespace, "operator"))
    review = await api.create(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    assert review["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:operator"


async def test_a_bad_token_is_refused_in_words(
    control_plane: ControlPlane, namespace: str, connect: Connect, tmp_path: Path
) -> None:
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": "bad"}} for user in config["users"]]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(KubernetesError, match="Check the operator's credentials") as caught:
        await (await connect(path)).get("/api/v1/namespaces")
    assert caught.value.status == 401


async def test_the_client_outlives_an_api_server_that_is_away(control_plane: ControlPlane, connect: Connect) -> None:
    api = await connect(control_plane.kubeconfig)
    await api.get("/version")
    control_plane.stop("kube-apiserver")
    try:
        with pytest.raises(KubernetesError) as caught:
            await api.get("/version")
        assert caught.value.status == 0
    finally:
        control_plane.start("kube-apiserver")
    assert (await api.get("/version"))["major"] == "1"


def test_a_call_that_is_given_up_leaves_no_connection_behind(
    control_plane: ControlPlane, recwarn: pytest.WarningsRecorder
) -> None:
    """At moments from the connection's first packet to the answer; a socket that is left is told of by `__del__`."""

    async def give_up(*, after: float) -> None:
        api = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
        asking = asyncio.create_task(api.get("/api/v1/pods"))
        await asyncio.sleep(after)
        asking.cancel()
        await asyncio.wait([asking])
        await api.close()

    warnings.simplefilter("always", ResourceWarning)
    for moment in range(32):
        asyncio.run(give_up(after=moment * 0.00025))
    gc.collect()
    assert [str(found.message) for found in recwarn if found.category is ResourceWarning] == []
