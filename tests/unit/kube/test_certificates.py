"""Which certificates of an API server are taken: those of Amazon EKS, whose CA has no Authority Key Identifier."""

import ssl
from pathlib import Path

import pytest
from tests.unit.kube.test_proxy import kubeconfig

from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.configuration import Credentials
from hyperpod_operator.runtime import login

MAKE = ssl.create_default_context


@pytest.fixture(autouse=True)
def _python_3_13(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strict check is on in a fresh context, as from Python 3.13 on."""

    def strict(*args: object, **options: object) -> ssl.SSLContext:
        context = MAKE(*args, **options)  # type: ignore[arg-type]
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)


def check(context: ssl.SSLContext) -> None:
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


async def test_our_calls_verify_chain_and_name_but_not_strictly(tmp_path: Path) -> None:
    api = await ApiServer.connect(kubeconfig=kubeconfig(tmp_path))
    try:
        check(api._client.rest_client.ssl_context)
    finally:
        await api.close()


def test_kopfs_connections_verify_chain_and_name_but_not_strictly() -> None:
    check(login._tls(Credentials(server="https://api.example.com:6443")))
