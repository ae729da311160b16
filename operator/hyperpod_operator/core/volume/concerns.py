"""The questions that a pass over a claim asks, in this order, for a claim that exists and for a deleted one.

A concern waits, acts, or has nothing to say (`core.engine.finding`). A modification of the volume and a snapshot of it
are independent of where the volume is attached: neither waits for the other.
"""

from collections.abc import Callable, Sequence
from functools import wraps

from hyperpod_operator.core.engine import finding
from hyperpod_operator.core.engine.decision import InSync
from hyperpod_operator.core.engine.finding import Blocks, Chain, Concern
from hyperpod_operator.core.engine.journal import rejected
from hyperpod_operator.core.engine.once import once
from hyperpod_operator.core.volume import (
    adoption,
    attachment,
    identity,
    missing,
    modification,
    ownership,
    publication,
    reclaim,
    replacement,
    teardown,
    transit,
    whereabouts,
)
from hyperpod_operator.core.volume.decision import Act, Action, ClaimSnapshot, Conclusion, Decision
from hyperpod_operator.core.volume.guards import held_back
from hyperpod_operator.core.volume.plan import concern, fingerprint

ClaimConcern = Concern[ClaimSnapshot, Action]
Policy = Callable[[ClaimSnapshot], Decision | None]


def _asks(name: str, *policies: Policy, blocks: Blocks = Blocks.NOTHING) -> ClaimConcern:
    asked = tuple(_held_back(policy) for policy in policies)
    return Concern(name=name, judge=Chain[ClaimSnapshot, Action](policies=asked, blocks=blocks))


def _held_back(policy: Policy) -> Policy:
    """The policy, whose step in Kubernetes waits where the API server rejected it lately."""

    @wraps(policy)
    def asked(snapshot: ClaimSnapshot) -> Decision | None:
        answer = policy(snapshot)
        return None if answer is None else held_back(snapshot, answer)

    return asked


# Is there a volume, and is it usable?
VOLUME = _asks(
    "Volume",
    identity.paused,
    identity.ambiguous,
    identity.not_visible_yet,
    whereabouts.unproved_absence,
    missing.look_again,
    identity.lost,
    adoption.inherited,
    identity.create,
    identity.failed,
    identity.creating,
    blocks=Blocks.EVERYTHING,
)
# Which Nodes let pods in? Whatever else is amiss, a Node that does not hold the volume is none of them.
DOORS = _asks("NodeLabel", attachment.stray_label, blocks=Blocks.ACTIONS)
# Is it ours, and ours alone?
OWNERSHIP = _asks(
    "Ownership",
    ownership.held_by_other,
    ownership.attached_to_others,
    ownership.held_by_csi,
    ownership.multi_attach,
    adoption.take,
    ownership.lease,
    blocks=Blocks.EVERYTHING,
)
# Is the rest of its tags there? What AWS refuses here keeps no volume from its node.
TAGS = _asks("Tags", ownership.tag)
# What is it? A modification works attached or not.
MODIFICATION = _asks("Modification", modification.modify)
# Where is it, and where should it be?
ATTACHMENT = _asks(
    "Attachment",
    attachment.foreign,
    transit.on_the_way,
    attachment.lost_node,
    replacement.snapshot,
    attachment.leave,
    attachment.suspended,
    attachment.unresolved,
    attachment.attach,
    publication.label,
    blocks=Blocks.ACTIONS,
)
# How do pods see it?
PUBLICATION = _asks("Publication", publication.persistent_volume, publication.persistent_volume_claim)
# What is not as the spec asks for, although nothing is left to do now?
UNFINISHED = (
    _asks("Target", attachment.stays),
    _asks("Snapshot", replacement.unfinished),
    _asks("Size", modification.unfinished),
)

DIRECT: Sequence[ClaimConcern] = (VOLUME, DOORS, OWNERSHIP, TAGS, MODIFICATION, ATTACHMENT, PUBLICATION, *UNFINISHED)
"""The operator attaches the volume."""
CSI: Sequence[ClaimConcern] = (VOLUME, DOORS, OWNERSHIP, TAGS, MODIFICATION, PUBLICATION, *UNFINISHED)
"""The CSI driver attaches it."""

DELETED: Sequence[ClaimConcern] = (
    _asks("Pause", teardown.paused, blocks=Blocks.EVERYTHING),
    # Close the door.
    _asks(
        "Publication",
        teardown.pods,
        publication.spared,
        teardown.persistent_volume_claim,
        teardown.persistent_volume,
        teardown.node_label,
        blocks=Blocks.ACTIONS,
    ),
    # Is there anything of ours in AWS?
    _asks(
        "Volume",
        identity.ambiguous,
        teardown.not_visible_yet,
        whereabouts.unproved_absence,
        missing.look_again,
        teardown.not_ours,
        blocks=Blocks.EVERYTHING,
    ),
    # It is ours: take it off its node, then delete it or leave it in AWS.
    _asks("Attachment", teardown.csi, teardown.detach, blocks=Blocks.ACTIONS),
    _asks("Snapshot", reclaim.snapshot, blocks=Blocks.ACTIONS),
    _asks("Deletion", teardown.delete, teardown.retain),
)


def concerns(snapshot: ClaimSnapshot) -> Sequence[ClaimConcern]:
    """What is asked about this claim."""
    if snapshot.claim.deleting:
        return DELETED
    return DIRECT if snapshot.claim.direct else CSI


@once
def judge(snapshot: ClaimSnapshot) -> finding.Decision[Action]:
    """What all concerns find."""
    return finding.judge(concerns(snapshot), snapshot, yields=lambda action: _rejected_lately(snapshot, action))


def _rejected_lately(snapshot: ClaimSnapshot, action: Action) -> int:
    """0 where this very step was not; of several that were, more for one that was rejected later."""
    if not isinstance(action, Act):
        return 0
    of, mark = concern(action.step), fingerprint(action.step)
    for place, one in enumerate(snapshot.claim.status.operations or (), start=1):
        if one.concern == of and rejected(one) and one.fingerprint == mark:
            return place
    return 0


def decide(snapshot: ClaimSnapshot) -> Conclusion:
    """What this pass does, or waits for."""
    found = judge(snapshot)
    return found.action or found.wait or _settled(snapshot)


def _settled(snapshot: ClaimSnapshot) -> InSync:
    volume = snapshot.volume
    if volume is None:
        raise AssertionError("a claim without a volume waits, or acts")
    recorded = snapshot.claim.status.attachment
    where = f" on {recorded.nodeName or recorded.instanceId}" if snapshot.claim.direct and recorded else ""
    return InSync(message=f"{volume.volume_id} ({volume.size} GiB, {volume.volume_type}){where}.")
