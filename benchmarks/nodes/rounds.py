"""The rounds of a comparison: those of this run, after those that a file of JSON lines has of earlier ones."""

import json
from pathlib import Path
from typing import Any


class Rounds:
    """`done` has all of them, in the order in which they ended."""

    def __init__(self, raw: Path | None) -> None:
        self._raw = raw
        self.done: list[dict[str, Any]] = (
            [json.loads(line) for line in raw.read_text().splitlines()] if raw and raw.exists() else []
        )

    def keep(self, found: dict[str, Any]) -> None:
        """At once: a run that is cut off has not been for nothing."""
        self.done.append(found)
        if self._raw:
            with self._raw.open("a") as file:
                file.write(json.dumps(found) + "\n")
