"""HyperPodClusters of one namespace, over the API server's own HTTP: what drives thousands of edits cheaply.

kubectl is what a user types and what the demo shows; as a driver it costs a process for every edit, and the
processors belong to what is under test.
"""

import http.client
import json
import ssl
from typing import Any

from hyperpod_testbed.control_plane import ControlPlane

Json = dict[str, Any]

GROUP = "hyperpod-operator.dev/v1alpha1"
KIND = "HyperPodCluster"
PLURAL = "hyperpodclusters"
TIMEOUT = 30.0


class CustomObjectsError(RuntimeError):
    """The API server refused a request; the message has its words."""


class CustomObjects:
    """Create, edit, delete and read, as the cluster administrator. Safe to use from several threads."""

    def __init__(self, plane: ControlPlane, *, namespace: str) -> None:
        self.namespace = namespace
        self._address = plane.url.removeprefix("https://")
        self._context = ssl.create_default_context(cafile=str(plane.ca_path))
        self._context.load_cert_chain(plane.admin_certificate.certificate, plane.admin_certificate.key)
        self._path = f"/apis/{GROUP}/namespaces/{namespace}/{PLURAL}"

    def create_namespace(self) -> None:
        """Make the namespace that the objects live in."""
        self._call("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    def create(self, name: str, spec: Json) -> str:
        """Create an object; returns its uid."""
        body = {"apiVersion": GROUP, "kind": KIND, "metadata": {"name": name}, "spec": spec}
        made = self._call("POST", self._path, body)
        return str(made["metadata"]["uid"])

    def merge(self, name: str, patch: Json) -> None:
        """Merge-patch an object: lists are replaced whole, null removes a member."""
        self._call("PATCH", f"{self._path}/{name}", patch, kind="application/merge-patch+json")

    def delete(self, name: str) -> None:
        """Ask for the deletion of an object; it stays until its finalizers are gone."""
        self._call("DELETE", f"{self._path}/{name}")

    def release(self, name: str) -> None:
        """Take every finalizer off, as a person does who gives up on an object; one that is gone is no error."""
        body = {"metadata": {"finalizers": None}}
        self._call("PATCH", f"{self._path}/{name}", body, kind="application/merge-patch+json", missing_is_none=True)

    def get(self, name: str) -> Json | None:
        """The object, or None when there is none."""
        return self._call("GET", f"{self._path}/{name}", missing_is_none=True) or None

    def all(self) -> list[Json]:
        """Every object of the namespace."""
        return list(self._call("GET", self._path)["items"])

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        kind: str = "application/json",
        missing_is_none: bool = False,
    ) -> Json:
        connection = http.client.HTTPSConnection(self._address, context=self._context, timeout=TIMEOUT)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, body=text, headers={"Content-Type": kind, "Accept": "application/json"})
            answer = connection.getresponse()
            found: Json = json.loads(answer.read() or b"{}")
        finally:
            connection.close()
        if answer.status == http.client.NOT_FOUND and missing_is_none:
            return {}
        if answer.status >= http.client.BAD_REQUEST:
            raise CustomObjectsError(f"{method} {path} was refused: {answer.status} {found.get('message', '')}")
        return found
