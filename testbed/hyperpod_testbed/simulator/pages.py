"""Pages of a list, with tokens that only their own request may use.

A token carries where the page ends and a digest of the request that got it: one that was changed, or that comes with
other filters, is refused as the service does.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.state import JSON

_SECRET = b"hyperpod-testbed"
"""Signs tokens against accidents; there is no one to keep out."""


@dataclass(frozen=True)
class Style:
    """What a service calls the size of a page and the token."""

    size: str = "MaxResults"
    token: str = "NextToken"


AWS = Style()


def page(
    items: list[Any],
    request: JSON,
    *,
    operation: str,
    default_size: int,
    style: Style = AWS,
    most: int | None = None,
) -> tuple[list[Any], str | None]:
    """The items of the page that the request asks for, `most` of them, and the token of the next one."""
    size = min(int(request.get(style.size) or default_size), most or len(items) or 1)
    start = _position(request, operation=operation, style=style)
    chosen = items[start : start + size]
    end = start + size
    return chosen, _token(end, request, operation=operation, style=style) if end < len(items) else None


def answer(name: str, items: list[Any], token: str | None) -> JSON:
    """A list output."""
    return {name: items, "NextToken": token} if token else {name: items}


def _position(request: JSON, *, operation: str, style: Style) -> int:
    token = request.get(style.token)
    if not token:
        return 0
    try:
        position, signature = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error):
        raise AwsError("InvalidNextToken", f"The provided {style.token} is not valid.") from None
    expected = _signature(position, request, operation=operation, style=style)
    if not isinstance(position, int) or not hmac.compare_digest(str(signature), expected):
        raise AwsError("InvalidNextToken", f"The provided {style.token} is not valid for this request.")
    return position


def _token(position: int, request: JSON, *, operation: str, style: Style) -> str:
    content = json.dumps([position, _signature(position, request, operation=operation, style=style)])
    return base64.urlsafe_b64encode(content.encode()).decode()


def _signature(position: object, request: JSON, *, operation: str, style: Style) -> str:
    asked = {name: value for name, value in request.items() if name not in {style.token, style.size}}
    content = json.dumps([operation, position, asked], sort_keys=True)
    return hmac.new(_SECRET, content.encode(), hashlib.sha256).hexdigest()[:32]
