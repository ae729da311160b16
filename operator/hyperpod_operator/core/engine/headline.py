"""What a row of `kubectl get` shows of a status: who has to act, and the message of Ready short enough for a screen."""

from collections.abc import Mapping
from typing import Any

from hyperpod_operator.api.conditions import Condition
from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.api.reasons import Actor, record
from hyperpod_operator.core.text import shortened

LINE = 100
"""Characters of the short message."""
LEAST = 40
"""Characters that a message cut at the end of a sentence must still have; a shorter one is cut in the middle."""
ACTOR, SHORT_MESSAGE = "actor", "shortMessage"


def headline(conditions: list[Condition]) -> Mapping[str, Any]:
    """Members of a status; empty before there is a condition Ready."""
    found = {condition.type: condition for condition in conditions}
    ready = found.get(ConditionType.READY)
    if ready is None:
        return {}
    return {ACTOR: str(actor(found)), SHORT_MESSAGE: short(ready.message)}


def actor(found: Mapping[str, Condition]) -> Actor:
    """You when the object is Stalled; else whom the reason's record names; a reason of another release asks nothing."""
    stalled = found.get(ConditionType.STALLED)
    if stalled is not None and stalled.status == "True":
        return Actor.YOU
    known = record(found[ConditionType.READY].reason)
    return known.actor if known is not None else Actor.NOBODY


def short(message: str) -> str:
    """At most LINE characters: whole sentences where they say enough, else without the middle."""
    if len(message) <= LINE:
        return message
    end = message.rfind(". ", LEAST, LINE - 1)
    return f"{message[: end + 1]} …" if end > 0 else shortened(message, LINE)
