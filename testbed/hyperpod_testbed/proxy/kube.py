"""Before kube-apiserver: TLS on both sides, and the caller stays who it is.

A bearer token passes through unchanged. A client certificate cannot pass a proxy that ends TLS, so the proxy uses
the certificate of the kubeconfig that it was given: RBAC applies either way.
"""

import json
import ssl
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.proxy.proxy import Proxy
from hyperpod_testbed.proxy.request import kubernetes_operation
from hyperpod_testbed.proxy.watches import Watches

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PLACEHOLDER = "the-proxy-has-the-certificate"


class KubeProxy(Proxy):
    """Writes count, but reviews of permissions, which the API server does not store. `watches` damages watches."""

    scheme = "https"

    def __init__(self, plane: ControlPlane, *, watched: str = "hyperpodclusters") -> None:
        super().__init__(plane.url)
        self._plane = plane
        self._context = ssl.create_default_context(cafile=str(plane.ca_path))
        self.watches = Watches(loop=self._loop, plural=watched)

    def kubeconfig(self, source: Path, target: Path) -> Path:
        """A kubeconfig for the user of `source`, through here; write it once the proxy listens."""
        document = yaml.safe_load(source.read_text())
        user = document["users"][0]["user"]
        if "client-certificate" in user:
            self._context.load_cert_chain(user["client-certificate"], user["client-key"])
            document["users"][0]["user"] = {"token": _PLACEHOLDER}
        document["clusters"][0]["cluster"]["server"] = self.url
        target.write_text(json.dumps(document))
        target.chmod(0o600)
        return target

    def counts(self, method: str, path: str, query: str) -> bool:
        del query
        return method not in _READS and not path.endswith("reviews")

    def operation(self, request: web.BaseRequest, body: bytes) -> str:
        del body
        return kubernetes_operation(request.method, request.raw_path.partition("?")[0])

    def serving(self) -> ssl.SSLContext:
        pair = self._plane.serving_certificate(f"proxy-{id(self)}")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.certificate, pair.key)
        return context

    def calling(self) -> ssl.SSLContext:
        return self._context

    def headers(self, request: web.BaseRequest) -> dict[str, str]:
        kept = super().headers(request)
        if _PLACEHOLDER in kept.get("Authorization", ""):
            del kept["Authorization"]
        if self.watches.concerns(*_split(request)):
            kept.pop("Accept-Encoding", None)
        return kept

    def target(self, request: web.BaseRequest) -> str:
        path, query = _split(request)
        if not self.watches.concerns(path, query):
            return super().target(request)
        return f"{path}?{self.watches.query(query)}"

    async def relay(self, request: web.BaseRequest, answer: aiohttp.ClientResponse, out: web.StreamResponse) -> None:
        if answer.status == 200 and self.watches.concerns(*_split(request)):
            await self.watches.relay(request, answer, out)
        else:
            await super().relay(request, answer, out)


def _split(request: web.BaseRequest) -> tuple[str, str]:
    path, _, query = request.raw_path.partition("?")
    return path, query
