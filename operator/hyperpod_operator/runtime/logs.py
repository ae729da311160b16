"""One record, one line, one set of keys: time, level, logger, message, namespace, name, then whatever is extra.

JSON is for machines, `text` for people at a terminal. Which object a line is about follows from the pass that
wrote it (`about`), however deep the code was. Libraries are told to speak up only when something is wrong: Kopf
writes a line per event at INFO and whole objects at DEBUG, botocore whole requests.
"""

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonEncoder, JsonFormatter

from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.text import plain, plain_lines, plain_values

LONGEST_MESSAGE = 4096
"""Characters of one message: a line that a log collector would cut loses its JSON."""

KEYS = ("time", "level", "logger", "message", "namespace", "name")
"""In every JSON record, in this order; namespace and name are empty outside of a pass."""

QUIET = {
    # One line "Handler … succeeded." per event at INFO, whole objects at DEBUG.
    "kopf": logging.WARNING,
    # Says at every try what kube/leadership/lease.py says once, and with advice.
    "kubernetes.aio.leaderelection": logging.CRITICAL,
    "kopf.objects": logging.WARNING,
    # An access line per probe.
    "aiohttp.access": logging.WARNING,
    "aiohttp": logging.WARNING,
    # Whole requests and answers at DEBUG, credentials' sources at INFO.
    "botocore": logging.WARNING,
    "boto3": logging.WARNING,
    # A line per connection at DEBUG.
    "urllib3": logging.WARNING,
    "kubernetes": logging.WARNING,
    "asyncio": logging.WARNING,
}

_INCONSISTENT = "Merge-patching finished with inconsistencies"
_TRIED, _AGAIN = "Request attempt ", "; will retry: "
"""How Kopf begins a message about a request that failed, and what is in it where Kopf sends that request again."""

# The one thing that must reach every line of a pass without being handed through every call.
_about: ContextVar[Key | None] = ContextVar("hyperpod_operator_about", default=None)


@contextmanager
def about(key: Key) -> Iterator[None]:
    """Everything logged inside, also by tasks started inside, is about this object."""
    token = _about.set(key)
    try:
        yield
    finally:
        _about.reset(token)


def whose() -> str:
    """The namespace of the object that the running code is about; empty outside of a pass."""
    key = _about.get()
    return key.namespace if key is not None else ""


def configure(
    *, log_format: Literal["json", "text"] = "json", level: str = "INFO", stream: TextIO | None = None
) -> None:
    """Send all logging of this process to `stream` (standard error) in one form, and uncaught exceptions too."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    handler.addFilter(_Sober())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def catch_uncaught(loop: asyncio.AbstractEventLoop) -> None:
    """One record for an exception that nobody awaited, instead of asyncio's many lines."""
    loop.set_exception_handler(_uncaught_in_loop)


class _Sober(logging.Filter):
    """Marks each record with its object, caps its length, drops what says nothing.

    No record carries a control character: one could forge a line, or act on the terminal of whoever reads it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if message.startswith(_INCONSISTENT):
            # Kopf compares what it sent with what the CRD's schema kept, and prints whole objects about it.
            return False
        if record.name.startswith("kopf.") and message.startswith(_TRIED) and _AGAIN in message:
            # Kopf calls this an error at each try. Nothing is lost yet; the last try is an error, and says so.
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
            if logging.getLogger().level > logging.WARNING:
                return False
        said = plain(message)
        if len(said) > LONGEST_MESSAGE:
            said = f"{said[: LONGEST_MESSAGE - 1]}…"
        if said != message:
            record.msg, record.args = said, None
        for name, value in list(record.__dict__.items()):
            if name not in _STANDARD:
                setattr(record, name, _shown(value))
        key = _about.get()
        record.object_namespace = key.namespace if key is not None else ""
        record.object_name = key.name if key is not None else ""
        return True


def _shown(value: Any) -> Any:
    """An extra as it is written: numbers, lists and objects as they are, each text in them plain."""
    if isinstance(value, dict | list | tuple):
        return plain_values(value)
    return value if isinstance(value, int | float) else plain(str(value))


def _written(value: Any) -> str:
    structured = isinstance(value, dict | list | tuple)
    return json.dumps(value, default=str, ensure_ascii=False) if structured else str(value)


class _Json(JsonFormatter):
    """The keys of `KEYS`, then the extras, then `exception` where there is one."""

    def __init__(self) -> None:
        encoder = JsonEncoder()  # one for all records: each call of json.dumps would make its own
        super().__init__(
            json_serializer=lambda record, **_: encoder.encode(record),
            reserved_attrs=[*RESERVED_ATTRS, "taskName", "object_namespace", "object_name", "color_message"],
            rename_fields={"exc_info": "exception", "stack_info": "stack"},
        )

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return plain_lines(str(super().formatException(ei)))

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Called by the base class with the record; `message_dict` holds exc_info and stack_info as text."""
        ours = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "namespace": getattr(record, "object_namespace", ""),
            "name": getattr(record, "object_name", ""),
        }
        super().add_fields(log_data, record, message_dict)
        extras = {key: value for key, value in log_data.items() if key not in ours}
        log_data.clear()
        log_data.update(ours)
        log_data.update(extras)


class _Text(logging.Formatter):
    """`time level logger namespace/name message`, extras as key=value, lists and objects as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        namespace, name = getattr(record, "object_namespace", ""), getattr(record, "object_name", "")
        where = f" {namespace}/{name}" if name else ""
        line = f"{_time(record)} {record.levelname:<7} {record.name}{where} {record.getMessage()}"
        extras = " ".join(f"{key}={_written(value)}" for key, value in record.__dict__.items() if key not in _STANDARD)
        if extras:
            line = f"{line} {extras}"
        if record.exc_info:
            line = f"{line}\n{plain_lines(self.formatException(record.exc_info))}"
        return line


_STANDARD = frozenset([*RESERVED_ATTRS, "taskName", "object_namespace", "object_name", "color_message"])


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uncaught(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    logging.getLogger("hyperpod_operator").critical(
        "The operator ends by a fault of its own: %s: %s. Please report it with this record.",
        kind.__name__,
        error,
        exc_info=(kind, error, traceback),
    )


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _uncaught_in_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if context.get("transport") is not None:
        # The loop ends that connection, and whoever uses it is told and tries again; uvloop comes here when data arrive
        # on one that was closed a moment ago (uvloop, `sslproto.pyx`, `_fatal_error`).
        logging.getLogger("hyperpod_operator").warning(
            "A connection ended: %s: %s. What used it is tried again.", context.get("message", ""), error
        )
        return
    logging.getLogger("hyperpod_operator").error(
        "A background task ended with a fault: %s. Please report it with this record.",
        context.get("message", "no explanation"),
        exc_info=error,
    )
