"""The API server over its own HTTP, for what a test arranges and waits for.

kubectl is what a user types, and tests of what a user does run it. As a driver it costs a process for every look, which
is twenty times what the API server does for it, and the processors belong to what is under test.
"""

import http.client
import json
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hyperpod_testbed.control_plane.errors import ApiError
from hyperpod_testbed.documents import documents

Json = dict[str, Any]

MANAGER = "kubectl"
"""The field manager of what is applied: the same as with kubectl, which may apply the next version."""
APPLIED = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"}
JUDGED = {"dryRun": "All", "fieldValidation": "Strict"}
TIMEOUT = 60.0
SCHEMA_SECONDS = 30.0
NEW_KIND = "There can be a delay between when CustomResourceDefinitions are created"
"""Of the answer to a server-side apply of a kind whose schema is not known yet."""
DISCOVERED_SECONDS = 30.0
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Where the objects of a kind are."""

    base: str
    """The path before namespace and plural."""
    plural: str
    namespaced: bool

    def path(self, name: str, *, namespace: str) -> str:
        """Of an object; of the collection where the name is empty, in all namespaces where that is empty, too."""
        within = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.base}{within}/{self.plural}" + (f"/{name}" if name else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the API server said to one request."""

    status: int
    body: Json
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        return self.status >= http.client.BAD_REQUEST

    @property
    def words(self) -> str:
        """Its warnings and why it refused, a line each; empty where it has nothing to say."""
        return "\n".join((*self.warnings, *([str(self.body.get("message", ""))] if self.refused else [])))


class Api:
    """As the cluster administrator. A kind is named as for kubectl: kind, plural, short name, or plural and group."""

    def __init__(self, *, address: str, context: ssl.SSLContext) -> None:
        self._address, self._context = address, context
        self._resources: dict[str, Resource] = {}

    def get(self, kind: str, name: str, *, namespace: str = "default") -> Json | None:
        """The object, or None when there is none."""
        try:
            return self.send("GET", self._path(kind, name, namespace=namespace))
        except ApiError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def list(self, kind: str, *, namespace: str = "", labels: str = "") -> list[Json]:
        """The objects of a kind, of all namespaces where none is named; `labels` is a selector."""
        return [*self.send("GET", self._path(kind, "", namespace=namespace), query={"labelSelector": labels})["items"]]

    def create(self, manifest: Mapping[str, Any], *, namespace: str = "default") -> Json:
        """Create an object; returns it as it is stored. The manifest's own namespace wins."""
        return self.send("POST", self._path_of(manifest, "", namespace=namespace), body=manifest)

    def judge_new(self, manifest: Mapping[str, Any], *, namespace: str = "default", user: str = "") -> Answer:
        """What the server says to a creation, without storing it; `user` is who asks, if it is not the administrator.

        A service account is named as in RBAC: system:serviceaccount:NAMESPACE:NAME.
        """
        return self.ask("POST", self._path_of(manifest, "", namespace=namespace), manifest, query=JUDGED, user=user)

    def judge_change(self, manifest: Mapping[str, Any], *, namespace: str = "default", user: str = "") -> Answer:
        """What the server says to a replacement of an object, without storing it."""
        path = self._path_of(manifest, manifest["metadata"]["name"], namespace=namespace)
        version = self.send("GET", path)["metadata"]["resourceVersion"]
        given = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": version}}
        return self.ask("PUT", path, given, query=JUDGED, user=user)

    def apply(self, manifest: Mapping[str, Any], *, namespace: str = "default") -> Json:
        """Apply an object server-side, whoever owned its members before. The manifest's own namespace wins.

        The schema by which the server merges a new kind comes after the kind is served, even to dry runs.
        """
        path = self._path_of(manifest, manifest["metadata"]["name"], namespace=namespace)
        deadline = time.monotonic() + SCHEMA_SECONDS
        while True:
            try:
                return self.send("PATCH", path, body=manifest, kind=APPLY, query=APPLIED)
            except ApiError as error:
                if error.status != http.client.SERVICE_UNAVAILABLE or NEW_KIND not in str(error):
                    raise
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def merge(self, kind: str, name: str, patch: Mapping[str, Any], *, namespace: str = "default") -> Json:
        """Merge-patch an object: lists are replaced whole, null removes a member."""
        return self.send("PATCH", self._path(kind, name, namespace=namespace), body=patch, kind=MERGE)

    def delete(self, kind: str, name: str, *, namespace: str = "default") -> None:
        """Ask for the deletion of an object; it stays until its finalizers are gone."""
        self.send("DELETE", self._path(kind, name, namespace=namespace))

    def delete_all(self, kind: str, *, namespace: str = "", labels: str = "") -> None:
        """Ask for the deletion of all that a label selector finds."""
        self.send("DELETE", self._path(kind, "", namespace=namespace), query={"labelSelector": labels})

    def token(self, name: str, *, namespace: str, seconds: int) -> str:
        """A token of a service account."""
        path = self._path("serviceaccounts", name, namespace=namespace) + "/token"
        made = self.send("POST", path, body={"spec": {"expirationSeconds": seconds}})
        return str(made["status"]["token"])

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        kind: str = "application/json",
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> Json:
        """The answer to any request. Raises ApiError with the server's words where it refuses."""
        answer = self.ask(method, path, body, kind=kind, query=query, accept=accept)
        if answer.refused:
            raise ApiError(answer.status, f"{method} {path} was refused: {answer.status} {answer.words}")
        return answer.body

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        kind: str = "application/json",
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
        user: str = "",
    ) -> Answer:
        """Any request, on a connection of its own: threads may ask, and the server may have been away meanwhile."""
        asked = urlencode({name: value for name, value in (query or {}).items() if value})
        headers = {"Content-Type": kind, "Accept": accept, **({"Impersonate-User": user} if user else {})}
        connection = http.client.HTTPSConnection(self._address, context=self._context, timeout=TIMEOUT)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, f"{path}?{asked}" if asked else path, body=text, headers=headers)
            answer = connection.getresponse()
            found = _body(answer.read(), kind=answer.headers.get_content_type())
            told = answer.headers.get_all("Warning", failobj=[])  # 299 - "words"
            warnings = tuple(json.loads(one.split(" ", 2)[2]) for one in told)
            return Answer(status=answer.status, body=found, warnings=warnings)
        finally:
            connection.close()

    def _path(self, kind: str, name: str, *, namespace: str) -> str:
        return self._resource(kind.lower()).path(name, namespace=namespace)

    def _path_of(self, manifest: Mapping[str, Any], name: str, *, namespace: str) -> str:
        where = manifest["metadata"].get("namespace") or namespace
        return self._resource(_key(manifest["apiVersion"], manifest["kind"])).path(name, namespace=where)

    def _resource(self, key: str) -> Resource:
        """A kind that is new is discovered a moment after its definition is established."""
        deadline = time.monotonic() + DISCOVERED_SECONDS
        while key not in self._resources:
            if time.monotonic() > deadline:
                raise ApiError(http.client.NOT_FOUND, f"the API server has no resource {key!r}")
            groups = [self.send("GET", path, accept=DISCOVERY) for path in ("/api", "/apis")]
            self._resources = dict(_discovered(groups))
        return self._resources[key]


def _body(found: bytes, *, kind: str) -> Json:
    """What an answer says. To a path that nobody serves the server answers with text: 404 page not found."""
    if kind != "application/json":
        return {"message": found.decode(errors="replace").strip()}
    answer: Json = json.loads(found or b"{}")
    return answer


def _discovered(lists: Iterable[Json]) -> Iterator[tuple[str, Resource]]:
    """Names with their resources. What is named first by the server wins, so it comes last."""
    found = list[tuple[str, Resource]]()
    for group in (group for one in lists for group in one["items"]):
        name = group["metadata"].get("name", "")
        for version in group["versions"]:
            api = f"{name}/{version['version']}" if name else version["version"]
            for known in version.get("resources", ()):
                kind, plural = known["responseKind"]["kind"], known["resource"]
                base = f"/apis/{api}" if name else f"/api/{api}"
                resource = Resource(base=base, plural=plural, namespaced=known["scope"] == "Namespaced")
                short = (plural, kind.lower(), *known.get("shortNames", ()), *([f"{plural}.{name}"] if name else []))
                found += [(_key(api, kind), resource), *((one, resource) for one in short)]
    return reversed(found)


def _key(api_version: str, kind: str) -> str:
    return f"{api_version} {kind}"


def manifests(text: str) -> list[Json]:
    """The objects of a text of YAML or JSON; those of a List one by one."""
    return [item for one in documents(text) for item in (one["items"] if one["kind"] == "List" else [one])]
