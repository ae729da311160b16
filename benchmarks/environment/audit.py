"""Every write of the operator, from the API server's own audit log.

The audit log is the most trustworthy witness: the server writes a line for each request before it is done with it,
with the user, the verb and the object, so nothing is inferred. The alternatives say less. The server's metrics have
no user, so the writes of the simulator, of this process and of the server itself would have to be subtracted. A
resourceVersion moves with any write of anybody, and not at all with one that changes nothing. The operator has a
user of its own here, and reads are not logged, unless lists are asked for: the log costs next to nothing.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.environment.faults import BenchmarkError

PATIENCE = 300.0
USER = "hyperpod-operator"
LIST = "list"

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    verbs: [{unlogged}]
  - level: Metadata
    users: [{user}]
  - level: None
"""

_QUESTIONS = frozenset({"authorization.k8s.io", "authentication.k8s.io"})
"""Groups whose objects are only posted to be answered; nothing is stored."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request of the operator, whatever the answer was."""

    verb: str
    resource: str
    """With its subresource, such as `hyperpodclusters/status`."""
    name: str
    code: int
    at: float
    """Wall-clock time of its arrival."""


class AuditLog:
    """The files behind the API server's audit flags, and how to read them. `lists` has lists logged, too."""

    def __init__(self, directory: Path, *, lists: bool = False) -> None:
        self._policy, self._log = directory / "audit-policy.yaml", directory / "audit.log"
        unlogged = ("get", "watch") if lists else ("get", "list", "watch")
        self._policy.write_text(POLICY.format(unlogged=", ".join(unlogged), user=USER))

    @property
    def flags(self) -> tuple[str, ...]:
        """For kube-apiserver. The log is written in step with the requests: nothing is buffered or dropped."""
        return (
            f"--audit-policy-file={self._policy}",
            f"--audit-log-path={self._log}",
            "--audit-log-mode=blocking-strict",
        )

    def position(self) -> int:
        """The end of the log: the `since` of what comes."""
        return self._log.stat().st_size if self._log.exists() else 0

    def writes(self, *, since: int = 0) -> list[Request]:
        """The operator's writes from a position on, without its Lease."""
        return [one for one in self._all(since) if one.resource != "leases" and one.verb != LIST]

    def requests(self, *, since: int = 0) -> list[Request]:
        """All that is logged of the operator from a position on."""
        return self._all(since)

    def last_writes(self, *, since: int, calm: float) -> list[Request]:
        """The writes once no more came for `calm` seconds. Raises BenchmarkError when they do not end."""
        deadline = time.monotonic() + PATIENCE
        found = self.writes(since=since)
        while time.monotonic() < deadline:
            time.sleep(calm)
            before, found = found, self.writes(since=since)
            if len(found) == len(before):
                return found
        raise BenchmarkError(f"the operator still writes {PATIENCE:.0f} s after its work was done: {found[-1]}")

    def lease_writes(self, *, since: int = 0) -> list[Request]:
        return [one for one in self._all(since) if one.resource == "leases" and one.verb != LIST]

    def _all(self, since: int) -> list[Request]:
        if not self._log.exists():
            return []
        with self._log.open("rb") as log:
            log.seek(since)
            lines = [json.loads(line) for line in log if line.endswith(b"\n")]
        return [request(line) for line in lines if line.get("objectRef", {}).get("apiGroup") not in _QUESTIONS]


def request(line: dict[str, Any]) -> Request:
    """A line of the log."""
    about = line.get("objectRef", {})
    resource = about.get("resource", "")
    below = about.get("subresource")
    return Request(
        verb=str(line["verb"]),
        resource=f"{resource}/{below}" if below else resource,
        name=about.get("name", ""),
        code=int(line.get("responseStatus", {}).get("code", 0)),
        at=datetime.fromisoformat(line["requestReceivedTimestamp"]).timestamp(),
    )
