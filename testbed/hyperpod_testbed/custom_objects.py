"""HyperPodClusters of one namespace, without kubectl: what drives thousands of edits cheaply."""

from http.client import NOT_FOUND
from typing import Any

from hyperpod_testbed.control_plane import ApiError, ControlPlane

Json = dict[str, Any]

API_VERSION = "hyperpod-operator.dev/v1alpha1"
KIND = "HyperPodCluster"


class CustomObjects:
    """Create, edit, delete and read, as the cluster administrator. Safe to use from several threads."""

    def __init__(self, plane: ControlPlane, *, namespace: str) -> None:
        self.namespace = namespace
        self._api = plane.api

    def create_namespace(self) -> None:
        """Make the namespace that the objects live in."""
        self._api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})

    def delete_namespace(self) -> None:
        """Ask for its deletion."""
        self._api.delete("namespaces", self.namespace)

    def create(self, name: str, spec: Json) -> str:
        """Create an object; returns its uid."""
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}
        return str(self._api.create(body, namespace=self.namespace)["metadata"]["uid"])

    def merge(self, name: str, patch: Json) -> None:
        """Merge-patch an object: lists are replaced whole, null removes a member."""
        self._api.merge(KIND, name, patch, namespace=self.namespace)

    def delete(self, name: str) -> None:
        """Ask for the deletion of an object; it stays until its finalizers are gone."""
        self._api.delete(KIND, name, namespace=self.namespace)

    def release(self, name: str) -> None:
        """Take every finalizer off, as a person does who gives up on an object; one that is gone is no error."""
        try:
            self.merge(name, {"metadata": {"finalizers": None}})
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def get(self, name: str) -> Json | None:
        """The object, or None when there is none."""
        return self._api.get(KIND, name, namespace=self.namespace)

    def all(self) -> list[Json]:
        """Every object of the namespace."""
        return self._api.list(KIND, namespace=self.namespace)
