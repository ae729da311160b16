"""The questions that a pass over a cluster asks, in this order, for an object that exists and for a deleted one.

A concern waits, acts, or has nothing to say (`core.engine.finding`). The calls to a cluster that is ours and at rest
(members and groups, nodes, software, tags) are independent: one that waits, or that AWS rejected, holds up no other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.core.cluster import (
    absent,
    adoption,
    approval,
    existing,
    missing,
    node_health,
    placement,
    protection,
    scale_in,
    teardown,
    updating,
)
from hyperpod_operator.core.cluster.decision import Act, Action, ClusterSnapshot, Conclusion, Decision, NeedTags
from hyperpod_operator.core.cluster.diff import diff
from hyperpod_operator.core.cluster.ownership import Ownership, ownership, with_own_records
from hyperpod_operator.core.cluster.plan import concern
from hyperpod_operator.core.cluster.resource import with_autoscaler
from hyperpod_operator.core.engine import finding
from hyperpod_operator.core.engine.finding import Blocks, Chain, Concern
from hyperpod_operator.core.engine.journal import CallState, age, entry_of
from hyperpod_operator.core.engine.once import once
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.plan.plan import plan_of

ClusterConcern = Concern[ClusterSnapshot, Action]
Policy = Callable[[ClusterSnapshot], Decision | None]


def _asks(name: str, *policies: Policy, blocks: Blocks = Blocks.NOTHING) -> ClusterConcern:
    return Concern(name=name, judge=Chain[ClusterSnapshot, Action](policies=policies, blocks=blocks))


PLAN: ClusterConcern = Concern(name="Plan", owns=frozenset({ConditionType.PLAN_APPROVED}), judge=approval.plan_approved)
HEALTH: ClusterConcern = Concern(
    name="Health", owns=frozenset({ConditionType.NODES_HEALTHY}), judge=node_health.nodes_healthy
)

RECONCILE: Sequence[ClusterConcern] = (
    PLAN,
    HEALTH,
    # Does the installation serve this Region, and this namespace with it? If not, not even a look.
    _asks("Admission", existing.region_refused, existing.not_allowed, blocks=Blocks.EVERYTHING),
    # Does this pass look where the cluster is?
    _asks("Place", placement.misplaced, blocks=Blocks.EVERYTHING),
    # Is there a cluster? If not: is it invisible, vanished (seen missing twice?), rejected before, or due?
    _asks(
        "Existence",
        absent.paused,
        absent.not_visible_yet,
        placement.unproved_end,
        missing.look_again,
        absent.pause_before_recreation,
        missing.deleted_outside,
        approval.creation,
        absent.create,
        blocks=Blocks.EVERYTHING,
    ),
    # Is it ours?
    _asks("Ownership", existing.unknown_owner, adoption.not_ours, blocks=Blocks.EVERYTHING),
    # May it be changed now?
    _asks(
        "State",
        existing.paused,
        existing.being_deleted,
        existing.creation_failed,
        existing.busy,
        blocks=Blocks.EVERYTHING,
    ),
    _asks("FixedMembers", existing.fixed_members_differ, blocks=Blocks.ACTIONS),
    # What is missing? Each makes a call of its own.
    _asks("Cluster", updating.update),
    _asks("Failure", existing.failed, blocks=Blocks.ACTIONS),
    _asks("Nodes", scale_in.delete_nodes),
    _asks("Software", updating.update_software),
    _asks("Tags", updating.tags),
    # What is held back, and what for?
    _asks("Workloads", scale_in.workloads_run),
    _asks("Marks", scale_in.nodes_still_tainted),
    _asks("RejectedGroups", updating.groups_rejected),
    _asks("HeldSoftware", updating.software_held),
    _asks("Approval", approval.unapproved),
    _asks("Protection", protection.groups_protected),
    # Nothing that the operator would change: is it what the user asked for?
    _asks("Counts", existing.scaled_outside),
    _asks("Capacity", existing.not_at_target),
    _asks("Repair", node_health.nodes_unhealthy),
)

DELETED: Sequence[ClusterConcern] = (
    PLAN,
    HEALTH,
    _asks("Admission", teardown.never_served, blocks=Blocks.EVERYTHING),
    _asks("Place", placement.misplaced, blocks=Blocks.EVERYTHING),
    # Is there nothing, and may that be believed?
    _asks(
        "Existence",
        absent.not_visible_yet,
        placement.unproved_end,
        teardown.sent,
        missing.look_again,
        teardown.gone,
        blocks=Blocks.EVERYTHING,
    ),
    # Is it ours, and is it to go?
    _asks("Ownership", existing.unknown_owner, teardown.not_ours, blocks=Blocks.EVERYTHING),
    _asks("Pause", teardown.paused, blocks=Blocks.EVERYTHING),
    _asks("Retention", teardown.retained, blocks=Blocks.EVERYTHING),
    _asks("State", teardown.under_way, blocks=Blocks.EVERYTHING),
    # What holds the deletion back? Each of these is said, and each blocks the call.
    _asks("Protection", protection.protected, blocks=Blocks.ACTIONS),
    _asks("Approval", approval.unapproved, blocks=Blocks.ACTIONS),
    _asks("Busy", teardown.busy, blocks=Blocks.ACTIONS),
    _asks("Workloads", scale_in.workloads_run, blocks=Blocks.ACTIONS),
    _asks("Volumes", teardown.volumes_attached, blocks=Blocks.ACTIONS),
    _asks("Cluster", teardown.delete),
)


@once
def judge(snapshot: ClusterSnapshot) -> finding.Decision[Action]:
    """What all concerns find. Of several calls that are due, one that AWS rejected lately comes last."""
    concerns = DELETED if snapshot.resource.deleting else RECONCILE
    return finding.judge(concerns, snapshot, yields=lambda action: _lately_rejected(snapshot, action), user_first=True)


def decide(snapshot: ClusterSnapshot) -> Conclusion:
    """What this pass does, or waits for. A call to an existing cluster needs ownership read in this very pass."""
    found = judge(snapshot)
    if found.action is None:
        return found.wait or existing.settled(snapshot)
    if isinstance(found.action, Act) and snapshot.ownership is Ownership.RECORDED:
        return NeedTags()
    return found.action


def situate(snapshot: ClusterSnapshot, observed: Observed) -> ClusterSnapshot:
    """The same question about a newer look at the world."""
    found = ownership(resource=snapshot.resource, observed=observed)
    resource = with_own_records(snapshot.resource, cluster=observed.cluster, found=found)
    resource = with_autoscaler(resource, cluster=observed.cluster)
    seen = replace(
        snapshot,
        observed=observed,
        changes=diff(resource=resource, observed=observed, now=snapshot.now),
        ownership=found,
    )
    return replace(seen, plan=plan_of(seen))


def _lately_rejected(snapshot: ClusterSnapshot, action: Action) -> bool:
    """Whether AWS rejected this very call a moment ago: made first again, it would keep others from being made."""
    if not isinstance(action, Act):
        return False
    own = entry_of(snapshot.resource.status.operations, concern(action.action))
    same = own is not None and own.state == CallState.REJECTED and own.fingerprint == action.fingerprint
    return same and age(own, now=snapshot.now) < SLOW
