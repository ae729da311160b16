"""Conditions that every kind sets, with the words of the kind in them."""

from hyperpod_operator.api.kinds.kind import ConditionRow, News
from hyperpod_operator.api.names import ConditionType

PAUSED = "`spec.management.paused` is set: the operator observes AWS and changes nothing."


def summary(*, ready: str, ready_is_news: News = News.AT_FIRST, paused: str = PAUSED) -> tuple[ConditionRow, ...]:
    """Ready, Reconciling, Stalled and Paused; `ready` and `paused` say what these mean for the kind.

    A creation or an update that went well ends without an Event of its own: each is a write, the Event of the call
    says what was done, and the condition when.
    """
    return (
        ConditionRow(
            type=ConditionType.READY,
            true=ready,
            false="Not yet, or no longer; the reason and message say why. `Unknown`: the operator cannot read the state"
            " from AWS.",
            news=ready_is_news,
        ),
        ConditionRow(
            type=ConditionType.RECONCILING,
            true="Work is in progress; you need to do nothing.",
            false="(missing)",
            announced=False,  # it says what Ready says
        ),
        ConditionRow(
            type=ConditionType.STALLED,
            true="You need to act; the message says what to do.",
            false="(missing)",
            announced=False,  # it says what Ready says
        ),
        ConditionRow(
            type=ConditionType.PAUSED,
            true=paused,
            false="(missing)",
            news=News.ALWAYS,
        ),
    )
