"""Who asked the API server for what: its audit log, as flags that turn it on and requests that can be compared.

Rights that are granted and never used, and rights that are used and refused, are both read from it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request for a resource, as RBAC sees it. `namespace` and `name` are empty where there is none."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    code: int


class AuditLog:
    """The audit log of one control plane: give `flags` to kube-apiserver, then ask for `requests`."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "audit.log"
        self._policy = directory / "audit-policy.yaml"
        self._policy.write_text(_POLICY)

    @property
    def flags(self) -> tuple[str, ...]:
        return (
            f"--audit-policy-file={self._policy}",
            f"--audit-log-path={self._log}",
            "--audit-log-mode=blocking",  # a request that was answered is in the log
        )

    def requests(self, user: str) -> Iterator[Request]:
        """What this user asked for. A watch is there twice: when it begins and when it ends."""
        with self._log.open() as lines:
            for line in lines:
                event = json.loads(line)
                reference = event.get("objectRef")
                if event["user"].get("username") != user or not reference:
                    continue
                subresource = reference.get("subresource")
                yield Request(
                    verb=event["verb"],
                    group=reference.get("apiGroup", ""),
                    resource=reference["resource"] + (f"/{subresource}" if subresource else ""),
                    namespace=reference.get("namespace", ""),
                    name=reference.get("name", ""),
                    code=event.get("responseStatus", {}).get("code", 0),
                )
