"""What becomes of the audit trail when a write to the API server ends in one way or another."""

import asyncio

import pytest

from hyperpod_operator.core.audit import AuditRecord, kubernetes_answer, recording
from hyperpod_operator.core.ports import Key, KubernetesError, ObjectGone, StaleObject


class Trail:
    def __init__(self) -> None:
        self.records: list[AuditRecord] = []

    def record(self, entry: AuditRecord) -> None:
        self.records.append(entry)


def entry(*, failed: KubernetesError | None) -> AuditRecord:
    outcome, code, error = kubernetes_answer(failed)
    return AuditRecord(kind="K", key=Key("a", "b"), call="PatchNode", outcome=outcome, code=code, error=error)


def test_a_write_that_was_taken_is_recorded_so() -> None:
    trail = Trail()
    with recording(trail, entry):
        pass
    assert [(one.outcome, one.code) for one in trail.records] == [("Accepted", "OK")]


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (KubernetesError(status=403, message="no"), [("Rejected", "403")]),
        (KubernetesError(status=0, message="away"), [("Unanswered", "0")]),
        # The pass was cut off while the request was under way: it may be carried out.
        (asyncio.CancelledError(), [("Unanswered", "0")]),
        (StaleObject("another version"), []),
        (ObjectGone("gone"), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_write_that_was_not_is_recorded_as_what_it_is_and_ends_as_it_did(
    ended: BaseException, expected: list[tuple[str, str]]
) -> None:
    trail = Trail()
    with pytest.raises(type(ended)) as caught, recording(trail, entry):
        raise ended
    assert caught.value is ended
    assert [(one.outcome, one.code) for one in trail.records] == expected
