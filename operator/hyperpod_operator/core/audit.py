"""What is recorded of a call that changes something in AWS or on a Node.

One record for each call, whatever came of it: who asked for it, what it was to change, why, and how it was answered.
`docs/observability.md` has the schema. The records go to a log stream of their own and, for clusters, in short into
`status.history`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hyperpod_operator.core.ports import Key

SCHEMA = "v1"
CHANGES_MOST = 50
"""Lines of changes that one record has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """`requested_by` is the field manager of the spec, `approved_by` who approved the plan, both empty if unknown.

    `reason` and `message` say why, in the words of the conditions. `outcome` is Accepted, Rejected or Unanswered;
    `code` is OK, AWS's error code, or the HTTP status of the API server.
    """

    kind: str
    key: Key
    call: str
    outcome: str
    uid: str = ""
    generation: int = 0
    requested_by: str = ""
    approved_by: str = ""
    digest: str = ""
    effect: str = ""
    target: str = ""
    changes: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""
    code: str = "OK"
    request_id: str = ""

    def fields(self) -> Mapping[str, Any]:
        """The record as it is written, without what every log record has."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "uid": self.uid,
            "generation": self.generation,
            "requestedBy": self.requested_by,
            "approvedBy": self.approved_by,
            "digest": self.digest,
            "call": self.call,
            "effect": self.effect,
            "target": self.target,
            "changes": list(self.changes[:CHANGES_MOST]),
            "reason": self.reason,
            "why": self.message,
            "outcome": self.outcome,
            "code": self.code,
            "requestId": self.request_id,
        }


class Audit(Protocol):
    """Takes the records. Never raises, never makes a pass wait."""

    def record(self, entry: AuditRecord) -> None: ...


def lines(changes: Sequence[object]) -> tuple[str, ...]:
    """Changes as text, as many as a record has."""
    return tuple(str(change) for change in changes[:CHANGES_MOST])
