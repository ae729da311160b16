"""What a row of `kubectl get` shows of a status: who has to act, and the message of Ready short enough for a screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.core.explain.acting import Stated, turn
from hyperpod_operator.core.text import shortened

LINE = 100
"""Characters of the short message."""
LEAST = 40
"""Characters that a message cut at the end of a sentence must still have; a shorter one is cut in the middle."""
ACTOR, SHORT_MESSAGE = "actor", "shortMessage"


def headline(conditions: Sequence[Condition], *, deleted: bool = False) -> Mapping[str, Any]:
    """Members of a status; empty before there is a condition Ready. `deleted`: the object is being deleted."""
    ready = next((one for one in conditions if one.type == ConditionType.READY), None)
    if ready is None:
        return {}
    whose = turn((Stated(one.type, one.status, one.reason) for one in conditions), deleted=deleted)
    return {ACTOR: str(whose.actor), SHORT_MESSAGE: short(ready.message)}


def short(message: str) -> str:
    """At most LINE characters: whole sentences where they say enough, else without the middle."""
    if len(message) <= LINE:
        return message
    end = message.rfind(". ", LEAST, LINE - 1)
    return f"{message[: end + 1]} …" if end > 0 else shortened(message, LINE)
