"""Timestamps of AWS's answers. botocore guesses the format of each, and EC2 writes hundreds in a list, all alike."""

import re
from datetime import UTC, datetime

from botocore.session import Session
from botocore.utils import parse_timestamp

_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)Z")
"""ISO 8601 in UTC, as in EC2's and STS's answers."""


def timestamp(value: str | float) -> datetime:
    """The moment that botocore makes of it. Raises ValueError for what is none."""
    found = _ISO.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        moment: datetime = parse_timestamp(value)
        return moment
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)


def read_timestamps_fast(session: Session) -> None:
    """For all clients of the session that are made from now on."""
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=timestamp)
