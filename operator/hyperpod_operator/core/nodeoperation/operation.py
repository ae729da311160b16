"""The HyperPodNodeOperation object as a pass sees it, with what unset members mean."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.nodeoperation.resource import HyperPodNodeOperationSpec
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus
from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.drain.rules import DrainRules, drain_rules
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.nodeoperation.timings import DEADLINE
from hyperpod_operator.core.nodes.batch import NodeCall
from hyperpod_operator.core.ports import Key

CALLS = {
    "Reboot": NodeCall.REBOOT,
    "Replace": NodeCall.REPLACE,
    "Delete": NodeCall.DELETE,
    "Move": NodeCall.MOVE,
    "HealthCheck": NodeCall.HEALTH_CHECK,
}
LOSES_VOLUMES = frozenset({NodeCall.REPLACE, NodeCall.DELETE, NodeCall.MOVE})
"""Calls after which a volume that is still attached is lost to its node, or that AWS refuses because of it."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One object, parsed. `status` is what is stored, so it is what survived a restart."""

    key: Key
    uid: str
    generation: int
    deleting: bool
    reconcile_requested_at: str
    spec: HyperPodNodeOperationSpec
    status: HyperPodNodeOperationStatus
    approved: str = ""
    """The annotation approve-plan: the digest of the plan that a person approves."""
    approved_by: str = ""
    """Who set it, as far as it is known."""
    requested_by: str = ""
    """The field manager that wrote the spec."""
    created_by: str = ""
    """The GitOps tool that would create the object again; empty when none is known to."""

    restored_by: str = ""
    """The restore of a backup that made this object; empty for one that a person or a tool created."""

    held: bool = False
    """Whether the object has the operator's finalizer, which it gets when its first node begins."""

    @cached_property
    def owner(self) -> Owner:
        return Owner(kind=NODE_OPERATION.name, namespace=self.key.namespace, name=self.key.name, uid=self.uid)

    @property
    def call(self) -> NodeCall:
        return CALLS[self.spec.operation]

    @cached_property
    def drain(self) -> DrainRules:
        return drain_rules(self.spec.drain)

    @property
    def is_recorded(self) -> bool:
        """Whether status has the nodes that were chosen. None begins before: what was begun has a record."""
        return bool(self.status.nodes) and not self.status.remembered.foreseen

    @property
    def has_lost_its_record(self) -> bool:
        """Whether nodes were begun, and status does not say which: it was lost, or this object is a copy of another."""
        return self.held and not self.is_recorded and not self.deleting

    @property
    def suspended(self) -> bool:
        """A restored object has lost what was done: begun again, it would end other nodes than those it was about."""
        return bool(self.spec.suspend or self.restored_by or self.has_lost_its_record)

    @property
    def dry(self) -> bool:
        return bool(self.spec.dryRun)

    @property
    def waits_for_volumes(self) -> bool:
        """Whether AWS is asked only once no claim has a volume on the node."""
        return self.call in LOSES_VOLUMES and self.spec.volumes != "Refuse"

    @property
    def refuses_volumes(self) -> bool:
        return self.call in LOSES_VOLUMES and self.spec.volumes == "Refuse"

    @property
    def includes_repairs(self) -> bool:
        """Whether nodes that HyperPod is about to repair are operated on, too."""
        return self.spec.nodesUnderRepair == "Include"

    @property
    def not_before(self) -> datetime | None:
        return parse_time(self.spec.notBefore or "")

    @property
    def started_at(self) -> datetime | None:
        return parse_time(self.status.startTime or "")

    @property
    def ended_at(self) -> datetime | None:
        return parse_time(self.status.completionTime or "")

    @property
    def deadline(self) -> datetime | None:
        """Until when the operation may go on; None before its start."""
        started = self.started_at
        return started + timedelta(seconds=self.spec.activeDeadlineSeconds or DEADLINE) if started else None

    @property
    def expires_at(self) -> datetime | None:
        """When the finished object is deleted; None while it goes on, and where it stays.

        One that a tool would create again stays: the new object would be carried out like the first.
        """
        ended, kept = self.ended_at, None if self.created_by else self.spec.ttlSecondsAfterFinished
        return ended + timedelta(seconds=kept) if ended is not None and kept is not None else None

    @property
    def target_cluster(self) -> str:
        """Name of the HyperPodCluster that moved nodes join."""
        move = self.spec.move
        return move.clusterRef.name if move and move.clusterRef else self.spec.clusterRef.name

    def room(self, nodes: int) -> int:
        """How many of so many nodes may be in flight."""
        most = self.spec.maxInFlight
        if isinstance(most, str):
            return max(1, nodes * int(most.removesuffix("%")) // 100)
        return most or 1
