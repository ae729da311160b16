"""The snapshots of a claim's volume, as status has them."""

from hyperpod_operator.api.names import TAG_INSTANCE, TAG_SNAPSHOT_PURPOSE
from hyperpod_operator.api.volume.status import SnapshotStatus
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.guards import since
from hyperpod_operator.core.volume.pass_record import Accepted, PassRecord
from hyperpod_operator.core.volume.ports import Snapshot

SNAPSHOTS_MOST = 20
WORD_MOST = 128
"""Characters: tags are anybody's to write, and a status that its schema refuses would tell nothing at all."""


def snapshots(pass_record: PassRecord) -> list[SnapshotStatus] | None:
    """As they were read, or as they were; one that was begun a moment ago stays, for AWS may not list it yet."""
    seen, result, snapshot = pass_record.snapshot.observed.snapshots, pass_record.result, pass_record.snapshot
    kept = snapshot.claim.status.snapshots or []
    young = [one for one in kept if since(one.startTime, now=snapshot.now) < snapshot.timings.unseen]
    known = {one.snapshotId: one for one in kept}
    listed = list(kept) if seen is None else [*young, *(_snapshot(item, known.get(item.snapshot_id)) for item in seen)]
    if isinstance(result, Accepted) and isinstance(result.answer, Snapshot):
        listed.append(_snapshot(result.answer))
    by_id = {item.snapshotId: item for item in listed}
    newest = sorted(by_id.values(), key=lambda item: (item.startTime or "", item.snapshotId))[-SNAPSHOTS_MOST:]
    return sorted(newest, key=lambda item: item.snapshotId) or None


def _snapshot(item: Snapshot, known: SnapshotStatus | None = None) -> SnapshotStatus:
    """What it is `known` to have been made for stands where others have taken the tags off that say it."""
    purpose, instance_id = (known.purpose, known.instanceId) if known is not None else (None, None)
    return SnapshotStatus(
        snapshotId=item.snapshot_id,
        state=item.state,
        purpose=(item.tags.get(TAG_SNAPSHOT_PURPOSE) or "")[:WORD_MOST] or purpose,
        instanceId=(item.tags.get(TAG_INSTANCE) or "")[:WORD_MOST] or instance_id,
        startTime=stamp(item.start_time) if item.start_time else None,
    )
