"""Whose the volume is by its tags, and the announcement that it is to be taken over, as status has them."""

from hyperpod_operator.api.common.adoption import Adoption
from hyperpod_operator.api.names import TAG_CLAIM_UID, Reason
from hyperpod_operator.api.volume.status import Ownership
from hyperpod_operator.core.engine.journal import entry_of, rejected
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.adoption import OWNERS, announcement
from hyperpod_operator.core.volume.memory.missing import missing
from hyperpod_operator.core.volume.memory.snapshots import WORD_MOST
from hyperpod_operator.core.volume.pass_record import PassRecord, Rejected
from hyperpod_operator.core.volume.plan import TAGS
from hyperpod_operator.core.volume.tags import ours


def ownership(pass_record: PassRecord) -> Ownership | None:
    """By the tag that this pass read; what was known stands where AWS lacks the volume or its tag."""
    snapshot, old = pass_record.snapshot, pass_record.snapshot.claim.status
    volume = snapshot.volume
    if volume is None:
        return old.ownership if missing(pass_record) else None
    if old.ownership is not None and not volume.tags.get(TAG_CLAIM_UID):
        return old.ownership  # that it was ours once is what keeps the claim from ending without it
    tag = volume.tags.get(TAG_CLAIM_UID)
    return Ownership(mode=snapshot.claim.origin, tag=tag[:WORD_MOST] if tag else tag)


def tag_taken(pass_record: PassRecord) -> bool | None:
    """Whether another claim's tag came in the place of this claim's. It stands until this claim's is back, or nobody
    owns the volume any more: without it, two claims would take the volume from each other without end."""
    snapshot, old = pass_record.snapshot, pass_record.snapshot.claim.status
    volume = snapshot.volume
    if volume is None:
        return old.remembered.tagTaken
    if ours(snapshot) or not any(volume.tags.get(key) for key in OWNERS):
        return None
    had = old.ownership is not None and old.ownership.tag == snapshot.claim.uid
    return (had and bool(volume.tags.get(TAG_CLAIM_UID))) or old.remembered.tagTaken or None


def adoption(pass_record: PassRecord, end: ResultSummary) -> Adoption | None:
    """The announcement, from its first pass until the volume is this claim's or something else comes in between. That
    AWS rejected the call is nothing else: what was announced once is not announced before each try."""
    snapshot, old = pass_record.snapshot, pass_record.snapshot.claim.status.adoption
    volume = snapshot.volume
    if isinstance(pass_record.result, Rejected):
        return old
    refused = entry_of(snapshot.claim.status.operations, TAGS)
    waits = {Reason.ADOPTION_ANNOUNCED, Reason.ADOPTED, *([refused.reason] if rejected(refused) and refused else [])}
    if volume is None or end.reason not in waits:
        return None
    wanted = announcement(snapshot, volume)
    if old is not None and old.fingerprint == wanted.fingerprint:
        return old
    lines = [line[:512] for line in wanted.lines]
    return Adoption(fingerprint=wanted.fingerprint, announcedAt=stamp(snapshot.now), changes=lines)
