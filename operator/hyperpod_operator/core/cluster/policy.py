"""What to do next: two chains of small named policies, one for a living object and one for a deleted one.

Each policy asks one question of the snapshot and either answers for the whole pass or passes on. The first
answer wins, so the order of a chain is its meaning: read it top down as the list of reasons not to act.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hyperpod_operator.core.cluster import (
    absent,
    approval,
    existing,
    missing,
    placement,
    protection,
    scale_in,
    teardown,
    updating,
)
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Decision, NeedTags
from hyperpod_operator.core.cluster.diff import diff
from hyperpod_operator.core.cluster.ownership import Ownership, ownership
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.plan.plan import plan_of

Policy = Callable[[ClusterSnapshot], Decision | None]

RECONCILE: Sequence[Policy] = (
    # The installation does not serve this region, or not this namespace with it: not even a look.
    existing.region_refused,
    existing.not_allowed,
    # It lies elsewhere: what is seen here says nothing about it.
    placement.misplaced,
    # There is no cluster: is it invisible, vanished, refused before, or due?
    absent.paused,
    absent.not_visible_yet,
    placement.unproved_end,
    # What AWS showed before (the cluster, a group, a tag) is not there: was it seen missing twice?
    missing.look_again,
    absent.pause_before_recreation,
    missing.deleted_outside,
    approval.creation,
    absent.create,
    # There is a cluster: is it ours?
    existing.unknown_owner,
    existing.not_ours,
    # It is ours: may it be changed now?
    existing.paused,
    existing.being_deleted,
    existing.creation_failed,
    existing.busy,
    existing.fixed_members_differ,
    # It may: what is missing?
    updating.update,
    existing.failed,
    scale_in.delete_nodes,
    updating.update_software,
    updating.tags,
    scale_in.workloads_run,
    updating.groups_rejected,
    approval.unapproved,
    protection.groups_protected,
    # Nothing that we would change: is it what the user wants?
    existing.scaled_outside,
    existing.not_at_target,
    existing.settled,
)

DELETED: Sequence[Policy] = (
    teardown.never_served,
    placement.misplaced,
    # Nothing there: may we believe it?
    absent.not_visible_yet,
    placement.unproved_end,
    teardown.sent,
    missing.look_again,
    teardown.gone,
    # Something there: is it ours, and is it to go?
    existing.unknown_owner,
    teardown.not_ours,
    teardown.paused,
    teardown.retained,
    # It is to go: is it on its way?
    teardown.under_way,
    protection.protected,
    approval.unapproved,
    teardown.busy,
    scale_in.workloads_run,
    teardown.volumes_attached,
    teardown.delete,
)


def decide(snapshot: ClusterSnapshot) -> Decision:
    """The first answer of the chain. A call to an existing cluster needs ownership read in this very pass."""
    chain = DELETED if snapshot.resource.deleting else RECONCILE
    decision = next(decision for policy in chain if (decision := policy(snapshot)) is not None)
    if isinstance(decision, Act) and snapshot.ownership is Ownership.RECORDED:
        return NeedTags()
    return decision


def situate(snapshot: ClusterSnapshot, observed: Observed) -> ClusterSnapshot:
    """The same question about a newer look at the world."""
    seen = replace(
        snapshot,
        observed=observed,
        changes=diff(resource=snapshot.resource, observed=observed, now=snapshot.now),
        ownership=ownership(resource=snapshot.resource, observed=observed),
    )
    return replace(seen, plan=plan_of(seen))
