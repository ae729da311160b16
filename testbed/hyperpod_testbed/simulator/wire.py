"""The wire: JSON 1.1 of SageMaker and the query protocol of STS, as boto3 speaks them.

A SageMaker request names its operation in `X-Amz-Target`, an STS request in a form; both carry the access key and the
region in the credential scope of their signature.
"""

import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from hyperpod_testbed.simulator.errors import AwsError, BodyError
from hyperpod_testbed.simulator.state import JSON

JSON_TYPE = "application/x-amz-json-1.1"
_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"


@dataclass(frozen=True)
class Caller:
    """Who calls, and where."""

    access_key: str
    region: str
    service: str


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes


def caller(headers: Mapping[str, str]) -> Caller:
    """The caller by the Authorization header; the signature itself is not checked."""
    authorization = headers.get("Authorization")
    if not authorization:
        raise AwsError("MissingAuthenticationToken", "Missing Authentication Token", status=403)
    found = _CREDENTIAL.match(authorization)
    if not found:
        raise AwsError("IncompleteSignature", "Authorization header requires 'Credential' parameter.", status=400)
    return Caller(access_key=found[1], region=found[3], service=found[4])


def is_query(headers: Mapping[str, str]) -> bool:
    """Whether a request speaks the query protocol."""
    return headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")


def operation(headers: Mapping[str, str]) -> str:
    """The SageMaker operation a request names."""
    prefix, _, name = headers.get("X-Amz-Target", "").partition(".")
    if prefix != "SageMaker" or not name:
        raise unknown_operation()
    return name


def sts_action(body: bytes) -> str:
    """The action of a query request."""
    return urllib.parse.parse_qs(body.decode(errors="replace")).get("Action", [""])[0]


def unknown_operation() -> AwsError:
    """The answer to an operation that the service, or this simulator, does not have."""
    return AwsError("UnknownOperationException", "The requested operation is not known.")


def parameters(body: bytes) -> JSON:
    """The parameters of a JSON request."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        raise AwsError("SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise AwsError("SerializationException", "The request body must be a JSON object.")
    return found


def success(answer: JSON) -> Reply:
    """A JSON answer."""
    return Reply(200, JSON_TYPE, json.dumps(answer).encode())


def failure(error: AwsError) -> Reply:
    """An error of the JSON protocol; both spellings of the message, as services send either."""
    body = {"__type": error.code, "message": error.message, "Message": error.message}
    return Reply(error.status, JSON_TYPE, json.dumps(body).encode())


HTML = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>proxy</body></html>"


def strange(kind: str, *, status: int, message: str) -> BodyError:
    """An answer as something between the caller and AWS gives it."""
    if kind == "html":
        return BodyError(status, "text/html", HTML)
    if kind == "empty":
        return BodyError(status, JSON_TYPE, b"")
    return BodyError(status, JSON_TYPE, json.dumps({"message": message}).encode())


def identity(*, account: str, arn: str, request_id: str) -> Reply:
    """The answer of GetCallerIdentity."""
    text = (
        f'<GetCallerIdentityResponse xmlns="{_STS}"><GetCallerIdentityResult>'
        f"<Arn>{escape(arn)}</Arn><UserId>AROATESTBED:session</UserId><Account>{account}</Account>"
        f"</GetCallerIdentityResult><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )
    return Reply(200, "text/xml", text.encode())


def sts_failure(error: AwsError, *, request_id: str) -> Reply:
    """An error of the query protocol. STS drops the suffix of ExpiredTokenException."""
    code = "ExpiredToken" if error.code == "ExpiredTokenException" else error.code
    text = (
        f'<ErrorResponse xmlns="{_STS}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Reply(error.status, "text/xml", text.encode())
