"""What a concern may answer: the vocabulary between deciding and reporting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.changed_parts import changed_parts
from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.departures import Departures
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.plan import Action as Call
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.still_marked import StillMarked
from hyperpod_operator.core.cost.price import Prices
from hyperpod_operator.core.engine.decision import InSync, LookAgain, RemoveFinalizer, Wait
from hyperpod_operator.core.health.rollup import Health
from hyperpod_operator.core.location import NOWHERE, Location
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.plan.model import Plan
from hyperpod_operator.core.plan.nodes import Concerned
from hyperpod_operator.core.preflight.facts import TrainingPlan
from hyperpod_operator.core.preflight.model import Fact
from hyperpod_operator.core.timings import Timings


@dataclass(frozen=True, kw_only=True)
class ClusterSnapshot:
    """The snapshot that every concern judges: the spec, the world, the gaps, the time."""

    resource: Resource
    observed: Observed
    changes: Changes
    ownership: Ownership
    now: datetime
    timings: Timings = field(default_factory=Timings)
    allowed_regions: frozenset[str] = frozenset()
    """Regions that a spec may name; an empty one always means the installation's own."""
    refusal: str | None = None
    """Why the namespace may not have what the spec names, in words; see core.tenancy."""
    attached_claims: tuple[str, ...] = ()
    """EBSVolumeClaims with a volume on a node of the cluster; read only when the object is being deleted."""
    here: Location = NOWHERE
    """Where this pass looks."""
    held_groups: frozenset[str] = frozenset()
    """Groups that are not added in this pass, because a check fails (core.preflight), and those that are not removed,
    because their nodes are not ready to end (`scale_in`)."""
    plan: Plan | None = None
    """Every call that is asked for, and which of them wait for an approval; None before anything was observed."""
    concerned: Mapping[str, Concerned] = field(default_factory=dict)
    """By group, the nodes that a waiting plan ends or restarts, and what runs on them; shown and never decided on."""
    departures: Departures | None = None
    """Nodes that are to end, and what runs on them; None where nothing is to end, or nothing is waited for."""
    still_marked: StillMarked | None = None
    """Nodes whose marks are to come off; None where there are none."""
    health: Health | None = None
    """The health of the cluster's Nodes; None while nothing is known of them."""
    prices: Prices | None = None
    """What instances of the types in question cost; None where prices are not read."""
    training_plans: Mapping[str, Fact[TrainingPlan | None]] = field(default_factory=dict)
    """By ARN, the training plans of the groups; empty where they are not read."""
    health_watched: bool = False
    """Whether Nodes are watched at all, so that what was said of them before still counts."""

    @property
    def owned(self) -> bool:
        """Whether the cluster's tags, now or in an earlier pass, prove that it is this object's."""
        return self.ownership in {Ownership.OURS, Ownership.RECORDED}

    def unapproved(self, operation: str) -> frozenset[str]:
        """The parts of this call that wait for an approval: names of groups, or the empty name for the whole."""
        held = self.plan.gate.held if self.plan is not None else frozenset()
        return frozenset(step.part for step in held if step.operation == operation)

    @cached_property
    def changed_parts(self) -> Mapping[str, str]:
        """What an update would consist of (see `changed_parts`); many rules of one pass ask for it."""
        return changed_parts(resource=self.resource, cluster=self.observed.cluster, changes=self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Make this one call, then end the pass. `fingerprint` names the wish behind it (see `plan.fingerprint`)."""

    action: Call
    fingerprint: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedTags:
    """The ownership tags have to be read before this can be judged."""


Action = Act | LookAgain | NeedTags | RemoveFinalizer
"""What a pass does."""
Decision = Action | Wait
"""What a policy answers."""
Conclusion = Decision | InSync
"""What a pass comes to: InSync where no concern acts or waits."""
