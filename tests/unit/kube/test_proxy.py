"""Through which proxy the API server is reached: looked up once, the same for our connections and for Kopf's."""

from pathlib import Path

import pytest
import yaml
from tests.unit.kube.conftest import FakeServer

from hyperpod_operator.kube import configuration
from hyperpod_operator.kube.client import ApiServer

PROXY = "http://proxy.example.com:3128"
OTHER = "http://other.example.com:8080"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def kubeconfig(directory: Path, *, server: str = "https://api.example.com:6443", proxy: str | None = None) -> str:
    path = directory / "kubeconfig"
    cluster = {"server": server} | ({"proxy-url": proxy} if proxy else {})
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
                "clusters": [{"name": "here", "cluster": cluster}],
                "users": [{"name": "here", "user": {"token": "secret-token"}}],
            }
        )
    )
    return str(path)


async def proxy(path: str) -> str | None:
    return (await configuration.credentials(await configuration.load(kubeconfig=path))).proxy


async def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert await proxy(kubeconfig(tmp_path)) is None


async def test_the_environments_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert await proxy(kubeconfig(tmp_path)) == PROXY


async def test_the_environments_is_for_its_scheme_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    assert await proxy(kubeconfig(tmp_path)) is None


async def test_no_proxy_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "localhost,.example.com")
    assert await proxy(kubeconfig(tmp_path)) is None


@pytest.mark.parametrize(
    ("server", "direct"),
    [
        ("https://172.20.0.1:443", True),
        ("https://172.21.0.1:443", False),
        ("https://10.1.2.3", True),
        ("https://[fd30:1::1]:443", True),
        ("https://[fe80::1]:443", False),
        ("https://api.example.com", False),
    ],
)
async def test_blocks_of_addresses_in_no_proxy_are_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, direct: bool
) -> None:
    """A pod finds the API server by the address of a Service, and NO_PROXY names the block of these."""
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "nonsense/8, 172.20.0.0/16,10.1.2.3, fd00::/8,.svc")
    assert await proxy(kubeconfig(tmp_path, server=server)) == (None if direct else PROXY)


async def test_the_kubeconfigs_own_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert await proxy(kubeconfig(tmp_path, proxy=OTHER)) == OTHER


async def test_requests_go_through_it(tmp_path: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.default = (200, {"kind": "Found"})
    api = await ApiServer.connect(kubeconfig=kubeconfig(tmp_path, server="http://api.example.com"))
    try:
        assert await api.get("/x") == {"kind": "Found"}
    finally:
        await api.close()
    assert server.requests[0].headers["Host"] == "api.example.com"


async def test_the_environment_is_not_read_again_for_each_request(
    api: ApiServer, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.get("/x")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    await api.get("/x")
    assert len(server.requests) == 2
