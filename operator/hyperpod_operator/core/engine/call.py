"""A mutating call as data: what is sent, what it does to a running cluster, and a short name for it.

The call itself, plans in status, approvals, the audit trail and the preview are views of the same `PlannedCall`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hyperpod_operator.core.text import contrasted


class Effect(StrEnum):
    """What a call does to what is there, from harmless to final. `rank` orders them."""

    ADDS = "Adds"
    """Something new comes; nothing that runs is touched."""
    CHANGES = "Changes"
    """Something that runs is changed in place."""
    DISRUPTS = "Disrupts"
    """Nodes restart or lose data on their volumes, or pods lose a volume."""
    DESTROYS = "Destroys"
    """Nodes, groups, volumes or the cluster end."""

    @property
    def rank(self) -> int:
        return list(Effect).index(self)


LONGEST = 60
"""Characters of a value that the text of a change shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """One thing that a call changes.

    `path` says where, in the vocabulary of the spec: `instanceGroups[gpu].instanceCount`, `instanceGroups[gpu]` for a
    whole group, `tags[team]`, `cluster`. `observed` and `wanted` are JSON, None for what is not there. `context` is
    what else decides the effect without being the change itself (how a software update rolls). `node_count` is how
    many nodes come, restart or end by it. `said` is its text where the values alone say too little.
    """

    path: str
    effect: Effect
    observed: Any = field(default=None, hash=False)
    wanted: Any = field(default=None, hash=False)
    context: Any = field(default=None, hash=False)
    node_count: int = 0
    said: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.said or difference(self.observed, self.wanted)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """`operation` is the API operation, `fingerprint` the short name of what is asked for: equal across restarts, and
    the same for the same request however its words change. `nodes` are instance ids of nodes that it concerns.

    `part` is what may be approved and sent by itself, for example a group; empty for the whole. `exempt` calls wait for
    no approval: ownership tags, which prove whose a cluster is. `needs_approval` calls wait for one under every policy.
    """

    operation: str
    effect: Effect
    fingerprint: str
    request: Mapping[str, Any] = field(default_factory=dict, hash=False)
    nodes: tuple[str, ...] = ()
    changes: tuple[PlannedChange, ...] = ()
    part: str = ""
    exempt: bool = False
    needs_approval: bool = False

    @property
    def node_count(self) -> int:
        """How many nodes come, restart or end by it: those of its groups together, each group's once."""
        most: dict[str, int] = {}
        for change in self.changes:
            group = change.path.partition(".")[0]
            most[group] = max(most.get(group, 0), change.node_count)
        return max(len(self.nodes), sum(most.values()))


def fingerprint(*, operation: str, desired: Any) -> str:
    """A short name for "this call, wanted for this", equal across restarts.

    `desired` is what the spec asks for, not the request: a kept group's observed members (a count that an
    autoscaler moves) are in the request too, and must not make a rejected change look like a new one.
    """
    text = json.dumps([operation, desired], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def worst(effects: tuple[Effect, ...]) -> Effect:
    """The effect of a call that does several things: that of its most destructive part."""
    return max(effects, key=lambda effect: effect.rank, default=Effect.CHANGES)


def difference(observed: Any, wanted: Any) -> str:
    """Two values of a member for people to read; None is unset."""
    before, after = ("unset" if value is None else str(value) for value in (observed, wanted))
    return " -> ".join(contrasted(before, after, most=LONGEST))
