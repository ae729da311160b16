"""What to do next: two chains of small named policies, one for a living object and one for a deleted one.

Each policy asks one question of the snapshot and either answers for the whole pass or passes on. The first
answer wins, so the order of a chain is its meaning: read it top down as the list of reasons not to act.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hyperpod_operator.core.cluster import absent, living, missing, placement, teardown, updating
from hyperpod_operator.core.cluster.diff import diff
from hyperpod_operator.core.cluster.observed import Observed
from hyperpod_operator.core.cluster.ownership import Ownership, ownership
from hyperpod_operator.core.cluster.verdict import Act, NeedTags, Situation, Verdict

Policy = Callable[[Situation], Verdict | None]

LIVING: Sequence[Policy] = (
    # The installation does not serve this region, or not this namespace with it: not even a look.
    living.region_refused,
    living.not_allowed,
    # It lies elsewhere: what is seen here says nothing about it.
    placement.misplaced,
    # There is no cluster: is it invisible, vanished, refused before, or due?
    absent.paused,
    absent.not_visible_yet,
    placement.unproved_end,
    # What AWS showed before (the cluster, a group, a tag) is not there: was it seen missing twice?
    missing.look_again,
    absent.pause_before_recreation,
    absent.create,
    # There is a cluster: is it ours?
    living.unknown_owner,
    living.not_ours,
    # It is ours: may it be changed now?
    living.paused,
    living.being_deleted,
    living.creation_failed,
    living.busy,
    living.fixed_members_differ,
    # It may: what is missing?
    updating.update,
    living.failed,
    updating.update_software,
    updating.tags,
    updating.groups_rejected,
    # Nothing that we would change: is it what the user wants?
    living.scaled_outside,
    living.not_at_target,
    living.settled,
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
    living.unknown_owner,
    teardown.not_ours,
    teardown.paused,
    teardown.retained,
    # It is to go: is it on its way?
    teardown.under_way,
    teardown.busy,
    teardown.volumes_attached,
    teardown.delete,
)


def decide(situation: Situation) -> Verdict:
    """The first answer of the chain. A call to an existing cluster needs ownership read in this very pass."""
    chain = DELETED if situation.resource.deleting else LIVING
    verdict = next(verdict for policy in chain if (verdict := policy(situation)) is not None)
    if isinstance(verdict, Act) and situation.ownership is Ownership.RECORDED:
        return NeedTags()
    return verdict


def situate(situation: Situation, observed: Observed) -> Situation:
    """The same question about a newer look at the world."""
    return replace(
        situation,
        observed=observed,
        changes=diff(resource=situation.resource, observed=observed, now=situation.now),
        ownership=ownership(resource=situation.resource, observed=observed),
    )
