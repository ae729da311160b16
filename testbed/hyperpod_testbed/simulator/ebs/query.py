"""The EC2 query protocol: a form comes in, XML goes out, both as the service model spells every member.

Values come as text and leave as the types of the model, so that a request can be held to it like any other.
"""

import datetime
import functools
import urllib.parse
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.state import JSON
from hyperpod_testbed.simulator.wire import Reply

VERSION = "2016-11-15"
NAMESPACE = f"http://ec2.amazonaws.com/doc/{VERSION}/"
_PROTOCOL = {"Action", "Version"}

_EC2_WORDS = {
    "ExpiredTokenException": ("RequestExpired", 400),
    "AccessDeniedException": ("UnauthorizedOperation", 403),
    "ThrottlingException": ("RequestLimitExceeded", 503),
    "TooManyRequestsException": ("RequestLimitExceeded", 503),
    "InternalFailure": ("InternalError", 500),
    "ValidationException": ("InvalidParameterValue", 400),
    "UnknownOperationException": ("InvalidAction", 400),
    "MissingAuthenticationToken": ("AuthFailure", 401),
    "IncompleteSignature": ("AuthFailure", 401),
}
"""EC2 has names of its own for the errors that every service knows (EC2 API reference, error codes)."""


@functools.cache
def model() -> ServiceModel:
    """The service model `ec2/2016-11-15` of the botocore that is installed."""
    return botocore.session.Session().get_service_model("ec2", api_version=VERSION)


def action(body: bytes) -> str:
    """The operation a request names."""
    return urllib.parse.parse_qs(body.decode(errors="replace")).get("Action", [""])[0]


def parameters(name: str, body: bytes) -> JSON:
    """The parameters of a request as the model types them."""
    pairs = urllib.parse.parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    tree: dict[str, Any] = {}
    for key, text in pairs:
        if key in _PROTOCOL:
            continue
        *path, last = key.split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise AwsError("UnknownParameter", f"The parameter {key} is not recognized")
        place[last] = text
    shape = model().operation_model(name).input_shape
    found: JSON = _typed(shape, tree, "") if shape else {}
    return found


def success(name: str, answer: JSON, *, request_id: str) -> Reply:
    """An answer; operations without an output say `return`."""
    shape = model().operation_model(name).output_shape
    inner = _members(shape, answer) if shape else "<return>true</return>"
    text = f'<{name}Response xmlns="{NAMESPACE}"><requestId>{request_id}</requestId>{inner}</{name}Response>'
    return Reply(200, "text/xml;charset=UTF-8", text.encode())


def failure(error: AwsError, *, request_id: str) -> Reply:
    """An error in EC2's own shape."""
    text = (
        f"<Response><Errors><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"</Errors><RequestID>{request_id}</RequestID></Response>"
    )
    return Reply(error.status, "text/xml;charset=UTF-8", text.encode())


def in_ec2_words(error: AwsError) -> AwsError:
    """The same failure as EC2 names it."""
    code, status = _EC2_WORDS.get(error.code, (error.code, error.status))
    message = {"RequestExpired": "Request has expired.", "RequestLimitExceeded": "Request limit exceeded."}.get(code)
    if code == "UnauthorizedOperation":
        message = f"You are not authorized to perform this operation. {error.message}"
    return AwsError(code, message or error.message, status=status)


def refusal(problems: list[str]) -> AwsError:
    """A request that the model forbids, as EC2 refuses it: the first problem only."""
    first = problems[0]
    code = "InvalidParameterValue"
    if "must not be null" in first:
        code = "MissingParameter"
    elif "is not known" in first:
        code = "UnknownParameter"
    elif "at 'instanceTypes." in first:
        code = "InvalidInstanceType"
    return AwsError(code, first)


def _query_name(name: str, shape: Shape) -> str:
    """The name of a member in a form: its own `queryName`, or its location name with a capital."""
    if "queryName" in shape.serialization:
        return str(shape.serialization["queryName"])
    given = str(shape.serialization.get("name", name))
    return given[:1].upper() + given[1:]


def _typed(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, value, path)
    if isinstance(shape, ListShape):
        if not isinstance(value, dict):
            raise AwsError("InvalidParameterValue", f"Value ({value}) for parameter {path} is invalid: it is a list")
        try:
            numbers = sorted(value, key=int)
        except ValueError:
            raise AwsError("UnknownParameter", f"The parameter {path} has an index that is no number") from None
        return [_typed(shape.member, value[number], f"{path}.{number}") for number in numbers]
    if isinstance(value, dict):
        raise AwsError("UnknownParameter", f"The parameter {path}.{next(iter(value))} is not recognized")
    convert = _FROM_TEXT.get(shape.type_name, str)
    try:
        return convert(value)
    except (ValueError, KeyError):
        wanted = f"a value of type {shape.type_name}"
        raise AwsError(
            "InvalidParameterValue", f"Value ({value}) for parameter {path} is invalid: {wanted} is wanted"
        ) from None


def _structure(shape: StructureShape, value: Any, path: str) -> JSON:
    if not isinstance(value, dict):
        raise AwsError("InvalidParameterValue", f"Value ({value}) for parameter {path} is invalid: it has members")
    members = {_query_name(name, inner): (name, inner) for name, inner in shape.members.items()}
    found: JSON = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        if key not in members:
            raise AwsError("UnknownParameter", f"The parameter {where} is not recognized")
        name, inner = members[key]
        found[name] = _typed(inner, item, where)
    return found


def _members(shape: Shape, value: JSON) -> str:
    parts = []
    for name, item in value.items():
        if item is None:
            continue
        inner = shape.members[name]
        tag = inner.serialization.get("name", name)
        parts.append(f"<{tag}>{_text(inner, item)}</{tag}>")
    return "".join(parts)


def _text(shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        return _members(shape, value)
    if isinstance(shape, ListShape):
        tag = shape.member.serialization.get("name", "item")
        return "".join(f"<{tag}>{_text(shape.member, item)}</{tag}>" for item in value)
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name == "timestamp":
        moment = datetime.datetime.fromtimestamp(float(value), datetime.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    return escape(str(value))


def _seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
    "timestamp": _seconds,
}
