"""What is recorded of a call that changes something in AWS or on a Node.

One record for each call, whatever came of it: who asked for it, what it was to change, why, and how it was answered.
`docs/observability.md` has the schema. The records go to a log stream of their own and, for clusters, in short into
`status.history`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from hyperpod_operator.core.ports import Key, KubernetesError

SCHEMA = "v1"
CHANGES_MOST = 50
"""Lines of changes that one record has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who asked for a call: the generation of the spec, the field manager that wrote it, who approved which plan."""

    generation: int = 0
    requested_by: str = ""
    approved_by: str = ""
    digest: str = ""


NOBODY = Requester()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """`kind`, `key` and `uid` are the resource for which the call is made; `target` is what the call is about.

    `concern`, `reason` and `message` say why, the last two in the words of the conditions. `outcome` is Accepted,
    Rejected or Unanswered; `code` is OK, AWS's error code, or the HTTP status of the API server, and `error` has the
    words that came with it.
    """

    kind: str
    key: Key
    call: str
    outcome: str
    uid: str = ""
    by: Requester = NOBODY
    effect: str = ""
    target: str = ""
    changes: tuple[str, ...] = ()
    concern: str = ""
    reason: str = ""
    message: str = ""
    code: str = "OK"
    request_id: str = ""
    error: str = ""

    def fields(self) -> Mapping[str, Any]:
        """The record as it is written, without what every log record has."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "uid": self.uid,
            "generation": self.by.generation,
            "requestedBy": self.by.requested_by,
            "approvedBy": self.by.approved_by,
            "digest": self.by.digest,
            "call": self.call,
            "effect": self.effect,
            "target": self.target,
            "changes": list(self.changes[:CHANGES_MOST]),
            "concern": self.concern,
            "reason": self.reason,
            "why": self.message,
            "outcome": self.outcome,
            "code": self.code,
            "requestId": self.request_id,
            "error": self.error,
        }


class Entry(Protocol):
    """The record of a write to the API server, given how it failed."""

    def __call__(self, *, failed: KubernetesError | None) -> AuditRecord: ...


class Audit(Protocol):
    """Takes the records. Never raises, never makes a pass wait."""

    def record(self, entry: AuditRecord) -> None: ...


def kubernetes_answer(failed: KubernetesError | None) -> tuple[str, str, str]:
    """Outcome, code and error of a write to the API server; None for one that it took."""
    if failed is None:
        return "Accepted", "OK", ""
    return "Rejected" if failed.status else "Unanswered", str(failed.status), str(failed)


@contextmanager
def recording(audit: Audit, entry: Entry) -> Iterator[None]:
    """Record the write to the API server that is made inside, whatever comes of it.

    What was decided on another version of the object, or on one that is gone, was no write. One whose pass ends
    meanwhile may be carried out.
    """
    try:
        yield
    except KubernetesError as error:
        audit.record(entry(failed=error))
        raise
    except Exception:
        raise
    except BaseException:  # the pass is cancelled
        unanswered = KubernetesError(status=0, message="The pass ended before the API server answered.")
        audit.record(entry(failed=unanswered))
        raise
    audit.record(entry(failed=None))


def lines(changes: Sequence[object]) -> tuple[str, ...]:
    """Changes as text, as many as a record has."""
    return tuple(str(change) for change in changes[:CHANGES_MOST])
