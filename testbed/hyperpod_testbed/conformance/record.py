"""A record: every call of a run with its request, its answer and its time, as JSON lines without secrets.

A directory holds `run.json` (what was run, and when) and `calls.jsonl` (a call a line, in order).
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self, TextIO

JSON = dict[str, Any]
FORMAT = 1
"""Version of the record's format."""
NOT_FOUND = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
"""What SageMaker answers about something that does not exist."""

HELD = "already in use"
"""What CreateCluster answers while another HyperPod cluster has the EKS cluster."""


class RecordError(ValueError):
    """A directory does not hold a record that this version reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. `step` says what the run asked it for; `at` and `took` are seconds, `at` since the run began.

    Exactly one of `answer` and `code` is None. `code` is AWS's error code, or the name of botocore's exception where
    no answer came.
    """

    step: str
    service: str
    operation: str
    request: JSON
    at: float
    took: float
    answer: JSON | None = None
    code: str | None = None
    message: str | None = None
    status: int | None = None
    """HTTP status of an error; None where no answer came."""

    @property
    def ok(self) -> bool:
        return self.code is None

    @property
    def refused(self) -> bool:
        """AWS did nothing: an error below 500. Any other error leaves open whether AWS acted."""
        return self.status is not None and self.status < 500

    @property
    def held(self) -> bool:
        """AWS says that another HyperPod cluster has the EKS cluster."""
        return HELD in (self.message or "")

    @property
    def missing(self) -> bool:
        """AWS knows no such thing. Any other error says nothing about that."""
        return self.code in NOT_FOUND or (self.code or "").endswith(".NotFound")

    def get(self, *path: str | int) -> Any:
        """A member of the answer, by the way to it; None where the way ends early."""
        found: Any = self.answer
        for part in path:
            if isinstance(part, int):
                found = found[part] if isinstance(found, list) and len(found) > part else None
            else:
                found = found.get(part) if isinstance(found, dict) else None
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All calls of a run, in order."""

    about: JSON
    calls: tuple[Call, ...]

    def of(self, step: str) -> tuple[Call, ...]:
        """The calls of a step; a step ending in `.` stands for all whose names begin with it."""
        if step.endswith("."):
            return tuple(call for call in self.calls if call.step.startswith(step))
        return tuple(call for call in self.calls if call.step == step)

    def first(self, step: str) -> Call | None:
        return next(iter(self.of(step)), None)

    def judged(self, step: str) -> Call | None:
        """The first call of a step that a former cluster of the run did not keep from its EKS cluster."""
        return next((call for call in self.of(step) if not call.held), None)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """The record in a directory; RecordError where there is none."""
        try:
            about = json.loads((directory / "run.json").read_text())
            with (directory / "calls.jsonl").open() as lines:
                calls = tuple(Call(**json.loads(line)) for line in lines if line.strip())
        except (OSError, ValueError, TypeError) as error:
            raise RecordError(f"{directory} holds no readable record: {error}") from error
        if about.get("format") != FORMAT:
            raise RecordError(f"{directory} has format {about.get('format')}; this version reads {FORMAT}")
        return cls(about=about, calls=calls)


_PEOPLE = (
    (re.compile(r"(:(?:user|assumed-role|federated-user)/)[^\s\"',;]+"), r"\1caller"),
    (re.compile(r"(Encoded authorization failure message: )\S+"), r"\1removed"),
)
"""Who called, as the sentence of a denial names it, and what AWS encodes about the caller."""


class Redaction:
    """Replaces what a record must not show. Text that is no secret stays as AWS wrote it."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        self._secrets = tuple((old, new) for old, new in secrets if old and old != new)

    def text(self, value: str) -> str:
        for old, new in self._secrets:
            value = value.replace(old, new)
        for pattern, new in _PEOPLE:
            value = pattern.sub(new, value)
        return value

    def json(self, value: Any) -> Any:
        """The value as JSON: times as ISO 8601, no metadata of the response, secrets replaced."""
        if isinstance(value, dict):
            return {self.text(str(key)): self.json(item) for key, item in value.items() if key != "ResponseMetadata"}
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        return value.isoformat() if hasattr(value, "isoformat") else self.text(str(value))


def _members(call: Call) -> JSON:
    """A call's own members; what is in them is copied by the redaction."""
    return {item.name: getattr(call, item.name) for item in fields(call)}


class Writer:
    """Appends calls to a record as they happen: an interrupted run leaves what it has seen."""

    def __init__(self, directory: Path, *, about: JSON, redaction: Redaction) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if (directory / "calls.jsonl").exists():
            raise RecordError(f"{directory} already holds a record; name another directory")
        self._redaction = redaction
        (directory / "run.json").write_text(json.dumps({"format": FORMAT, **redaction.json(about)}, indent=2) + "\n")
        self._lines: TextIO = (directory / "calls.jsonl").open("w")

    def __call__(self, call: Call) -> None:
        line = self._redaction.json(_members(call))
        self._lines.write(json.dumps(line, sort_keys=True) + "\n")
        self._lines.flush()

    def close(self) -> None:
        self._lines.close()


class Memory:
    """Keeps calls in memory, for a comparison."""

    def __init__(self, *, redaction: Redaction) -> None:
        self._redaction = redaction
        self._calls: list[Call] = []

    def __call__(self, call: Call) -> None:
        self._calls.append(Call(**self._redaction.json(_members(call))))

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def record(self, *, about: JSON) -> Record:
        return Record(about=about, calls=tuple(self._calls))
