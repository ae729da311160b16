"""How long ago, as kubectl writes it."""

from datetime import datetime

from hyperpod_operator.core.moments import parse_time

MINUTE, HOUR, DAY = 60, 3600, 86_400


def age(stamped: str, now: datetime) -> str:
    """`5m12s`, `3h`, `12d`; empty for a time that cannot be read."""
    moment = parse_time(stamped)
    if moment is None:
        return ""
    return length(int((now - moment).total_seconds()))


def length(seconds: int) -> str:
    """Two units where the larger one is small."""
    seconds = max(0, seconds)
    for unit, letter, below, smaller in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "m"), (MINUTE, "m", 1, "s")):
        if seconds >= unit:
            whole, rest = divmod(seconds, unit)
            return f"{whole}{letter}{rest // below}{smaller}" if whole < 10 and rest // below else f"{whole}{letter}"
    return f"{seconds}s"
