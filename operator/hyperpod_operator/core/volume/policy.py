"""What to do next with one volume: two chains of small named policies, for a living claim and for a deleted one.

The first answer wins, so the order of a chain is its meaning: read it top down as the list of reasons not to act.
"""

from collections.abc import Callable, Sequence

from hyperpod_operator.core.engine.decision import InSync
from hyperpod_operator.core.volume import (
    adoption,
    attachment,
    identity,
    missing,
    modification,
    ownership,
    publication,
    replacement,
    teardown,
)
from hyperpod_operator.core.volume.decision import ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import held_back

Policy = Callable[[ClaimSnapshot], Decision | None]

EXISTS: Sequence[Policy] = (
    # Is there a volume, and is it usable?
    identity.paused,
    identity.not_visible_yet,
    missing.look_again,
    identity.lost,
    adoption.inherited,
    identity.create,
    identity.failed,
    identity.creating,
)

DOORS: Sequence[Policy] = (
    # Which Nodes let pods in? Whatever else is amiss, a Node that does not hold the volume is none of them.
    attachment.stray_label,
)

OURS: Sequence[Policy] = (
    # Is it ours, and ours alone?
    ownership.held_by_other,
    ownership.attached_to_others,
    ownership.held_by_csi,
    ownership.multi_attach,
    adoption.take,
    ownership.lease,
    ownership.tag,
)

WHERE: Sequence[Policy] = (
    # Direct only. Where is it, and may that change?
    attachment.foreign,
    attachment.on_the_way,
    attachment.lost_node,
    replacement.snapshot,
    attachment.leave,
)

WHAT: Sequence[Policy] = (
    # What is it? A modification works attached or not.
    modification.modify,
)

THERE: Sequence[Policy] = (
    # Direct only. Where should it be?
    attachment.suspended,
    attachment.unresolved,
    attachment.attach,
    publication.label,
)

SEEN: Sequence[Policy] = (
    # How do pods see it?
    publication.persistent_volume,
    publication.persistent_volume_claim,
    attachment.stays,
    replacement.unfinished,
    modification.unfinished,
)

DELETED: Sequence[Policy] = (
    teardown.paused,
    # Close the door.
    teardown.pods,
    teardown.persistent_volume_claim,
    teardown.persistent_volume,
    teardown.node_label,
    # Is there anything of ours in AWS?
    teardown.not_visible_yet,
    missing.look_again,
    teardown.not_ours,
    # It is ours: take it off its node, then let it go or have it go.
    teardown.csi,
    teardown.detach,
    teardown.snapshot,
    teardown.delete,
    teardown.retain,
)


def decide(snapshot: ClaimSnapshot) -> Decision:
    """The first answer of the chain that fits the claim."""
    for policy in chain(snapshot):
        if (decision := policy(snapshot)) is not None:
            return held_back(snapshot, decision)
    return _settled(snapshot)


def chain(snapshot: ClaimSnapshot) -> Sequence[Policy]:
    if snapshot.claim.deleting:
        return DELETED
    if snapshot.claim.direct:
        return (*EXISTS, *DOORS, *OURS, *WHERE, *WHAT, *THERE, *SEEN)
    return (*EXISTS, *DOORS, *OURS, *WHAT, *SEEN)


def _settled(snapshot: ClaimSnapshot) -> InSync:
    volume = snapshot.volume
    if volume is None:
        raise AssertionError("policies for an absent volume come first in the chain")
    recorded = snapshot.claim.status.attachment
    where = f" on {recorded.nodeName or recorded.instanceId}" if snapshot.claim.direct and recorded else ""
    return InSync(message=f"{volume.volume_id} ({volume.size} GiB, {volume.volume_type}){where}.")
