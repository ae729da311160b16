"""Where servers listen."""

import socket

import pytest
from tests.unit.runtime.http.conftest import Serve, get

from hyperpod_operator.runtime.http.address import BindAddress
from hyperpod_operator.runtime.http.message import Request, Response


async def hello(_: Request) -> Response:
    return Response.text("hello")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [(":8081", "", 8081), ("127.0.0.1:1", "127.0.0.1", 1), ("[::1]:65535", "::1", 65535), ("0.0.0.0:0", "0.0.0.0", 0)],
)
def test_host_and_port(text: str, host: str, port: int) -> None:
    parsed = BindAddress.parse(text)
    assert parsed == BindAddress(host=host, port=port)
    assert str(parsed) == text


def test_zero_is_nowhere() -> None:
    assert BindAddress.parse("0") is None


@pytest.mark.parametrize("text", ["", "8080", "host", "::1:80", ":65536", ":-1", "a:b:1", ":80 "])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        BindAddress.parse(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_without_a_host_both_families_are_answered(serve: Serve, host: str) -> None:
    """What a kubelet asks an IPv6-only pod, or an IPv4-only one, with default values."""
    assert (await get(serve(hello, host=""), "/", host=host))[0] == 200


async def test_a_kernel_without_ipv6_gets_ipv4(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    server = serve(hello, host="")
    assert (await get(server, "/"))[0] == 200
    with pytest.raises(ConnectionRefusedError):
        await get(server, "/", host="::1")
