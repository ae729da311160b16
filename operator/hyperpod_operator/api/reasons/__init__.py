"""Every reason as a record, by the section of docs/conditions.md that lists it. The page's tables are generated from
here; Events, Stalled, phases and conditions follow the records, and no code asks which word it is."""

from collections.abc import Mapping
from types import MappingProxyType

from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.reasons.claims import CLAIMS
from hyperpod_operator.api.reasons.node_operations import NODE_OPERATIONS
from hyperpod_operator.api.reasons.nodes import NODES
from hyperpod_operator.api.reasons.progress import PROGRESS
from hyperpod_operator.api.reasons.record import Actor, ReasonRecord, Section, Severity
from hyperpod_operator.api.reasons.trouble import TROUBLE

__all__ = ["REASONS", "SECTIONS", "Actor", "ReasonRecord", "Section", "Severity", "record"]

SECTIONS: Mapping[Section, tuple[ReasonRecord, ...]] = MappingProxyType(
    {**PROGRESS, **TROUBLE, **NODES, **CLAIMS, **NODE_OPERATIONS}
)

REASONS: Mapping[Reason, ReasonRecord] = MappingProxyType(
    {one.word: one for listed in SECTIONS.values() for one in listed}
)

_BY_WORD: Mapping[str, ReasonRecord] = MappingProxyType({str(word): one for word, one in REASONS.items()})


def record(word: str) -> ReasonRecord | None:
    """The record of a stored word; None for one that this release does not know."""
    return _BY_WORD.get(word)
