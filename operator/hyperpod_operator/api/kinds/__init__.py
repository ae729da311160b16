"""The kinds that this operator serves, as records: everything that iterates over kinds iterates over `KINDS`.

A record is loaded when it is asked for: it brings the models of its kind, and a command about clusters alone does
without those of the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hyperpod_operator.api.kinds.kind import Column, ConditionRow, Kind, News, Right, Scope
from hyperpod_operator.api.names import CLUSTER_KIND, NODE_OPERATION_KIND, VOLUME_CLAIM_KIND

if TYPE_CHECKING:
    from hyperpod_operator.api.kinds.cluster import CLUSTER
    from hyperpod_operator.api.kinds.node_operation import NODE_OPERATION
    from hyperpod_operator.api.kinds.volume_claim import VOLUME_CLAIM

    KINDS: tuple[Kind, ...]
    """In the order in which they are started and shown."""

__all__ = [
    "CLUSTER",
    "KINDS",
    "NODE_OPERATION",
    "VOLUME_CLAIM",
    "Column",
    "ConditionRow",
    "Kind",
    "News",
    "Right",
    "Scope",
    "kind_named",
]

_RECORDS = {CLUSTER_KIND: "CLUSTER", VOLUME_CLAIM_KIND: "VOLUME_CLAIM", NODE_OPERATION_KIND: "NODE_OPERATION"}
"""The record of each kind. Its module has its name in small letters."""


def kind_named(name: str) -> Kind | None:
    """The kind with this name in manifests; None for others."""
    return _record(_RECORDS[name]) if name in _RECORDS else None


def _record(name: str) -> Kind:
    found: Kind = getattr(import_module(f"{__name__}.{name.lower()}"), name)
    return found


def __getattr__(name: str) -> Any:
    """A record, or all of them, at the first time (PEP 562)."""
    if name == "KINDS":
        found: Any = tuple(_record(one) for one in _RECORDS.values())
    elif name in _RECORDS.values():
        found = _record(name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found
