"""The few requests that the plugin makes, and the errors that callers tell apart."""

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubectl_hyperpod.cluster.answer import Answer, Transport
from kubectl_hyperpod.errors import CommandError, RefusedError

Object = dict[str, Any]
PAGE = 500
PAGES = 200
OK = 200
BAD_REQUEST = 400
UNAUTHORIZED, FORBIDDEN, MISSING = 401, 403, 404


class MissingError(RefusedError):
    """There is no such object; `NotServedError` says that there is no such kind."""


class NotServedError(MissingError):
    """The API server does not know the resource."""


class DeniedError(RefusedError):
    """RBAC or admission refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of the API: group (empty: core), version, plural."""

    group: str
    version: str
    plural: str

    def path(self, *, namespace: str = "", name: str = "", sub: str = "") -> str:
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [*(("namespaces", namespace) if namespace else ()), self.plural, name, sub]
        return "/".join([root, *(urllib.parse.quote(part, safe="") for part in parts if part)])


class Api:
    """Objects as the API server has them. Every method raises RefusedError or CommandError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.server_time: datetime | None = None
        """The API server's clock at its last answer; None where it did not say."""

    def get(self, resource: Resource, *, namespace: str = "", name: str) -> Object:
        return self._object("GET", resource.path(namespace=namespace, name=name))

    def list(self, resource: Resource, *, namespace: str = "", labels: str = "", fields: str = "") -> list[Object]:
        """All pages of it."""
        found: list[Object] = []
        query = {"limit": str(PAGE), "labelSelector": labels, "fieldSelector": fields}
        for _ in range(PAGES):
            page = self._object("GET", f"{resource.path(namespace=namespace)}?{_query(query)}")
            found += [one for one in page.get("items") or [] if isinstance(one, dict)]
            query["continue"] = str((page.get("metadata") or {}).get("continue") or "")
            if not query["continue"]:
                return found
        raise CommandError(f"The list of {resource.plural} has more than {PAGE * PAGES} objects; name a namespace.")

    def create(self, resource: Resource, body: Object, *, namespace: str, dry_run: bool = False) -> Object:
        path = f"{resource.path(namespace=namespace)}?{_query({'dryRun': 'All' if dry_run else ''})}"
        return self._object("POST", path.rstrip("?"), body)

    def merge(self, resource: Resource, body: Object, *, namespace: str, name: str, dry_run: bool = False) -> Object:
        """A JSON merge patch (RFC 7386)."""
        query = _query({"dryRun": "All" if dry_run else "", "fieldManager": "kubectl-hyperpod"})
        path = f"{resource.path(namespace=namespace, name=name)}?{query}"
        return self._object("PATCH", path, body, content_type="application/merge-patch+json")

    def text(self, path: str) -> str:
        """A path that answers with plain text: logs, metrics, /version."""
        answer = self._sent("GET", path)
        _checked(answer)
        return answer.body if isinstance(answer.body, str) else json.dumps(answer.body, indent=2)

    def watch(
        self, resource: Resource, *, namespace: str, name: str, version: str, timeout: float
    ) -> Iterator[tuple[str, Object]]:
        """Changes of one object, as (ADDED | MODIFIED | DELETED | ERROR, object), for `timeout` seconds at most."""
        query = {
            "watch": "1",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, int(timeout))),
        }
        for line in self._transport.lines(f"{resource.path(namespace=namespace)}?{_query(query)}", timeout=timeout):
            try:
                read = json.loads(line)
            except ValueError:
                return
            if isinstance(read, dict) and isinstance(read.get("object"), dict):
                yield str(read.get("type")), read["object"]

    def _object(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json") -> Object:
        answer = self._sent(method, path, body=body, content_type=content_type)
        _checked(answer)
        if not isinstance(answer.body, dict):
            raise CommandError("The API server answered with something that is not a Kubernetes object; is it one?")
        return answer.body

    def _sent(self, method: str, path: str, *, body: Any = None, content_type: str = "application/json") -> Answer:
        answer = self._transport.send(method, path, body=body, content_type=content_type)
        self.server_time = answer.date or self.server_time
        return answer


def _query(values: Mapping[str, str]) -> str:
    return urllib.parse.urlencode({name: value for name, value in values.items() if value})


def _checked(answer: Answer) -> None:
    if answer.status < BAD_REQUEST:
        return
    body = answer.body if isinstance(answer.body, dict) else {}
    said = str(body.get("message") or answer.body)[:1000].strip()
    details = body.get("details")
    if answer.status == UNAUTHORIZED:
        raise RefusedError(
            "The API server does not accept your credentials (401). Log in again, for EKS for example with "
            "`aws sso login`, and check the user of the context.",
            status=answer.status,
        )
    if answer.status == FORBIDDEN:
        raise DeniedError(f"The API server refused: {said}", status=answer.status)
    if answer.status == MISSING:
        # A missing object comes with its name; a resource that is not served with neither name nor kind.
        kind = MissingError if isinstance(details, dict) and details.get("name") else NotServedError
        raise kind(f"The API server: {said}", status=answer.status)
    raise RefusedError(f"The API server answered {answer.status}: {said}", status=answer.status)
