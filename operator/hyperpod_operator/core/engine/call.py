"""A mutating call as data: what is sent, what it does to a running cluster, and a short name for it.

The call itself, plans in status, approvals, the audit trail and the preview are views of the same `PlannedCall`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """`operation` is the API operation, `fingerprint` the short name of what is asked for: equal across restarts, and
    the same for the same request however its words change. `nodes` are instance ids of nodes that it concerns."""

    operation: str
    effect: Effect
    fingerprint: str
    request: Mapping[str, Any] = field(default_factory=dict, hash=False)
    nodes: tuple[str, ...] = ()


def worst(effects: tuple[Effect, ...]) -> Effect:
    """The effect of a call that does several things: that of its most destructive part."""
    return max(effects, key=lambda effect: effect.rank, default=Effect.CHANGES)
