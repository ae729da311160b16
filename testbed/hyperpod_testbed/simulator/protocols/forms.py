"""Forms in, XML out: the query protocol, and EC2's dialect of it.

Values come as text and leave as the types of the model, so that a request can be held to it like any other. The
dialects differ in the names of members, in how a list is numbered, and in what is around an answer.
"""

import urllib.parse
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.protocols import markup, text
from hyperpod_testbed.simulator.state import JSON
from hyperpod_testbed.simulator.wire import Reply, Request

_PROTOCOL = {"Action", "Version"}


class QueryProtocol:
    """The query protocol of IAM and STS."""

    def __init__(self, model: Callable[[], ServiceModel]) -> None:
        self._model = model

    def operation(self, request: Request) -> str:
        return urllib.parse.parse_qs(request.body.decode(errors="replace")).get("Action", [""])[0]

    def parameters(self, name: str, request: Request) -> JSON:
        shape = self._model().operation_model(name).input_shape
        found: JSON = self._typed(shape, _tree(request.body), "") if shape else {}
        return found

    def success(self, name: str, answer: JSON, request_id: str) -> Reply:
        shape = self._model().operation_model(name).output_shape
        inner = ""
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
            inner = f"<{wrapper}>{markup.members(shape, answer)}</{wrapper}>"
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        body = f'<{name}Response xmlns="{self._namespace()}">{inner}{metadata}</{name}Response>'
        return Reply(200, "text/xml", body.encode())

    def failure(self, error: AwsError, request_id: str) -> Reply:
        kind = "Receiver" if error.status >= 500 else "Sender"
        body = (
            f'<ErrorResponse xmlns="{self._namespace()}"><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>'
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Reply(error.status, "text/xml", body.encode())

    def _namespace(self) -> str:
        return str(self._model().metadata["xmlNamespace"])

    def _name(self, name: str, shape: Shape) -> str:
        """The name of a member in a form."""
        return str(shape.serialization.get("name", name))

    def _numbered(self, shape: ListShape, value: Any, /) -> Any:
        """The numbered items of a list in a form: below `member`, unless it is flat."""
        if shape.serialization.get("flattened") or not isinstance(value, dict):
            return value
        inner = str(shape.member.serialization.get("name", "member"))
        return value.get(inner, {}) if not value or set(value) == {inner} else value

    def _typed(self, shape: Shape, value: Any, path: str) -> Any:
        if isinstance(shape, StructureShape):
            return self._structure(shape, value, path)
        if isinstance(shape, ListShape):
            return [
                self._typed(shape.member, one, f"{path}.{at}") for at, one in _items(self._numbered(shape, value), path)
            ]
        if isinstance(shape, MapShape):
            pairs = [one for _, one in _items(value.get("entry", {}) if isinstance(value, dict) else value, path)]
            return {one.get("key", ""): self._typed(shape.value, one.get("value", ""), path) for one in pairs}
        if isinstance(value, dict):
            raise AwsError("UnknownParameter", f"The parameter {path}.{next(iter(value))} is not recognized")
        return text.read(shape, value, where=path)

    def _structure(self, shape: StructureShape, value: Any, path: str) -> JSON:
        if not isinstance(value, dict):
            raise AwsError("InvalidParameterValue", f"Value ({value}) for parameter {path} is invalid: it has members")
        members = {self._name(name, inner): (name, inner) for name, inner in shape.members.items()}
        found: JSON = {}
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            if key not in members:
                raise AwsError("UnknownParameter", f"The parameter {where} is not recognized")
            name, inner = members[key]
            found[name] = self._typed(inner, item, where)
        return found


class Ec2Protocol(QueryProtocol):
    """EC2's dialect: lists are flat, names have a capital, errors come in a list."""

    def success(self, name: str, answer: JSON, request_id: str) -> Reply:
        """An answer; operations without an output say `return`."""
        shape = self._model().operation_model(name).output_shape
        inner = markup.members(shape, answer, item="item") if shape else "<return>true</return>"
        body = (
            f'<{name}Response xmlns="{self._namespace()}"><requestId>{request_id}</requestId>{inner}</{name}Response>'
        )
        return Reply(200, "text/xml;charset=UTF-8", body.encode())

    def failure(self, error: AwsError, request_id: str) -> Reply:
        body = (
            f"<Response><Errors><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
            f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
        return Reply(error.status, "text/xml;charset=UTF-8", body.encode())

    def _namespace(self) -> str:
        return f"{super()._namespace()}/"

    def _name(self, name: str, shape: Shape) -> str:
        """Its own `queryName`, or its location name with a capital."""
        if "queryName" in shape.serialization:
            return str(shape.serialization["queryName"])
        given = str(shape.serialization.get("name", name))
        return given[:1].upper() + given[1:]

    def _numbered(self, _shape: ListShape, value: Any) -> Any:
        return value


def _tree(body: bytes) -> JSON:
    tree: dict[str, Any] = {}
    for key, value in urllib.parse.parse_qsl(body.decode(errors="replace"), keep_blank_values=True):
        if key in _PROTOCOL:
            continue
        *path, last = key.split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise AwsError("UnknownParameter", f"The parameter {key} is not recognized")
        place[last] = value
    return tree


def _items(value: Any, path: str) -> list[tuple[str, Any]]:
    if value == "":
        return []  # An empty list.
    if not isinstance(value, dict):
        raise AwsError("InvalidParameterValue", f"Value ({value}) for parameter {path} is invalid: it is a list")
    try:
        numbers = sorted(value, key=int)
    except ValueError:
        raise AwsError("UnknownParameter", f"The parameter {path} has an index that is no number") from None
    return [(number, value[number]) for number in numbers]
