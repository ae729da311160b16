"""The audit trail: a log stream of its own, and a file where one is asked for.

The logger `hyperpod_operator.audit` writes with everything else; a collector tells its records apart by `logger`. The
file has one JSON object a line and nothing else; it is opened for appending at each record, so that it may be rotated.
"""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from hyperpod_operator.core.audit import AuditRecord
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.text import plain_values

logger = logging.getLogger("hyperpod_operator.audit")


class AuditTrail:
    """Implements `core.audit.Audit`. `file` is None where the log is enough."""

    def __init__(self, *, now: Callable[[], datetime], file: Path | None = None) -> None:
        self._now = now
        self._file = file

    def record(self, entry: AuditRecord) -> None:
        """Write one record. A file that cannot be written to is reported in the log and loses nothing there."""
        fields = dict(entry.fields())
        logger.info("%s", _line(entry), extra={"audit": fields})
        if self._file is None:
            return
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"time": stamp(self._now()), **plain_values(fields)}) + "\n")
        except OSError as error:
            logger.warning("The audit file %s cannot be written to: %s", self._file, error)


def _line(entry: AuditRecord) -> str:
    """The record for a terminal, which shows none of its members."""
    what = f"{entry.call} of {entry.target}" if entry.target else entry.call
    return f"{what} for {entry.kind} {entry.key}: {entry.outcome}. {entry.message} {entry.error}".rstrip()
