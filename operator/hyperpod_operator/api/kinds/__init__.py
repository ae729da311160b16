"""The kinds that this operator serves, as records: everything that iterates over kinds iterates over `KINDS`."""

from hyperpod_operator.api.kinds.cluster import CLUSTER
from hyperpod_operator.api.kinds.kind import Column, ConditionRow, Kind, Right, Scope
from hyperpod_operator.api.kinds.node_operation import NODE_OPERATION
from hyperpod_operator.api.kinds.volume_claim import VOLUME_CLAIM

__all__ = ["CLUSTER", "KINDS", "NODE_OPERATION", "VOLUME_CLAIM", "Column", "ConditionRow", "Kind", "Right", "Scope"]

KINDS: tuple[Kind, ...] = (CLUSTER, VOLUME_CLAIM, NODE_OPERATION)
"""In the order in which they are started and shown."""
