"""The real API server on one connection that stays open: thousands of resources a minute.

What it answers is the answer: an object that it admits comes back as a watch would bring it, pruned and with what it
fills in; a refusal has a status and words.
"""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.api.names import API_VERSION, CLUSTER_KIND, CLUSTER_PLURAL
from hyperpod_testbed.control_plane import ControlPlane

Json = dict[str, Any]
DRY_RUN = "?dryRun=All"


@dataclass(frozen=True)
class Answer:
    """What the server said to one request."""

    status: int
    body: Json

    @property
    def admitted(self) -> bool:
        return self.status < http.client.BAD_REQUEST

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))

    def must_be_an_answer(self, about: object) -> None:
        """Admitted, or refused with words: never a failure of the server itself."""
        assert self.admitted or (self.status < http.client.INTERNAL_SERVER_ERROR and self.message), (
            f"the API server answered {self.status} {self.message!r} to {about}"
        )


class Server:
    """HyperPodClusters of one namespace, as the administrator."""

    def __init__(self, plane: ControlPlane, *, namespace: str) -> None:
        context = ssl.create_default_context(cafile=str(plane.ca_path))
        context.load_cert_chain(plane.admin_certificate.certificate, plane.admin_certificate.key)
        self._connection = http.client.HTTPSConnection(plane.url.removeprefix("https://"), context=context, timeout=60)
        self._path = f"/apis/{API_VERSION}/namespaces/{namespace}/{CLUSTER_PLURAL}"

    def create(self, name: str, spec: Any, *, dry_run: bool = False) -> Answer:
        return self._call("POST", self._path + DRY_RUN * dry_run, _object(name, spec))

    def replace(self, stored: Json, spec: Any) -> Answer:
        """Put another spec into an object that the server returned."""
        return self._call("PUT", f"{self._path}/{stored['metadata']['name']}", {**stored, "spec": spec})

    def judge_status(self, name: str, status: Json) -> Answer:
        """A write of the status, carried out in all but the storing."""
        body = {"status": status}
        return self._call("PATCH", f"{self._path}/{name}/status{DRY_RUN}", body, kind="application/merge-patch+json")

    def delete(self, name: str) -> Answer:
        return self._call("DELETE", f"{self._path}/{name}", {})

    def send(self, body: bytes) -> Answer:
        """A request to create whatever this is."""
        return self._ask("POST", self._path, body, kind="application/json")

    def close(self) -> None:
        self._connection.close()

    def _call(self, method: str, path: str, body: Json, *, kind: str = "application/json") -> Answer:
        return self._ask(method, path, json.dumps(body).encode(), kind=kind)

    def _ask(self, method: str, path: str, body: bytes, *, kind: str) -> Answer:
        headers = {"Content-Type": kind, "Accept": "application/json"}
        self._connection.request(method, path, body=body, headers=headers)
        response = self._connection.getresponse()
        text = response.read()
        try:
            return Answer(response.status, json.loads(text))
        except ValueError:
            return Answer(response.status, {"message": text.decode(errors="replace")})


def _object(name: str, spec: Any) -> Json:
    return {"apiVersion": API_VERSION, "kind": CLUSTER_KIND, "metadata": {"name": name}, "spec": spec}
