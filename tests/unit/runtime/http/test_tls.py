"""TLS from files that somebody renews."""

import asyncio
import datetime
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.unit.runtime.http.conftest import Client, Serve, get, until

from hyperpod_operator.runtime.http import server as servers
from hyperpod_operator.runtime.http.address import BindAddress
from hyperpod_operator.runtime.http.connection import Limits
from hyperpod_operator.runtime.http.message import Request, Response
from hyperpod_operator.runtime.http.server import Certificate, CertificateError, HttpServer


async def hello(_: Request) -> Response:
    return Response.text("hello")


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    made = Certificate(certificate=tmp_path / "tls.crt", key=tmp_path / "tls.key")
    write(made, "first")
    return made


def write(files: Certificate, name: str) -> None:
    """A certificate of its own, as cert-manager would renew it."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def presented(server: HttpServer) -> str:
    """The name in the certificate that a client is shown."""
    shown = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", server.port))
    return x509.load_pem_x509_certificate(shown.encode()).subject.rfc4514_string()


async def test_it_answers_over_tls(serve: Serve, certificate: Certificate) -> None:
    server = serve(hello, certificate=certificate)
    assert (await get(server, "/", context=trusting()))[0] == 200


async def test_a_client_without_tls_gets_nothing_and_leaves_nothing(serve: Serve, certificate: Certificate) -> None:
    server = serve(hello, certificate=certificate)
    async with Client(server.port) as client:
        client.send("GET / HTTP/1.1\r\n\r\n")
        assert "hello" not in await client.all()
    await until(lambda: server.connections == 0)


async def test_a_handshake_that_never_begins_is_cut_off(serve: Serve, certificate: Certificate) -> None:
    server = serve(hello, certificate=certificate, limits=Limits(header=0.2))
    async with Client(server.port) as client:
        assert await client.all() == ""
    await until(lambda: server.connections == 0)


async def test_handshakes_that_never_begin_make_room(serve: Serve, certificate: Certificate) -> None:
    server = serve(hello, certificate=certificate, limits=Limits(connections=2))
    async with Client(server.port), Client(server.port), Client(server.port):
        assert (await get(server, "/", context=trusting()))[0] == 200


async def test_a_renewed_certificate_is_taken_up(
    serve: Serve, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "RELOAD", -1.0)
    server = serve(hello, certificate=certificate)
    assert await presented(server) == "CN=first"
    write(certificate, "second")
    os.utime(certificate.certificate, (0, 0))
    assert await presented(server) == "CN=second"


async def test_half_a_renewal_leaves_the_old_one_in_use(
    serve: Serve, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "RELOAD", -1.0)
    server = serve(hello, certificate=certificate)
    certificate.key.write_text("half")
    os.utime(certificate.key, (0, 0))
    assert await presented(server) == "CN=first"
    write(certificate, "second")
    assert await presented(server) == "CN=second"


@pytest.mark.parametrize("broken", ["certificate", "key"])
def test_a_file_of_no_use_is_said_at_the_start(certificate: Certificate, broken: str) -> None:
    getattr(certificate, broken).unlink()
    server = HttpServer(name="x", address=BindAddress(host="127.0.0.1", port=0), handler=hello, certificate=certificate)
    with pytest.raises(CertificateError, match="No such file"):
        server.start()
