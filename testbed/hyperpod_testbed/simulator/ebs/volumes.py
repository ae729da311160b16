"""CreateVolume, DescribeVolumes, DeleteVolume.

A creation that is bound to fail answers as if it succeeded and fails later, as EC2 does with a KMS key that it may not
use; its ClientToken is burnt for as long as tokens live.
"""

from typing import Any

from hyperpod_testbed.simulator.ebs import lists, present, rules, tags
from hyperpod_testbed.simulator.ebs.errors import (
    combination,
    in_use,
    incorrect_state,
    invalid,
    missing,
    require_wet,
    snapshot_not_found,
    volume_not_found,
)
from hyperpod_testbed.simulator.ebs.state import RegionalEbs, Snapshot, UsedToken, Volume
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.names import Zone, partition, zones
from hyperpod_testbed.simulator.prerequisites import inventory, quotas
from hyperpod_testbed.simulator.prerequisites.resources import Key
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

_DEFAULT_KEY = "00000000-0000-4000-8000-000000000000"
"""What `aws/ebs` of the account is called here."""

_FIELDS: dict[str, Any] = {
    "volume-id": lambda one: one.id,
    "status": lambda one: one.status,
    "size": lambda one: one.size,
    "volume-type": lambda one: one.type,
    "availability-zone": lambda one: one.zone.name,
    "availability-zone-id": lambda one: one.zone.id,
    "snapshot-id": lambda one: one.snapshot_id,
    "encrypted": lambda one: one.encrypted,
    "multi-attach-enabled": lambda one: one.multi_attach,
    "attachment.status": lambda one: [item.status for item in one.attachments],
    "attachment.delete-on-termination": lambda one: [item.delete_on_termination for item in one.attachments],
    # Attachments to what AWS manages have neither, so these never match one.
    "attachment.instance-id": lambda one: [item.instance_id for item in one.attachments if not item.resource],
    "attachment.device": lambda one: [item.device for item in one.attachments if not item.resource],
}


def describe_volumes(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeVolumes: by ids, all of which must exist, or by filters."""
    ids = request.get("VolumeIds") or []
    lists.check_ids(ids, prefix="vol", parameter="volumeId")
    known = region.ebs.volumes
    if absent := [one for one in ids if one not in known]:
        raise volume_not_found(*absent)
    found = [known[one] for one in dict.fromkeys(ids)] if ids else list(known.values())
    found = lists.matching(found, request, fields=_FIELDS, tags=lambda one: one.tags)
    answer = lists.page(sim, found, request, operation="DescribeVolumes", ids="VolumeIds")
    require_wet(bool(request.get("DryRun")))
    return {"Volumes": [present.volume(sim, region, one) for one in answer.pop("items")], **answer}


def create_volume(sim: Simulation, region: Region, request: JSON) -> JSON:
    """CreateVolume: a token that was used before repeats its answer, if everything else is the same."""
    made = _wanted(sim, region, request)
    require_wet(bool(request.get("DryRun")))
    ebs, token = region.ebs, request.get("ClientToken")
    quota = sim.options.volume_quota
    if quota is not None and len(ebs.volumes) >= quota:
        # Before the token is looked at, as on AWS.
        raise rules.quota_exceeded(quota)
    check_storage(sim, region, made.type, more=made.size)
    asked = {name: value for name, value in request.items() if name not in {"ClientToken", "DryRun"}}
    if token and (known := _repeated(sim, ebs, token, asked)):
        return present.created(present.volume(sim, region, known))
    made.id = sim.names.volume_id()
    made.tags = tags.of_creation(request, "volume")
    ebs.volumes[made.id] = made
    if token:
        ebs.tokens[token] = UsedToken(time=sim.now, request=asked, volume_id=made.id)
    fails = not usable_key(sim, region, made)
    if ebs.script.failing_volumes > 0:
        ebs.script.failing_volumes -= 1
        fails = True
    sim.timeline.after(sim.timings.volume_create, lambda: _created(sim, ebs, made, fails=fails))
    return present.created(present.volume(sim, region, made))


def check_storage(sim: Simulation, region: Region, kind: str, *, more: int) -> None:
    """The volumes of a type stay within the account's storage when they grow by `more` GiB."""
    limit = quotas.limit(sim, "ebs", quotas.storage(kind))
    used = sum(one.size for one in region.ebs.volumes.values() if one.type == kind)
    if used + more > limit * 1024:
        raise AwsError("MaxStorageExceeded", f"You have exceeded your limit of {limit:g} TiB: {quotas.storage(kind)}.")


def usable_key(sim: Simulation, region: Region, one: Volume) -> bool:
    """Whether EBS can use the volume's key: one that is not there or not enabled fails after the call (CreateVolume's
    page; "Amazon EventBridge events for Amazon EBS", attachVolume)."""
    key = inventory.find(sim, region, Key, one.kms_key) if one.kms_key is not None else None
    return one.kms_key is None or (key is not None and key.usable and key.state == "Enabled")


def delete_volume(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DeleteVolume: of a volume that nothing holds; it is `deleting` for a while."""
    one = volume_of(region, request)
    if one.attachments:
        raise in_use_by_deletion(one)
    if one.status not in {"available", "error"}:
        raise incorrect_state(f"The volume '{one.id}' is in the '{one.status}' state and cannot be deleted.")
    require_wet(bool(request.get("DryRun")))
    remove(sim, region.ebs, one)
    return {}


def volume_of(region: Region, request: JSON) -> Volume:
    """The volume that a request names."""
    name = request.get("VolumeId")
    if not name:
        raise missing("VolumeId")
    lists.check_ids([name], prefix="vol", parameter="volumeId")
    found = region.ebs.volumes.get(name)
    if found is None:
        raise volume_not_found(name)
    return found


def remove(sim: Simulation, ebs: RegionalEbs, one: Volume) -> None:
    """Begin to delete a volume."""
    one.status = "deleting"
    sim.timeline.after(sim.timings.volume_delete, lambda: _gone(ebs, one))


def in_use_by_deletion(one: Volume) -> AwsError:
    """VolumeInUse, as DeleteVolume words it."""
    holder = one.attachments[0].resource or one.attachments[0].instance_id
    return AwsError(in_use(one.id).code, f"Volume {one.id} is currently attached to {holder}")


def _wanted(sim: Simulation, region: Region, request: JSON) -> Volume:
    """The volume that a request describes, without an id; refuses what cannot be."""
    snapshot = _source(region, request)
    size = request.get("Size")
    if size is None:
        if snapshot is None:
            raise missing("size", "snapshotId")
        size = snapshot.size
    if snapshot and size < snapshot.size:
        raise invalid(f"The size of a volume can not be smaller than the size of its snapshot, {snapshot.size}GiB.")
    kind = request.get("VolumeType") or "gp2"
    iops, throughput = rules.check(kind, size=size, iops=request.get("Iops"), throughput=request.get("Throughput"))
    rules.check_multi_attach(kind, wanted=bool(request.get("MultiAttachEnabled")))
    rate = request.get("VolumeInitializationRate")
    if rate is not None and snapshot is None:
        raise combination("The parameter volumeInitializationRate needs a snapshotId.")
    if rate is not None and not 100 <= rate <= 300:
        raise invalid(f"Volume initialization rate of {rate}MiB/s must be between 100 and 300.")
    encrypted, key = _encryption(sim, region, request, snapshot)
    tags.of_creation(request, "volume")
    return Volume(
        id="",
        zone=_zone(region, request),
        size=size,
        type=kind,
        created_at=sim.now,
        iops=iops,
        throughput=throughput,
        encrypted=encrypted,
        kms_key=key,
        snapshot_id=snapshot.id if snapshot else None,
        initialization_rate=rate,
        multi_attach=bool(request.get("MultiAttachEnabled")),
    )


def _source(region: Region, request: JSON) -> Snapshot | None:
    name = request.get("SnapshotId")
    if not name:
        return None
    lists.check_ids([name], prefix="snap", parameter="snapshotId")
    found = region.ebs.snapshots.get(name)
    if found is None:
        raise snapshot_not_found(name)
    if found.status != "completed":
        raise incorrect_state(f"Snapshot is in invalid state - {found.status}")
    return found


def _encryption(sim: Simulation, region: Region, request: JSON, snapshot: Snapshot | None) -> tuple[bool, str | None]:
    key = request.get("KmsKeyId")
    if key and not request.get("Encrypted"):
        raise combination("The parameter KmsKeyId requires the parameter Encrypted to be set.")
    encrypted = request.get("Encrypted", sim.options.encryption_by_default) or bool(snapshot and snapshot.encrypted)
    if not encrypted:
        return False, None
    default = f"arn:{partition(region.name)}:kms:{region.name}:{sim.account.id}:key/{_DEFAULT_KEY}"
    return True, key or (snapshot.kms_key if snapshot else None) or default


def _zone(region: Region, request: JSON) -> Zone:
    name, number = request.get("AvailabilityZone"), request.get("AvailabilityZoneId")
    if bool(name) == bool(number):
        if name:
            raise combination("AvailabilityZone and AvailabilityZoneId cannot be used together.")
        raise missing("AvailabilityZone")
    for zone in zones(region.name):
        if zone.name == name or zone.id == number:
            return zone
    raise AwsError("InvalidZone.NotFound", f"The zone '{name or number}' does not exist.")


def _repeated(sim: Simulation, ebs: RegionalEbs, token: str, asked: JSON) -> Volume | None:
    used = ebs.tokens.get(token)
    if used is None or sim.now - used.time > sim.timings.volume_token_life:
        return None
    volume = ebs.volumes.get(used.volume_id)
    if used.request != asked or volume is None or volume.status == "error":
        # What failed, and what is gone, keeps its token.
        raise AwsError(
            "IdempotentParameterMismatch",
            f"The client token you have provided is associated with a resource {used.volume_id} that has been deleted, "
            "has failed, or was requested with other parameters.",
        )
    return volume


def _created(sim: Simulation, ebs: RegionalEbs, one: Volume, *, fails: bool) -> None:
    if one.status != "creating":
        return
    if not fails:
        one.status = "available"
    elif sim.options.failed_volume == "error":
        one.status = "error"
    else:
        _gone(ebs, one)


def _gone(ebs: RegionalEbs, one: Volume) -> None:
    one.status = "deleted"
    ebs.volumes.pop(one.id, None)
