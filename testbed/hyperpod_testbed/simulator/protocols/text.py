"""Scalars as text: in forms, paths, query strings, headers and XML."""

import base64
import datetime
import email.utils
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import Shape

from hyperpod_testbed.simulator.errors import AwsError


def read(shape: Shape, text: str, *, where: str) -> Any:
    """The value that a text stands for, by the model's type."""
    convert = _FROM_TEXT.get(shape.type_name, str)
    try:
        return convert(text)
    except (ValueError, KeyError):
        wanted = f"a value of type {shape.type_name}"
        raise AwsError(
            "InvalidParameterValue", f"Value ({text}) for parameter {where} is invalid: {wanted} is wanted"
        ) from None


def write(shape: Shape, value: Any, *, time_format: str = "iso8601") -> str:
    """A value as text; times in the format that the model names, or else in that of the place they stand in."""
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    if shape.type_name == "timestamp":
        return _TIMES[str(shape.serialization.get("timestampFormat", time_format))](float(value))
    return str(value)


def _iso(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _seconds(text: str) -> float:
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return email.utils.parsedate_to_datetime(text).timestamp()


_TIMES: Mapping[str, Callable[[float], str]] = {
    "iso8601": _iso,
    "rfc822": lambda seconds: email.utils.formatdate(seconds, usegmt=True),
    "unixTimestamp": lambda seconds: f"{seconds:.3f}",
}
_FROM_TEXT: Mapping[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
    "timestamp": _seconds,
    "blob": base64.b64decode,
}
