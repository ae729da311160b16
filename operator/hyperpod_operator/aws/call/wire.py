"""The last moment before a changing call leaves for AWS.

botocore's own last word, `before-send`, comes before the name is resolved and the connection made, which takes up to
seconds. So the body asks: it is taken when the connection stands and the headers are out, and a request that lacks its
body is none. In `before-sign`, which comes with each attempt, a request may be changed, and its body may be a file-like
object (botocore, `RequestSigner`, `AWSRequestPreparer`).
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSRequest


def ask_before_sending(client: Any, check: Callable[[], None]) -> None:
    """Call `check`, in the sending thread, before each request of this botocore client leaves; it raises to stop it."""
    client.meta.events.register("before-sign", partial(_hold, check))


def _hold(check: Callable[[], None], *, request: AWSRequest, **_: Any) -> None:
    if request.body:
        request.data = _Body(request.body, check=check)
    else:
        check()  # Nothing of it comes later than its headers.


class _Body(BytesIO):
    """Asks before it gives anything away: to who signs it, which does no harm, and to the connection."""

    def __init__(self, content: bytes, *, check: Callable[[], None]) -> None:
        super().__init__(content)
        self._check = check

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        if part:  # After its end all of it is sent, and there is nothing left to stop.
            self._check()
        return part
