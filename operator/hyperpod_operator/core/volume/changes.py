"""What each step in AWS changes, for the preview of a claim and for the audit trail."""

from collections.abc import Iterator
from typing import assert_never

from hyperpod_operator.core.engine.call import Effect, PlannedChange
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.plan import (
    Attach,
    CloudStep,
    CreateSnapshot,
    CreateTags,
    CreateVolume,
    DeleteTags,
    DeleteVolume,
    Detach,
    ModifyVolume,
)
from hyperpod_operator.core.volume.ports import NewVolume


def changes_of(snapshot: ClaimSnapshot, step: CloudStep) -> tuple[PlannedChange, ...]:
    """At least one line for each step."""
    return tuple(_changes(snapshot, step))


def _changes(snapshot: ClaimSnapshot, step: CloudStep) -> Iterator[PlannedChange]:
    match step:
        case CreateVolume(request=request):
            yield PlannedChange(path="volume", effect=Effect.ADDS, said=f"create {_described(request)}")
        case ModifyVolume(change=asked):
            for member, name in (("size", "size"), ("volume_type", "volumeType"), ("iops", "iops"),
                                 ("throughput", "throughput")):  # fmt: skip
                wanted = getattr(asked, member)
                if wanted is not None:
                    before = getattr(snapshot.volume, member, None)
                    yield PlannedChange(path=f"volume.{name}", effect=Effect.CHANGES, observed=before, wanted=wanted)
        case CreateTags(tags=tags):
            before = dict(snapshot.volume.tags) if snapshot.volume is not None else {}
            for key, value in sorted(tags.items()):
                yield PlannedChange(path=f"tags[{key}]", effect=Effect.CHANGES, observed=before.get(key), wanted=value)
        case DeleteTags(keys=keys):
            yield from (PlannedChange(path=f"tags[{key}]", effect=Effect.CHANGES, said="remove") for key in keys)
        case Attach(instance_id=instance_id, volume_id=volume_id):
            target = snapshot.claim.target_text if snapshot.claim.by_group else instance_id
            said = f"attach {volume_id} to {'a node of ' if snapshot.claim.by_group else ''}{target}"
            yield PlannedChange(path="attachment", effect=Effect.ADDS, said=said)
        case Detach(instance_id=instance_id, volume_id=volume_id, why=why):
            said = f"detach {volume_id} from {instance_id}: {why}"
            yield PlannedChange(path="attachment", effect=Effect.DISRUPTS, said=said)
        case CreateSnapshot(volume_id=volume_id):
            yield PlannedChange(path="snapshots", effect=Effect.ADDS, said=f"snapshot {volume_id}")
        case DeleteVolume(volume_id=volume_id):
            yield PlannedChange(path="volume", effect=Effect.DESTROYS, said=f"delete {volume_id}")
        case _:
            assert_never(step)


def _described(request: NewVolume) -> str:
    size = f"{request.size} GiB" if request.size else f"of {request.snapshot_id}"
    return f"{size} ({request.volume_type}) in {request.availability_zone or request.availability_zone_id}"
