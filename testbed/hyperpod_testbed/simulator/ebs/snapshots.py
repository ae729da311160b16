"""CreateSnapshot, DescribeSnapshots, DeleteSnapshot. A snapshot takes time, and may end in `error`."""

from typing import Any

from hyperpod_testbed.simulator.ebs import lists, present, tags
from hyperpod_testbed.simulator.ebs.errors import incorrect_state, missing, require_wet, snapshot_not_found
from hyperpod_testbed.simulator.ebs.state import Snapshot
from hyperpod_testbed.simulator.ebs.volumes import volume_of
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

PENDING = {"st1": 1, "sc1": 1}
MOST_PENDING = 5
"""Pending snapshots per volume; of the types in PENDING as many as said there (EBS quotas)."""
FAILED = "The snapshot could not be completed."

_FIELDS: dict[str, Any] = {
    "snapshot-id": lambda one: one.id,
    "volume-id": lambda one: one.volume_id,
    "status": lambda one: one.status,
    "volume-size": lambda one: one.size,
    "description": lambda one: one.description,
    "encrypted": lambda one: one.encrypted,
}


def create_snapshot(sim: Simulation, region: Region, request: JSON) -> JSON:
    """CreateSnapshot, of a volume in use too. Nothing makes it idempotent."""
    volume = volume_of(region, request)
    if volume.status not in {"available", "in-use"}:
        raise incorrect_state(f"Volume '{volume.id}' is in the '{volume.status}' state; no snapshot can be taken.")
    pending = [one for one in region.ebs.snapshots.values() if (one.volume_id, one.status) == (volume.id, "pending")]
    if len(pending) >= PENDING.get(volume.type, MOST_PENDING):
        raise AwsError(
            "ConcurrentSnapshotLimitExceeded", f"Maximum allowed in-progress snapshots for volume {volume.id} exceeded."
        )
    made = Snapshot(
        id=sim.names.snapshot_id(),
        volume_id=volume.id,
        size=volume.size,
        volume_type=volume.type,
        started_at=sim.now,
        description=request.get("Description", ""),
        encrypted=volume.encrypted,
        kms_key=volume.kms_key,
        tags=tags.of_creation(request, "snapshot"),
    )
    require_wet(bool(request.get("DryRun")))
    region.ebs.snapshots[made.id] = made
    fails = region.ebs.script.failing_snapshots > 0
    if fails:
        region.ebs.script.failing_snapshots -= 1
    sim.timeline.after(sim.timings.snapshot, lambda: _taken(sim, made, fails=fails))
    return present.newly_taken(present.snapshot(sim, made))


def describe_snapshots(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeSnapshots of the own account; what others share is not simulated."""
    ids = request.get("SnapshotIds") or []
    lists.check_ids(ids, prefix="snap", parameter="snapshotId")
    known = region.ebs.snapshots
    if absent := [one for one in ids if one not in known]:
        raise snapshot_not_found(*absent)
    owners = request.get("OwnerIds") or ["self"]
    found = [known[one] for one in dict.fromkeys(ids)] if ids else list(known.values())
    if not {"self", sim.account.id} & set(owners):
        found = []
    found = lists.matching(found, request, fields=_FIELDS, tags=lambda one: one.tags)
    answer = lists.page(sim, found, request, operation="DescribeSnapshots", ids="SnapshotIds")
    require_wet(bool(request.get("DryRun")))
    return {"Snapshots": [present.snapshot(sim, one) for one in answer.pop("items")], **answer}


def delete_snapshot(_: Simulation, region: Region, request: JSON) -> JSON:
    """DeleteSnapshot; gone at once."""
    name = request.get("SnapshotId")
    if not name:
        raise missing("SnapshotId")
    lists.check_ids([name], prefix="snap", parameter="snapshotId")
    if name not in region.ebs.snapshots:
        raise snapshot_not_found(name)
    require_wet(bool(request.get("DryRun")))
    del region.ebs.snapshots[name]
    return {}


def _taken(sim: Simulation, one: Snapshot, *, fails: bool) -> None:
    one.completed_at = sim.now
    one.status = "error" if fails else "completed"
    one.message = FAILED if fails else ""
