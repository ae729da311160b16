"""Conditions that every kind sets, with the words of the kind in them."""

from hyperpod_operator.api.kinds.kind import ConditionRow
from hyperpod_operator.api.names import ConditionType


def summary(*, ready: str) -> tuple[ConditionRow, ...]:
    """Ready, Reconciling, Stalled and Paused; `ready` says what Ready means for the kind."""
    return (
        ConditionRow(
            type=ConditionType.READY,
            true=ready,
            false="Not yet, or not any more; the reason and message say why. `Unknown`: AWS could not be asked.",
        ),
        ConditionRow(
            type=ConditionType.RECONCILING,
            true="Something is under way; nobody has to act.",
            false="(absent)",
        ),
        ConditionRow(
            type=ConditionType.STALLED,
            true="A person has to act; the message says what to do.",
            false="(absent)",
        ),
        ConditionRow(
            type=ConditionType.PAUSED,
            true="`spec.management.paused` is set: AWS is observed and not changed.",
            false="(absent)",
        ),
    )
