"""The name of a plan: a digest of its effects in canonical form.

It is the same across restarts and replicas, in whatever order AWS lists groups and subnets, and however a spec spells
a key. Times, texts of messages and counts that others own are no part of it. Everything that a call changes is:
another effect, another target or another value is another digest.

Encoding v1 is the SHA-256 of JSON with sorted keys and no spaces:

    {"after": …, "calls": [{"change"|"call": …, "effect": …, …}, …], "encoding": "v1", "target": {…}}

`after` is the digest of the last plan that was approved and carried out, so that an approval is used once.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hyperpod_operator.core.engine.call import PlannedCall, PlannedChange
from hyperpod_operator.core.members import KMS_KEYS, MAPS, MARKERS, ORDERED, TIMESTAMPS, key_id

ENCODING = "v1"
PREFIX = "sha256:"
NAMED_BY_PEOPLE = MAPS | {"tags"}
"""Members whose own members people name: each counts as it stands, whatever it is called, and an empty value too."""
ITEM_LENGTH = 24
"""Hexadecimal digits that name one change of a plan: 96 bits."""


CREATION = "CreateCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a plan is about: a cluster that exists, the name under which one is to be created, or both: one that is
    cleared away and created again. `owner` is the uid of the object whose plan it is: a copy of it in Git or in a
    backup has the approvals, and not the status that says that they were used."""

    owner: str = ""
    cluster_arn: str = ""
    creation_time: str = ""
    name: str = ""
    region: str = ""
    account: str = ""


def digest(*, calls: Sequence[PlannedCall], target: Target, after: str = "") -> str:
    """`sha256:` and 64 hexadecimal digits."""
    content = {
        "encoding": ENCODING,
        "target": _target(target),
        "after": after,
        "calls": sorted((item for call in calls for item in _items(call)), key=_json),
    }
    return PREFIX + hashlib.sha256(_json(content).encode()).hexdigest()


def items(*, calls: Sequence[PlannedCall], target: Target) -> frozenset[str]:
    """A name for each change of the plan, by which what is left of it is recognised."""
    return frozenset(name for call in calls for name in names(call, target=target))


def names(call: PlannedCall, *, target: Target) -> Iterator[str]:
    """The names of the changes of one call. A creation is about a name, whichever cluster makes room for it: so it is
    recognised when that one is gone."""
    about = replace(target, cluster_arn="", creation_time="") if call.operation == CREATION else target
    for item in _items(call):
        text = _json([ENCODING, _target(about), item])
        yield hashlib.sha256(text.encode()).hexdigest()[:ITEM_LENGTH]


def _target(target: Target) -> Mapping[str, str]:
    return {name: value for name, value in asdict(target).items() if value}


def _items(call: PlannedCall) -> Iterator[Mapping[str, Any]]:
    """What a call does, independent of which other changes share it."""
    if not call.changes:
        yield {
            "call": call.operation,
            "effect": call.effect,
            "asked": call.fingerprint,
            "nodes": sorted(set(call.nodes)),
            "part": call.part,
        }
    for change in call.changes:
        yield _item(call, change)


def _item(call: PlannedCall, change: PlannedChange) -> Mapping[str, Any]:
    member = change.path.rsplit(".", 1)[-1]
    return {
        "call": call.operation,
        "change": change.path,
        "effect": change.effect,
        "observed": canonical(change.observed, member=member),
        "wanted": canonical(change.wanted, member=member),
        "context": canonical(change.context, member=""),
        "nodes": sorted(set(call.nodes)),
    }


def canonical(value: Any, *, member: str) -> Any:
    """JSON in which equal values look alike: sets in order, empty members left out, one spelling of keys and times."""
    if isinstance(value, Mapping) and member in NAMED_BY_PEOPLE:
        return dict(value)
    if isinstance(value, Mapping):
        kept = {name: canonical(below, member=name) for name, below in value.items()}
        return {name: below for name, below in kept.items() if name in MARKERS or below not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        made = [canonical(below, member=member) for below in value]
        return made if member in ORDERED else sorted(made, key=_json)
    if isinstance(value, str) and member in KMS_KEYS:
        return key_id(value)
    if isinstance(value, str) and member in TIMESTAMPS:
        return _instant(value)
    return value


def _instant(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.astimezone(UTC).isoformat() if moment.tzinfo else text


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
