"""Whose a volume is that was there before the claim, and when the claim may take it.

Only EC2's tags tell, read in the same pass: a name in status proves nothing, and a name in the spec proves only that
its author knows the volume. What is taken is announced first, so that a person can prevent it.
"""

from dataclasses import replace
from enum import StrEnum
from typing import assert_never

from hyperpod_operator.api import names
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.text import listed
from hyperpod_operator.core.volume import tags
from hyperpod_operator.core.volume.claim import CREATED, Claim
from hyperpod_operator.core.volume.decision import ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import act_once
from hyperpod_operator.core.volume.modification import NOTHING, change, describe
from hyperpod_operator.core.volume.plan import CreateTags, Mark, mark
from hyperpod_operator.core.volume.ports import Volume
from hyperpod_operator.core.volume.target import Unresolved, resolve

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


def belongs(snapshot: ClaimSnapshot, volume: Volume) -> Belongs:
    """Judged by the tags alone."""
    claim, found = snapshot.claim, volume.tags
    uid, eks = found.get(names.TAG_CLAIM_UID, ""), snapshot.eks_cluster_arn
    if uid == claim.uid:
        return Belongs.OURS
    here = bool(eks) and found.get(names.TAG_EKS_CLUSTER) == eks
    if not any(found.get(key) for key in OWNERS):
        released = found.get(names.TAG_RELEASED) == claim.owner
        return Belongs.FORMER if released and here else Belongs.NOBODY
    if not here:
        return Belongs.ELSEWHERE
    return Belongs.FORMER if found.get(names.TAG_OWNER) == claim.owner else Belongs.OTHER_CLAIM


def left_behind(snapshot: ClaimSnapshot, volume: Volume) -> bool:
    """Whether a volume that names this claim's namespace and name may hold its data: of this EKS cluster, or of one
    that cannot be compared because this one, or that one, is not known."""
    if volume.state in {"deleting", "deleted"} or volume.tags.get(names.TAG_CLAIM_UID) == snapshot.claim.uid:
        return False
    if volume.tags.get(names.TAG_OWNER, snapshot.claim.owner) != snapshot.claim.owner:
        return False  # released by this name once, and another claim's since
    theirs, ours = volume.tags.get(names.TAG_EKS_CLUSTER), snapshot.eks_cluster_arn
    return not theirs or not ours or theirs == ours


def take(snapshot: ClaimSnapshot) -> Decision | None:
    """A volume that does not carry this claim's tag: left alone, or announced and then taken by policy."""
    volume = snapshot.volume
    if volume is None:
        return None
    whose = belongs(snapshot, volume)
    if whose in {Belongs.FORMER, Belongs.ELSEWHERE} and _untagged(snapshot, volume):
        return unproved(snapshot, volume)
    if (unknown := _of_which_cluster(snapshot, volume, whose)) is not None:
        return unknown
    match whose:
        case Belongs.OURS:
            return None
        case Belongs.OTHER_CLAIM | Belongs.ELSEWHERE:
            if snapshot.claim.origin == CREATED or not _forces(snapshot, whose):
                return _of_others(snapshot, volume, whose)
        case Belongs.NOBODY:
            if snapshot.claim.origin == CREATED:
                return unproved(snapshot, volume)
            if not snapshot.claim.adopts:
                return _not_asked_for(snapshot, volume)
        case Belongs.FORMER:
            if _lost(snapshot):
                return _of_others(snapshot, volume, whose)
            if not snapshot.claim.adopts:
                return _left_behind(snapshot, (volume,))
        case _:
            assert_never(whose)
    if snapshot.observed.elsewhere and takes_from_another(snapshot, volume):
        return _of_another_control_plane(snapshot, volume)
    return _announced(snapshot, volume)


def _of_which_cluster(snapshot: ClaimSnapshot, volume: Volume, whose: Belongs) -> Wait | None:
    """A volume that may be of this EKS cluster: AWS shows no HyperPod cluster of this claim, which alone says which one
    that is. A cluster that is being created, as after a restore, answers it."""
    owner, resolution = _named_owner(snapshot, volume), resolve(snapshot)
    if snapshot.observed.cluster is not None or not isinstance(resolution, Unresolved) or not owner:
        return None
    if whose is not Belongs.ELSEWHERE and volume not in (snapshot.observed.former or ()):
        return None
    theirs, ours = volume.tags.get(names.TAG_EKS_CLUSTER, ""), snapshot.observed.desired_eks_cluster
    if theirs and ours and theirs != ours:
        return None
    hold = resolution.hold
    message = (
        f"{volume.volume_id} carries the tag of {owner} of {theirs or 'an EKS cluster that it does not name'}, and the "
        f"operator does not know whether that is the one of this claim. {hold.message}"
    )
    return replace(hold, message=message)


def _named_owner(snapshot: ClaimSnapshot, volume: Volume) -> str:
    """Whom the tags name as the owner, or as the one who released the volume, for people; empty for nobody."""
    return tags.other_claim(snapshot) or volume.tags.get(names.TAG_OWNER) or volume.tags.get(names.TAG_RELEASED, "")


def takes_from_another(snapshot: ClaimSnapshot, volume: Volume) -> bool:
    """Whether the claim's policy has it take the volume from a claim that the tags name as its owner."""
    whose = belongs(snapshot, volume)
    former = whose is Belongs.FORMER and snapshot.claim.adopts and any(volume.tags.get(key) for key in OWNERS)
    return former or _forces(snapshot, whose)


def _of_another_control_plane(snapshot: ClaimSnapshot, volume: Volume) -> Wait:
    """A claim that lives elsewhere, and a copy of it from a backup here."""
    message = (
        f"{volume.volume_id} carries the tag of {tags.other_claim(snapshot) or 'another owner'}. This operator serves "
        f"the API of another EKS cluster than {snapshot.eks_cluster_arn}, so that claim may exist there, and this one "
        "be a copy of it from a backup: the operator does not tag, change, attach or delete the volume. If it is a "
        f"copy, delete this one. If that claim is gone, set the tag {names.TAG_CLAIM_UID}={snapshot.claim.uid} on the "
        f"volume in EC2{_by_which_iam_knows_it(snapshot, volume)}; this one then continues with it."
    )
    return Wait(reason=Reason.CLAIMED_BY_OTHER, message=message, after=SLOW, stalled=True)


def inherited(snapshot: ClaimSnapshot) -> Decision | None:
    """Before a volume is made: one of an earlier claim of this name holds its data, and an empty one in its place would
    hide that."""
    claim, former = snapshot.claim, snapshot.observed.former
    if claim.origin != CREATED or snapshot.volume is not None or not former:
        return None
    return _left_behind(snapshot, former)


def unproved(snapshot: ClaimSnapshot, volume: Volume) -> Wait:
    """Status names a volume that no tag proves to be this claim's: it is neither tagged nor changed nor released."""
    tag = f"that tag in EC2{_by_which_iam_knows_it(snapshot, volume)}"
    message = (
        f"{volume.volume_id} does not carry the tag {names.TAG_CLAIM_UID}={snapshot.claim.uid}, which alone proves "
        "that this claim owns it. The operator does not tag, change or delete it. If this claim owns the volume, "
        f"set {tag}. Otherwise delete this object with the annotation "
        f"{names.ABANDON}={snapshot.claim.key.name}."
    )
    return Wait(reason=Reason.NOT_OWNED, message=message, after=SLOW, stalled=True)


def _by_which_iam_knows_it(snapshot: ClaimSnapshot, volume: Volume) -> str:
    """The other tag that the operator's role needs on a volume before it may set any (docs/iam.md)."""
    eks = snapshot.eks_cluster_arn
    missing = eks and volume.tags.get(names.TAG_EKS_CLUSTER) != eks
    return f", and {names.TAG_EKS_CLUSTER}={eks}" if missing else ""


def _forces(snapshot: ClaimSnapshot, whose: Belongs) -> bool:
    """Force takes a volume from another claim of this EKS cluster only, and never one that was this claim's before: two
    claims would take it from each other without end."""
    return whose is Belongs.OTHER_CLAIM and snapshot.claim.forced and not _lost(snapshot)


def _lost(snapshot: ClaimSnapshot) -> bool:
    """Whether the volume was this claim's before: a claim that was newer, or forced, took it."""
    status = snapshot.claim.status
    had = status.ownership is not None and status.ownership.tag == snapshot.claim.uid
    return had or bool(status.remembered.tagTaken)


def _untagged(snapshot: ClaimSnapshot, volume: Volume) -> bool:
    """Whether the volume was this claim's and still names it, and only the tag that proves it is gone: others removed
    that, and no other claim took the volume."""
    recorded = snapshot.claim.status.ownership
    had = recorded is not None and recorded.tag == snapshot.claim.uid
    names_it = volume.tags.get(names.TAG_OWNER) == snapshot.claim.owner
    return had and names_it and not volume.tags.get(names.TAG_CLAIM_UID)


def _of_others(snapshot: ClaimSnapshot, volume: Volume, whose: Belongs) -> Wait:
    other = tags.other_claim(snapshot) or "another owner"
    where = volume.tags.get(names.TAG_EKS_CLUSTER) or "an EKS cluster that it does not name"
    if whose is Belongs.OTHER_CLAIM and snapshot.claim.origin != CREATED:
        way = (
            "If that claim no longer exists, set management.adoptionPolicy: Force; otherwise delete this claim, or set "
            "reclaimPolicy: Retain on that one, so that the volume stays, and delete it."
        )
    elif _lost(snapshot):
        way = (
            "That claim took it from this one, and the operator does not take it back. Release it there; if that claim "
            f"no longer exists, set the tag {names.TAG_CLAIM_UID}={snapshot.claim.uid} on the volume in EC2"
            f"{_by_which_iam_knows_it(snapshot, volume)}."
        )
    else:
        way = "The operator never adopts it. Release it there, or use another volume."
    message = f"{volume.volume_id} carries the tag of {other} of {where}. {way}"
    return Wait(reason=Reason.CLAIMED_BY_OTHER, message=message, after=SLOW, stalled=True)


def _not_asked_for(snapshot: ClaimSnapshot, volume: Volume) -> Wait:
    message = (
        f"{volume.volume_id} exists and management.adoptionPolicy is Never (the default): the operator does not tag, "
        "change, attach or delete it. Set management.adoptionPolicy: IfUnowned to adopt it; the operator announces "
        f"that {snapshot.timings.adoption_notice:.0f} seconds before."
    )
    return Wait(reason=Reason.NOT_OWNED, message=message, after=SLOW, stalled=True)


def _left_behind(snapshot: ClaimSnapshot, volumes: tuple[Volume, ...]) -> Wait:
    """An earlier claim of this namespace and name left volumes: say which, and stop."""
    claim = snapshot.claim
    named = listed([_described(volume) for volume in volumes], most=5, separator=", ", rest=" ")
    if len(volumes) > 1:
        way = "Name one in source.volumeId of a new claim, or remove these tags from all but one."
    else:
        way = "Set management.adoptionPolicy: IfUnowned to continue with that volume and its data."
    message = f"An earlier claim {claim.key} left {named}."
    if claim.origin != CREATED:
        message += f" {way}"
    else:
        message += (
            f" The operator does not create an empty volume instead. {way} To get an empty one, remove the tags "
            f"{names.TAG_OWNER} and {names.TAG_RELEASED} from what was left."
        )
    return Wait(reason=Reason.NOT_OWNED, message=message, after=SLOW, stalled=True)


def _described(volume: Volume) -> str:
    uid = volume.tags.get(names.TAG_CLAIM_UID)
    return f"{volume.volume_id} ({volume.size} GiB, {f'uid {uid}' if uid else 'released'})"


def _announced(snapshot: ClaimSnapshot, volume: Volume) -> Decision:
    """Say first, wait, then take: what is announced is what is changed afterwards."""
    recorded, wanted = snapshot.claim.status.adoption, announcement(snapshot, volume)
    same = recorded is not None and recorded.fingerprint == wanted.fingerprint
    said_at = parse_time(recorded.announcedAt or "") if same and recorded else None
    left = snapshot.timings.adoption_notice - ((snapshot.now - said_at).total_seconds() if said_at else 0.0)
    if said_at is not None and left <= 0:
        step = CreateTags(volume_id=volume.volume_id, tags=dict(sorted(tags.missing(snapshot).items())))
        message = f"Adopting {volume.volume_id}: setting this claim's tags."
        return act_once(snapshot, step=step, reason=Reason.ADOPTED, message=message)
    message = (
        f"Adopting {volume.volume_id} in {snapshot.timings.adoption_notice:.0f} s. Changes: "
        f"{'; '.join(wanted.lines)}. Set spec.management.paused to true to prevent it."
    )
    return Wait(reason=Reason.ADOPTION_ANNOUNCED, message=message, after=max(left, 1.0))


def announcement(snapshot: ClaimSnapshot, volume: Volume) -> Mark:
    """What adopting the volume changes, one line each, with its fingerprint."""
    keys = ", ".join(sorted(tags.missing(snapshot)))
    lines = [f"tags {keys}"]
    if (wanted := change(snapshot)) != NOTHING:
        lines.append(describe(wanted))
    return mark("Adopt", volume.volume_id, lines)


def is_adopted(claim: Claim, volume: Volume) -> bool:
    """Whether the volume was there before the operator: by the spec, or by its tag, which outlives a claim."""
    return claim.origin != CREATED or names.TAG_ADOPTED in volume.tags
