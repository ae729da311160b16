"""With which access key AWS is called.

Credentials are refreshed while the process runs, and the new ones may be another role's, even another account's: an
association of EKS Pod Identity can be changed without a new pod. Every refresh brings another access key, and each
request names the one that signed it ("Signature Version 4", header Authorization).
"""

import time
from functools import partial
from typing import Any


class SigningKeys:
    """The access keys of the last requests, of all clients that are followed. Threads may call at once."""

    def __init__(self) -> None:
        self.newest = ""
        """Empty before the first request, and where requests are not signed with a key."""
        self.sent_at = 0.0
        """When the last request left, on the monotonic clock."""
        self._of_service: dict[str, str] = {}

    def of(self, service: str) -> str:
        """The key of the last request to a service."""
        return self._of_service.get(service, "")

    def follow(self, client: Any, *, service: str) -> None:
        """Look at each request of this botocore client as it leaves."""
        client.meta.events.register("before-send", partial(self._sent, service))

    def _sent(self, service: str, /, *, request: Any, **_: Any) -> None:
        """Returns nothing: an answer would be taken for AWS's."""
        header = request.headers.get("Authorization") or ""
        text = header.decode("latin-1") if isinstance(header, bytes) else header
        key = text.partition("Credential=")[2].partition("/")[0]
        if key:
            self.newest = self._of_service[service] = key
            self.sent_at = time.monotonic()
