"""Times on the command line, as kubectl takes them."""

import re

import click

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_WHOLE = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?[hms])+")
_PART = re.compile(r"([0-9.]+)([hms])")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
SPELLED = "A number of seconds, or 30s, 40m, 1h30m."


def duration(value: str) -> float:
    """Seconds, from a plain number or kubectl's spelling; never negative."""
    if _WHOLE.fullmatch(value):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    if _NUMBER.fullmatch(value):
        return float(value)
    raise click.BadParameter(f"{value!r} is no time. {SPELLED}")
