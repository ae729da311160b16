"""Pages of a list, with tokens that only their own request may use.

A token carries where the page ends and a digest of the request that got it: one that was changed, or that comes with
other filters, is refused with ValidationException as AWS does.
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from hyperpod_testbed.simulator.errors import validation
from hyperpod_testbed.simulator.state import JSON

_SECRET = b"hyperpod-testbed"
"""Signs tokens against accidents; there is no one to keep out."""


def page(items: list[Any], request: JSON, *, operation: str, default_size: int) -> tuple[list[Any], str | None]:
    """The items of the page that the request asks for, and the token of the next one."""
    size = int(request.get("MaxResults") or default_size)
    start = _position(request, operation=operation)
    chosen = items[start : start + size]
    end = start + size
    return chosen, _token(end, request, operation=operation) if end < len(items) else None


def answer(name: str, items: list[Any], token: str | None) -> JSON:
    """A list output."""
    return {name: items, "NextToken": token} if token else {name: items}


def _position(request: JSON, *, operation: str) -> int:
    token = request.get("NextToken")
    if not token:
        return 0
    try:
        position, signature = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error):
        raise validation("The provided NextToken is not valid.") from None
    expected = _signature(position, request, operation=operation)
    if not isinstance(position, int) or not hmac.compare_digest(str(signature), expected):
        raise validation("The provided NextToken is not valid for this request.")
    return position


def _token(position: int, request: JSON, *, operation: str) -> str:
    content = json.dumps([position, _signature(position, request, operation=operation)])
    return base64.urlsafe_b64encode(content.encode()).decode()


def _signature(position: object, request: JSON, *, operation: str) -> str:
    asked = {name: value for name, value in request.items() if name not in {"NextToken", "MaxResults"}}
    content = json.dumps([operation, position, asked], sort_keys=True)
    return hmac.new(_SECRET, content.encode(), hashlib.sha256).hexdigest()[:32]
