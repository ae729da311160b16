"""EBS volumes on nodes: attach and detach, when EC2 shows it, and what is refused."""

from hyperpod_testbed.conformance.disk import attachments, state, volume_of, zone_of
from hyperpod_testbed.conformance.record import JSON
from hyperpod_testbed.conformance.run import CLOSE_POLL, GROUP, Run, StepFailedError

NO_SNAPSHOT = 900.0
"""Most seconds that a snapshot of an empty GiB is waited for."""


def attach(run: Run) -> None:
    first, second = (node["InstanceId"] for node in run.running("volumes.nodes", GROUP)[:2])
    arn = str(run.describe("volumes.describe").get("ClusterArn"))
    zone = zone_of(run, "volumes.zone", first)
    with volume_of(run, "volumes.create", zone) as volume:
        here = {"ClusterArn": arn, "NodeId": first, "VolumeId": volume}
        for _ in range(run.rounds):
            if not run.call("volumes.attach", "AttachClusterNodeVolume", **here).ok:
                raise StepFailedError(f"AttachClusterNodeVolume of {volume} was refused")
            attachments(run, "volumes.attach.visible", volume, lambda found: bool(found))
            attachments(run, "volumes.attach.attached", volume, lambda found: found[:1] == ["attached"])
            run.call("volumes.detach", "DetachClusterNodeVolume", **here)
            attachments(run, "volumes.detach.visible", volume, lambda found: not found)
        run.call("volumes.attach-again.first", "AttachClusterNodeVolume", **here)
        attachments(run, "volumes.attach-again.wait", volume, lambda found: found[:1] == ["attached"])
        run.call("volumes.attach-again", "AttachClusterNodeVolume", **here)
        run.call("volumes.attach-elsewhere", "AttachClusterNodeVolume", **{**here, "NodeId": second})
        run.call("volumes.attach-again.end", "DetachClusterNodeVolume", **here)
        attachments(run, "volumes.attach-again.end.wait", volume, lambda found: not found)
        run.call("volumes.early-detach.attach", "AttachClusterNodeVolume", **here)
        run.call("volumes.early-detach", "DetachClusterNodeVolume", **here)
        attachments(run, "volumes.early-detach.wait", volume, lambda found: bool(found))
        run.until(lambda: _detached(run, here, volume), every=5.0, most=600.0)
        run.call("volumes.detach-free", "DetachClusterNodeVolume", **here)
        run.call("volumes.unknown", "AttachClusterNodeVolume", **{**here, "VolumeId": "vol-00000000000000000"})
    if far := _other_zone(run, zone):
        with volume_of(run, "volumes.far-zone.create", far) as volume:
            run.call("volumes.far-zone", "AttachClusterNodeVolume", ClusterArn=arn, NodeId=first, VolumeId=volume)


def change(run: Run) -> None:
    node = run.running("disks.nodes", GROUP)[0]["InstanceId"]
    with volume_of(run, "disks.create", zone_of(run, "disks.zone", node)) as volume:
        run.ec2("disks.never-modified", "DescribeVolumesModifications", VolumeIds=[volume])
        run.ec2("disks.tag", "CreateTags", Resources=[volume], Tags=[{"Key": "hyperpod-conformance-lag", "Value": "x"}])
        run.until(lambda: _tagged(run, volume), every=CLOSE_POLL, most=600.0)
        specification = {"ResourceType": "snapshot", "Tags": run.tags}
        made = run.ec2("disks.snapshot", "CreateSnapshot", VolumeId=volume, TagSpecifications=[specification])
        if made.ok:
            snapshot = str(made.get("SnapshotId"))
            run.until(lambda: _completed(run, snapshot), most=NO_SNAPSHOT)
            run.ec2("disks.snapshot.delete", "DeleteSnapshot", SnapshotId=snapshot)
        run.ec2("disks.modify", "ModifyVolume", VolumeId=volume, Size=2)
        run.until(lambda: _modified(run, volume), every=5.0, most=900.0)


def _detached(run: Run, here: JSON, volume: str) -> bool:
    if state(run, "volumes.early-detach.state", volume) == "available":
        return True
    run.call("volumes.early-detach.retry", "DetachClusterNodeVolume", **here)
    return False


def _other_zone(run: Run, zone: str) -> str | None:
    zones = run.ec2("volumes.zones", "DescribeAvailabilityZones").get("AvailabilityZones") or []
    names = sorted(str(one["ZoneName"]) for one in zones if one.get("State") == "available")
    return next((name for name in names if name != zone), None)


def _tagged(run: Run, volume: str) -> bool:
    tags = run.ec2("disks.tag-visible", "DescribeVolumes", VolumeIds=[volume]).get("Volumes", 0, "Tags") or []
    return any(tag["Key"] == "hyperpod-conformance-lag" for tag in tags)


def _completed(run: Run, snapshot: str) -> bool:
    shown = run.ec2("disks.snapshot.wait", "DescribeSnapshots", SnapshotIds=[snapshot])
    return bool(shown.get("Snapshots", 0, "State") == "completed")


def _modified(run: Run, volume: str) -> bool:
    shown = run.ec2("disks.modify.wait", "DescribeVolumesModifications", VolumeIds=[volume])
    return shown.get("VolumesModifications", 0, "ModificationState") in {"optimizing", "completed", "failed"}
