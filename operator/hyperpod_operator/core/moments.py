"""Moments as Kubernetes writes them, and back."""

from datetime import datetime


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime | None:
    """A stored timestamp, or None when somebody wrote nonsense there."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def seconds_since(text: str | None, *, now: datetime) -> float:
    """Seconds since a stored timestamp; infinite without one, or when it cannot be read."""
    moment = parse_time(text or "")
    return (now - moment).total_seconds() if moment else float("inf")
