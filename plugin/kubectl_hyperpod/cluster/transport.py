"""One connection to the API server: TLS, proxy, and errors as sentences. The standard library alone, so that it starts
fast."""

import base64
import http.client
import json
import os
import socket
import ssl
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from kubectl_hyperpod.cluster.answer import Answer
from kubectl_hyperpod.cluster.credentials import Credentials
from kubectl_hyperpod.cluster.kubeconfig import Target
from kubectl_hyperpod.errors import CommandError, RefusedError, UnreachableError

PATIENCE = 30.0
"""Seconds to connect and to answer."""
MOST = 256 * 1024 * 1024
"""Bytes of an answer that are read."""


class HttpTransport:
    """`Transport` over http.client; a connection is kept and opened again once when the server has closed it.

    `credentials` is asked at the start, and again when the API server accepts them no longer: a token of EKS lives
    for a quarter of an hour.
    """

    def __init__(
        self, target: Target, credentials: Callable[[], Credentials], *, env: Mapping[str, str] | None = None
    ) -> None:
        self._target = target
        self._ask_for_credentials = credentials
        self._credentials = credentials()
        self._url = urllib.parse.urlsplit(target.server)
        self._env = os.environ if env is None else env
        if self._url.scheme not in ("http", "https") or not self._url.hostname or not _has_port(self._url):
            raise CommandError(f"{target.server!r} is not the URL of an API server.")
        self._kept: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, *, body: Any = None, content_type: str = "application/json") -> Answer:
        data = None if body is None else json.dumps(body).encode()
        answer = _answer(self._sent(method, path, data, content_type))
        if answer.status == http.client.UNAUTHORIZED and self._renewed():
            answer = _answer(self._sent(method, path, data, content_type))
        return answer

    def _renewed(self) -> bool:
        """Whether there are other credentials by now."""
        found = self._ask_for_credentials()
        if found == self._credentials:
            return False
        self.close()
        self._credentials = found
        return True

    def _sent(self, method: str, path: str, data: bytes | None, content_type: str) -> http.client.HTTPResponse:
        fresh = self._kept is None
        try:
            return self._ask(method, path, data, content_type)
        except (http.client.BadStatusLine, ConnectionError) as error:
            self.close()
            if fresh or method not in ("GET", "HEAD"):
                raise self._unreachable(error) from error
            return self._guarded(method, path, data, content_type)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error

    def lines(self, path: str, *, timeout: float) -> Iterator[bytes]:
        connection = self._connect(timeout=timeout)
        try:
            response = self._ask("GET", path, None, "", connection=connection)
            if response.status == http.client.UNAUTHORIZED and self._renewed():
                connection.close()
                connection = self._connect(timeout=timeout)
                response = self._ask("GET", path, None, "", connection=connection)
            if response.status != http.client.OK:
                answer = _answer(response)
                raise RefusedError(f"The API server answered {answer.status} to a watch.", status=answer.status)
            while line := response.readline():
                yield line
        except TimeoutError:
            return
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def _guarded(self, method: str, path: str, data: bytes | None, content_type: str) -> http.client.HTTPResponse:
        try:
            return self._ask(method, path, data, content_type)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error

    def _ask(
        self,
        method: str,
        path: str,
        data: bytes | None,
        content_type: str,
        *,
        connection: http.client.HTTPConnection | None = None,
    ) -> http.client.HTTPResponse:
        if connection is None:
            connection = self._kept = self._kept or self._connect(timeout=PATIENCE)
        connection.putrequest(method, f"{self._url.path.rstrip('/')}{path}", skip_accept_encoding=True)
        headers = {"Accept": "application/json", "User-Agent": "kubectl-hyperpod", **self._credentials.headers}
        if data is not None:
            headers |= {"Content-Type": content_type, "Content-Length": str(len(data))}
        for name, value in headers.items():
            _put(connection, name, value)
        for name, values in self._target.impersonate.items():
            for value in values:
                _put(connection, name, value)
        connection.endheaders(data)
        return connection.getresponse()

    def _connect(self, *, timeout: float) -> http.client.HTTPConnection:
        host = self._url.hostname or ""
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        proxy = self._proxy(host)
        at = (proxy.hostname or "", proxy.port or 80) if proxy else (host, port)
        if self._url.scheme == "http":
            made = http.client.HTTPConnection(*at, timeout=timeout)
        else:
            made = _Tls(*at, timeout=timeout, context=self._context(), name=self._target.server_name or host)
        if proxy:
            login = f"{proxy.username}:{proxy.password or ''}" if proxy.username else ""
            headers = {"Proxy-Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
            made.set_tunnel(host, port, headers=headers)
        return made

    def _proxy(self, host: str) -> urllib.parse.SplitResult | None:
        """The kubeconfig's proxy-url, else HTTPS_PROXY and HTTP_PROXY except for what NO_PROXY names."""
        found = self._target.proxy
        if not found:
            names = (f"{self._url.scheme}_proxy", f"{self._url.scheme}_proxy".upper())
            found = next((self._env[name] for name in names if self._env.get(name)), "")
            from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

            exempt = self._env.get("no_proxy") or self._env.get("NO_PROXY") or ""
            if not found or proxy_bypass_environment(host, {"no": exempt}):
                return None
        parts = urllib.parse.urlsplit(found if "//" in found else f"http://{found}")
        if not _has_port(parts):
            raise CommandError(f"The proxy of {host} has a port that is no number.")
        if parts.scheme != "http":
            raise CommandError(f"The proxy of {host} has the scheme {parts.scheme}; only http is supported.")
        return parts

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self._target.ca.decode() if self._target.ca else None)
        except (ssl.SSLError, ValueError) as error:
            raise CommandError("The kubeconfig's certificate-authority is not a PEM certificate.") from error
        if not self._target.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self._credentials.certificate and self._credentials.key:
            import tempfile

            # ssl reads certificates from files alone; only this user can read these, for a moment.
            with tempfile.TemporaryDirectory(prefix="kubectl-hyperpod-") as folder:
                paths = []
                for name, data in (("tls.crt", self._credentials.certificate), ("tls.key", self._credentials.key)):
                    paths.append(os.path.join(folder, name))
                    with open(os.open(paths[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                        file.write(data)
                try:
                    context.load_cert_chain(*paths)
                except (ssl.SSLError, ValueError) as error:
                    raise CommandError("The kubeconfig's client certificate and key do not fit each other.") from error
        return context

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _unreachable(self, error: Exception) -> CommandError:
        server = self._target.server
        context = f" of context {self._target.context}" if self._target.context else ""
        match error:
            case ssl.SSLCertVerificationError():
                return UnreachableError(
                    f"The certificate of {server} is not trusted ({error.verify_message}). Correct the kubeconfig's "
                    "certificate-authority.",
                    passing=False,
                )
            case TimeoutError():
                return UnreachableError(f"The API server{context} ({server}) gave no answer within {PATIENCE:g} s.")
            case socket.gaierror():
                return UnreachableError(f"The name of the API server{context} ({server}) cannot be resolved.")
            case _:
                why = getattr(error, "strerror", None) or str(error) or type(error).__name__
                return UnreachableError(f"The API server{context} ({server}) cannot be reached: {why}.")


def _has_port(url: urllib.parse.SplitResult) -> bool:
    """Whether the port is a number, or not given."""
    try:
        return url.port is None or url.port > 0
    except ValueError:
        return False


def _put(connection: http.client.HTTPConnection, name: str, value: str) -> None:
    """A header. The library's own error has the value in it, which may be a token: it is not shown."""
    try:
        connection.putheader(name, value)
    except ValueError:
        raise CommandError(
            f"The header {name} cannot be sent: its value has a line break, or a character that HTTP does not take. "
            "Correct the user of the context, or the option that sets it."
        ) from None


class _Tls(http.client.HTTPSConnection):
    """TLS with the name that the kubeconfig gives (tls-server-name), also through a proxy."""

    def __init__(self, host: str, port: int, *, timeout: float, context: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._name = name
        self._tls = context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def _answer(response: http.client.HTTPResponse) -> Answer:
    try:
        data = response.read(MOST)
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"The API server's answer broke off: {str(error) or type(error).__name__}.") from error
    try:
        body = json.loads(data)
    except ValueError:
        body = data.decode("utf-8", "replace")
    return Answer(status=response.status, body=body, date=_date(response.headers.get("Date")))


def _date(said: str | None) -> datetime | None:
    """A date of HTTP; None for one that cannot be read."""
    try:
        found = parsedate_to_datetime(said) if said else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
