"""REST: the operation in method and path, its members in path, query string, headers and body.

EKS puts JSON into the body, S3 XML; the rest is the same.
"""

import json
import re
import urllib.parse
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.protocols import markup, text
from hyperpod_testbed.simulator.state import JSON
from hyperpod_testbed.simulator.wire import Reply, Request

PARTIAL = 206
"""HTTP status of an answer that has a part of the whole."""


@dataclass(frozen=True)
class _Route:
    """Where an operation is."""

    name: str
    method: str
    path: re.Pattern[str]
    labels: tuple[str, ...]
    query: frozenset[tuple[str, str]]
    """What its query string has in any case."""


class RestProtocol(ABC):
    """What both dialects have in common: routes, and members outside of the body."""

    def __init__(self, model: Callable[[], ServiceModel], operations: Collection[str]) -> None:
        self._model = model
        self._operations = operations
        self._found: list[_Route] | None = None

    def operation(self, request: Request) -> str:
        asked = set(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
        fitting = [
            route
            for route in self._routes()
            if route.method == request.method and route.path.fullmatch(request.path) and route.query <= asked
        ]
        return max(fitting, key=lambda route: len(route.query)).name if fitting else ""

    def parameters(self, name: str, request: Request) -> JSON:
        route = next(one for one in self._routes() if one.name == name)
        match = route.path.fullmatch(request.path)
        labels = dict(zip(route.labels, map(urllib.parse.unquote, match.groups()), strict=True)) if match else {}
        query = urllib.parse.parse_qs(request.query, keep_blank_values=True)
        shape = self._model().operation_model(name).input_shape
        found: JSON = {}
        for member, inner in (shape.members if shape else {}).items():
            location, key = inner.serialization.get("location"), str(inner.serialization.get("name", member))
            if location == "uri":
                found[member] = text.read(inner, labels[key], where=member)
            elif location == "querystring" and key in query:
                several = isinstance(inner, ListShape)
                read = [text.read(inner.member if several else inner, one, where=member) for one in query[key]]
                found[member] = read if several else read[-1]
            elif location == "header" and key in request.headers:
                found[member] = _header(inner, request.headers[key], where=member)
        return found

    def success(self, name: str, answer: JSON, _request_id: str) -> Reply:
        shape = self._model().operation_model(name).output_shape
        headers: dict[str, str] = {}
        for member, value in answer.items():
            inner = shape.members[member]
            location, key = inner.serialization.get("location"), str(inner.serialization.get("name", member))
            if location == "header" and value is not None:
                headers[key] = text.write(inner, value, time_format="rfc822")
            elif location == "headers":
                headers |= {f"{key}{suffix}": str(one) for suffix, one in value.items()}
        payload = shape.serialization.get("payload")
        status = PARTIAL if "Content-Range" in headers else 200
        if payload:
            return Reply(status, headers.pop("Content-Type", self._type), answer.get(payload, b""), headers)
        return Reply(status, headers.pop("Content-Type", self._type), self._body(shape, answer), headers)

    @abstractmethod
    def failure(self, error: AwsError, _request_id: str) -> Reply:
        """The answer that says this error."""

    _type = ""

    @abstractmethod
    def _body(self, shape: Shape, answer: JSON) -> bytes:
        """The members of an answer that are in its body."""

    def _routes(self) -> list[_Route]:
        if self._found is None:
            self._found = [_route(self._model(), name) for name in self._operations]
        return self._found


class RestJsonProtocol(RestProtocol):
    """REST with JSON in the body: EKS."""

    _type = "application/json"

    def failure(self, error: AwsError, _request_id: str) -> Reply:
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
        return Reply(error.status, self._type, body, {"x-amzn-ErrorType": error.code})

    def _body(self, shape: Shape, answer: JSON) -> bytes:
        return json.dumps(_renamed(shape, answer)).encode()


class RestXmlProtocol(RestProtocol):
    """REST with XML in the body: S3."""

    _type = "application/xml"

    def failure(self, error: AwsError, request_id: str) -> Reply:
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(error.code)}</Code>'
            f"<Message>{escape(error.message)}</Message><RequestId>{request_id}</RequestId>"
            f"<HostId>{request_id}</HostId></Error>"
        )
        return Reply(error.status, self._type, body.encode())

    def _body(self, shape: Shape, answer: JSON) -> bytes:
        inner = markup.members(shape, answer)
        if not inner:
            return b""
        root = str(shape.serialization.get("name", shape.name))
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}</{root}>'.encode()


def _route(model: ServiceModel, name: str) -> _Route:
    http = model.operation_model(name).http
    path, _, query = str(http["requestUri"]).partition("?")
    labels: list[str] = []

    def label(found: re.Match[str]) -> str:
        labels.append(found[1])
        return "(.+)" if found[2] else "([^/]+)"

    pattern = re.sub(r"\{([^}+]+)(\+?)\}", label, path)
    literal = frozenset(urllib.parse.parse_qsl(query, keep_blank_values=True))
    return _Route(name, str(http["method"]), re.compile(pattern), tuple(labels), literal)


def _header(shape: Shape, value: str, *, where: str) -> Any:
    if isinstance(shape, ListShape):
        return [text.read(shape.member, one.strip(), where=where) for one in value.split(",")]
    return text.read(shape, value, where=where)


def _renamed(shape: Shape, value: Any) -> Any:
    """The value with the names that the wire has, without what is not in the body."""
    if isinstance(shape, StructureShape):
        return {
            str(inner.serialization.get("name", name)): _renamed(inner, value[name])
            for name, inner in shape.members.items()
            if value.get(name) is not None and not inner.serialization.get("location")
        }
    if isinstance(shape, ListShape):
        return [_renamed(shape.member, one) for one in value]
    return value
