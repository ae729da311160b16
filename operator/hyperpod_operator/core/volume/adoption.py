"""Whose a volume is that was there before the claim, and when the claim may take it.

Only EC2's tags tell, read in the same pass: a name in status proves nothing, and a name in the spec proves only that
its author knows the volume. What is taken is announced first, so that a person can prevent it.
"""

from enum import StrEnum
from typing import assert_never

from hyperpod_operator.api import names
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Hold
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.volume import tags
from hyperpod_operator.core.volume.claim import CREATED, Claim
from hyperpod_operator.core.volume.guards import guarded
from hyperpod_operator.core.volume.modification import NOTHING, change, describe
from hyperpod_operator.core.volume.plan import CreateTags, Mark, mark
from hyperpod_operator.core.volume.ports import Volume
from hyperpod_operator.core.volume.verdict import Situation, Verdict

OWNERS = (names.TAG_CLAIM_UID, names.TAG_OWNER, names.TAG_OWNER_UID)
"""Tags that say that some installation of the operator has the resource."""


class Belongs(StrEnum):
    """To whom AWS's tags give a volume."""

    OURS = "Ours"
    FORMER = "Former"
    """An earlier claim of the same namespace and name, in the same EKS cluster: deleted, lost or restored."""
    OTHER_CLAIM = "OtherClaim"
    """Another claim of the same EKS cluster."""
    ELSEWHERE = "Elsewhere"
    """Another EKS cluster, another installation, or nobody can say which."""
    NOBODY = "Nobody"


def belongs(situation: Situation, volume: Volume) -> Belongs:
    """Judged by the tags alone."""
    claim, found = situation.claim, volume.tags
    uid, eks = found.get(names.TAG_CLAIM_UID, ""), situation.eks_cluster_arn
    if uid == claim.uid:
        return Belongs.OURS
    here = bool(eks) and found.get(names.TAG_EKS_CLUSTER) == eks
    if not any(found.get(key) for key in OWNERS):
        released = found.get(names.TAG_RELEASED) == claim.owner
        return Belongs.FORMER if released and here else Belongs.NOBODY
    if not here:
        return Belongs.ELSEWHERE
    return Belongs.FORMER if found.get(names.TAG_OWNER) == claim.owner else Belongs.OTHER_CLAIM


def left_behind(situation: Situation, volume: Volume) -> bool:
    """Whether a volume that names this claim's namespace and name may hold its data: of this EKS cluster, or of one
    that cannot be compared because this one, or that one, is not known."""
    if volume.state in {"deleting", "deleted"} or volume.tags.get(names.TAG_CLAIM_UID) == situation.claim.uid:
        return False
    theirs, ours = volume.tags.get(names.TAG_EKS_CLUSTER), situation.eks_cluster_arn
    return not theirs or not ours or theirs == ours


def take(situation: Situation) -> Verdict | None:
    """A volume that does not carry this claim's tag: left alone, or announced and then taken by policy."""
    volume = situation.volume
    if volume is None:
        return None
    whose = belongs(situation, volume)
    match whose:
        case Belongs.OURS:
            return None
        case Belongs.OTHER_CLAIM | Belongs.ELSEWHERE:
            if situation.claim.origin == CREATED or not _forces(situation, whose):
                return _of_others(situation, volume, whose)
        case Belongs.NOBODY:
            if situation.claim.origin == CREATED:
                return unproved(situation, volume)
            if not situation.claim.adopts:
                return _not_asked_for(situation, volume)
        case Belongs.FORMER:
            if _lost(situation):
                return _of_others(situation, volume, whose)
            if not situation.claim.adopts:
                return _left_behind(situation, (volume,))
        case _:
            assert_never(whose)
    return _announced(situation, volume)


def inherited(situation: Situation) -> Verdict | None:
    """Before a volume is made: one of an earlier claim of this name holds its data, and an empty one in its place would
    hide that."""
    claim, former = situation.claim, situation.observed.former
    if claim.origin != CREATED or situation.volume is not None or not former:
        return None
    return _left_behind(situation, former)


def unproved(situation: Situation, volume: Volume) -> Hold:
    """Status names a volume that no tag proves to be this claim's: it is neither tagged nor changed nor released."""
    message = (
        f"{volume.volume_id} does not carry the tag {names.TAG_CLAIM_UID}={situation.claim.uid}, which alone proves "
        "that this claim owns it. The operator does not tag, change or delete it. If this claim owns the volume, "
        "set that tag in EC2. Otherwise delete this object with the annotation "
        f"{names.ABANDON}={situation.claim.key.name}."
    )
    return Hold(reason=Reason.NOT_OWNED, message=message, after=SLOW, stalled=True)


def _forces(situation: Situation, whose: Belongs) -> bool:
    """Force takes a volume from another claim of this EKS cluster only, and never one that was this claim's before: two
    claims would take it from each other without end."""
    return whose is Belongs.OTHER_CLAIM and situation.claim.forced and not _lost(situation)


def _lost(situation: Situation) -> bool:
    """Whether the volume was this claim's before: a claim that was newer, or forced, took it."""
    recorded = situation.claim.status.ownership
    return recorded is not None and recorded.tag == situation.claim.uid


def _of_others(situation: Situation, volume: Volume, whose: Belongs) -> Hold:
    other = tags.other_claim(situation) or "another owner"
    where = volume.tags.get(names.TAG_EKS_CLUSTER) or "an EKS cluster that it does not name"
    if whose is Belongs.OTHER_CLAIM and situation.claim.origin != CREATED:
        way = (
            "If that claim no longer exists, set management.adoptionPolicy: Force; otherwise delete one of the two "
            "claims."
        )
    else:
        way = "The operator never adopts it. Release it there, or use another volume."
    message = f"{volume.volume_id} carries the tag of {other} of {where}. {way}"
    return Hold(reason=Reason.CLAIMED_BY_OTHER, message=message, after=SLOW, stalled=True)


def _not_asked_for(situation: Situation, volume: Volume) -> Hold:
    message = (
        f"{volume.volume_id} exists and management.adoptionPolicy is Never (the default): the operator does not tag, "
        "change, attach or delete it. Set management.adoptionPolicy: IfUnowned to adopt it; the operator announces "
        f"that {situation.timings.adoption_notice:.0f} seconds before."
    )
    return Hold(reason=Reason.NOT_OWNED, message=message, after=SLOW, stalled=True)


def _left_behind(situation: Situation, volumes: tuple[Volume, ...]) -> Hold:
    """An earlier claim of this namespace and name left volumes: say which, and stop."""
    claim = situation.claim
    named = ", ".join(_described(volume) for volume in volumes[:5]) + (" and others" if len(volumes) > 5 else "")
    if len(volumes) > 1:
        way = "Name one in source.volumeId of a new claim, or remove these tags from all but one."
    else:
        way = "Set management.adoptionPolicy: IfUnowned to continue with that volume and its data."
    message = (
        f"An earlier claim {claim.key} left {named}. The operator does not create an empty volume instead. {way} To "
        f"get an empty one, remove the tags {names.TAG_OWNER} and {names.TAG_RELEASED} from what was left."
    )
    return Hold(reason=Reason.NOT_OWNED, message=message, after=SLOW, stalled=True)


def _described(volume: Volume) -> str:
    uid = volume.tags.get(names.TAG_CLAIM_UID)
    return f"{volume.volume_id} ({volume.size} GiB, {f'uid {uid}' if uid else 'released'})"


def _announced(situation: Situation, volume: Volume) -> Verdict:
    """Say first, wait, then take: what is announced is what is changed afterwards."""
    recorded, wanted = situation.claim.status.adoption, announcement(situation, volume)
    same = recorded is not None and recorded.fingerprint == wanted.fingerprint
    said_at = parse_time(recorded.announcedAt or "") if same and recorded else None
    left = situation.timings.adoption_notice - ((situation.now - said_at).total_seconds() if said_at else 0.0)
    if said_at is not None and left <= 0:
        step = CreateTags(volume_id=volume.volume_id, tags=dict(sorted(tags.missing(situation).items())))
        message = f"Adopting {volume.volume_id}: setting this claim's tags."
        return guarded(situation, step=step, reason=Reason.ADOPTED, message=message)
    message = (
        f"Adopting {volume.volume_id} in {situation.timings.adoption_notice:.0f} s. Changes: "
        f"{'; '.join(wanted.lines)}. Set spec.management.paused to true to prevent it."
    )
    return Hold(reason=Reason.ADOPTION_ANNOUNCED, message=message, after=max(left, 1.0))


def announcement(situation: Situation, volume: Volume) -> Mark:
    """What adopting the volume changes, one line each, with its fingerprint."""
    keys = ", ".join(sorted(tags.missing(situation)))
    lines = [f"tags {keys}"]
    if (wanted := change(situation)) != NOTHING:
        lines.append(describe(wanted))
    return mark("Adopt", volume.volume_id, lines)


def is_adopted(claim: Claim, volume: Volume) -> bool:
    """Whether the volume was there before the operator: by the spec, or by its tag, which outlives a claim."""
    return claim.origin != CREATED or names.TAG_ADOPTED in volume.tags
