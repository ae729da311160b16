"""Kopf's own records of objects, which nobody reads here: kept nowhere, computed never.

Kopf prepares a deep copy of every object that it sees, to compare it with what it would have stored of it, even
where only low-level handlers are registered. That was most of its CPU per event (measured: docs/benchmarks.md).
"""

from collections.abc import Iterable
from typing import Any

import kopf


class NoDiffBase(kopf.DiffBaseStorage):
    """No last-handled configuration."""

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> kopf.BodyEssence:  # noqa: ARG002
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None: ...


class NoProgress(kopf.ProgressStorage):
    """No progress of handlers: none of ours has any."""

    def fetch(self, *, key: str, body: kopf.Body) -> None: ...

    def store(self, *, key: str, record: Any, body: kopf.Body, patch: kopf.Patch) -> None: ...

    def purge(self, *, key: str, body: kopf.Body, patch: kopf.Patch) -> None: ...

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: str | None) -> None: ...

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence
