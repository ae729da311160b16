"""What export finds, and what it makes of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hyperpod_operator.core.observed import EMPTY, Json
from hyperpod_operator.core.text import plain

SHOWN_MOST = 160
"""Characters of a foreign value that a note repeats."""


class DocumentError(Exception):
    """A document cannot be read; the message says where in it and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A value that a document does not have: what stands there, and what would give it a value."""

    text: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What differs between a source and its manifest. `to_do`: edit the manifest before you apply it."""

    path: str
    text: str
    to_do: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One cluster as a source describes it: members in any spelling, and what the source says beside them.

    `label` names the source for people, `name` is a name for a cluster that has none. `region` and `account` are empty
    where the source does not say them. `notes` are what is known before the members are looked at. `shown`: the members
    are what AWS shows of a cluster (DescribeCluster), chosen or not, and not what a person asked for.
    """

    label: str
    members: Mapping[str, Any]
    name: str = ""
    region: str = ""
    account: str = ""
    notes: tuple[Note, ...] = ()
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A HyperPodCluster made of a source. `name` is the object's; `spec` is plain JSON."""

    label: str
    name: str
    cluster_name: str
    region: str
    account: str
    spec: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    notes: tuple[Note, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the manifest can be applied as it is."""
        return not any(note.to_do for note in self.notes)

    def named(self, name: str, *notes: Note) -> "Manifest":
        return replace(self, name=name, notes=(*notes, *self.notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A cluster of a source that gets no manifest, and why. `owned`: a HyperPodCluster has it already."""

    label: str
    reason: str
    owned: bool = False


def brief(value: Any) -> str:
    """A foreign value on one line, cut to SHOWN_MOST characters."""
    if isinstance(value, Unresolved):
        text = value.text
    else:
        text = value if isinstance(value, str) else json.dumps(value, default=_text, ensure_ascii=False)
    text = plain(text)
    return text if len(text) <= SHOWN_MOST else f"{text[:SHOWN_MOST]}…"


def _text(value: Any) -> str:
    return value.text if isinstance(value, Unresolved) else str(value)
