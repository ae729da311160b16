"""A request and a reply as HTTP has them, who signed the request, and answers that are none of AWS's.

Every request carries the access key, the region and the service in the credential scope of its signature.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hyperpod_testbed.simulator.errors import AwsError, BodyError

JSON_TYPE = "application/x-amz-json-1.1"
_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


@dataclass(frozen=True)
class Caller:
    """Who calls, and where."""

    access_key: str
    region: str
    service: str


@dataclass(frozen=True)
class Request:
    """An HTTP request."""

    method: str
    path: str
    """As it came, with its percent signs."""
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def sent(self, *, request_id: str) -> dict[str, str]:
        """The headers as they go out."""
        return {"Content-Type": self.content_type, "x-amzn-RequestId": request_id, **self.headers}


def caller(headers: Mapping[str, str]) -> Caller:
    """The caller by the Authorization header; the signature itself is not checked."""
    authorization = headers.get("Authorization")
    if not authorization:
        raise AwsError("MissingAuthenticationToken", "Missing Authentication Token", status=403)
    found = _CREDENTIAL.match(authorization)
    if not found:
        raise AwsError("IncompleteSignature", "Authorization header requires 'Credential' parameter.", status=400)
    return Caller(access_key=found[1], region=found[3], service=found[4])


def signed_for(headers: Mapping[str, str]) -> str:
    """The service that a request is signed for; empty where nothing says so."""
    found = _CREDENTIAL.match(headers.get("Authorization") or "")
    return found[4] if found else ""


def unknown_operation() -> AwsError:
    """The answer to an operation that the service, or this simulator, does not have."""
    return AwsError("UnknownOperationException", "The requested operation is not known.")


HTML = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>proxy</body></html>"


def strange(kind: str, *, status: int, message: str) -> BodyError:
    """An answer as something between the caller and AWS gives it."""
    if kind == "html":
        return BodyError(status, "text/html", HTML)
    if kind == "empty":
        return BodyError(status, JSON_TYPE, b"")
    return BodyError(status, JSON_TYPE, json.dumps({"message": message}).encode())
