"""Which call named an instance, by the words of an event about it: moved or deleted by others, or none of both.

AWS documents these operations, and not the words of their events, so the table takes what the operations, their
statuses and the console are called. UpdateCluster terminates the instances that it scales in, so that word alone is no
sign of a call that named them.
"""

import re
from dataclasses import dataclass

# [assumption: node-calls-may-change-targets]
MOVE, DELETE = "MoveClusterNodes", "BatchDeleteClusterNodes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Words that an event has, without regard to case, when `operation` named its instance."""

    operation: str
    words: str
    source: str


# [assumption: deletions-are-in-events]
SIGNS = (
    Sign(operation=MOVE, words="MoveClusterNodes", source="MODEL: name of the operation"),
    Sign(operation=MOVE, words="DetachInProgress", source="MODEL: ClusterInstanceStatus while a node leaves its group"),
    Sign(operation=MOVE, words="AttachInProgress", source="MODEL: ClusterInstanceStatus while a node joins its group"),
    Sign(operation=MOVE, words="detached from instance group", source="INF: from the statuses"),
    Sign(operation=MOVE, words="moved", source="INF: from the name of the operation"),
    Sign(operation=DELETE, words="BatchDeleteClusterNodes", source="MODEL: name of the operation"),
    Sign(operation=DELETE, words="delete", source="INF: what API reference, CLI and console call it"),
    Sign(operation=DELETE, words="deleting", source="INF: the same"),
    Sign(operation=DELETE, words="deletion", source="INF: the same"),
    Sign(operation=DELETE, words="removed from", source="DOC: SageMaker developer guide, scaling down"),
)
"""The first one that fits counts."""


def call_of(text: str) -> str:
    """The operation that named the instance of this event; empty when none is recognised."""
    return next((sign.operation for sign in SIGNS if re.search(_pattern(sign.words), text)), "")


def _pattern(words: str) -> str:
    """From the beginning of a word: "removed" is not "moved"."""
    return r"(?i)\b" + r"\s+".join(re.escape(word) for word in words.split())
