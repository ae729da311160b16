"""The controls of EBS: what goes wrong with volumes, and what other people do to them.

`simulator.ebs`. Volumes are named by id; where a region is not named it is the one that has the volume, or the default.
"""

from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.ebs import lifetimes, present
from hyperpod_testbed.simulator.ebs import volumes as operations
from hyperpod_testbed.simulator.ebs.state import Attachment, Volume
from hyperpod_testbed.simulator.prerequisites import inventory
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import DEFAULT_REGION, JSON, Region
from hyperpod_testbed.simulator.verbs import verb

FOREIGN_INSTANCE = "i-0f0e0d0c0b0a09080"


class Ebs:
    """What happens to volumes without the caller's doing."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @verb
    def create_volume(
        self,
        zone: str | None = None,
        size: int = 100,
        volume_type: str = "gp3",
        tags: dict[str, str] | None = None,
        region: str = DEFAULT_REGION,
    ) -> str:
        """Somebody else makes a volume; it is available at once. Returns its id."""
        with self._core.change() as sim:
            place = sim.account.region(region)
            listed = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
            request = {
                "AvailabilityZone": zone or f"{region}a",
                "Size": size,
                "VolumeType": volume_type,
                "TagSpecifications": [{"ResourceType": "volume", "Tags": listed}],
                **({"Iops": 100 * size} if volume_type in {"io1", "io2"} else {}),
            }
            made = str(operations.create_volume(sim, place, request)["VolumeId"])
            place.ebs.volumes[made].status = "available"
            return made

    @verb
    def delete_volume(self, volume: str) -> None:
        """Somebody deletes a volume; it is gone at once, attached or not."""
        with self._core.change() as sim:
            region, one = _volume(sim, volume)
            for item in list(one.attachments):
                one.free(item)
            one.status = "deleted"
            del region.ebs.volumes[volume]

    @verb
    def set_tags(self, volume: str, tags: dict[str, str]) -> None:
        """Somebody replaces all tags of a volume."""
        with self._core.change() as sim:
            _volume(sim, volume)[1].tags = dict(tags)

    @verb
    def attach_foreign(self, volume: str, instance_id: str = FOREIGN_INSTANCE, cluster_arn: str | None = None) -> None:
        """Somebody else attaches a volume: to a plain EC2 instance, or, with an ARN, to a node of a HyperPod cluster.

        Nothing is checked: with the ARN of an own cluster this is what the CSI driver does.
        """
        with self._core.change() as sim:
            _, one = _volume(sim, volume)
            one.attachments.append(
                Attachment(
                    instance_id=instance_id,
                    device="/dev/sdf",
                    time=sim.clock.told(),
                    status="attached",
                    resource=f"{cluster_arn}-{instance_id}" if cluster_arn else None,
                    service=lifetimes.SERVICE if cluster_arn else None,
                )
            )
            one.status = "in-use"

    @verb
    def detach_out_of_band(self, volume: str) -> None:
        """Somebody takes all attachments of a volume away; done at once."""
        with self._core.change() as sim:
            _, one = _volume(sim, volume)
            one.mounted = False
            for item in list(one.attachments):
                one.free(item)

    @verb
    def mount(self, volume: str) -> None:
        """The node uses the volume: a detach answers, and stays, `busy`."""
        with self._core.change() as sim:
            _volume(sim, volume)[1].mounted = True

    @verb
    def unmount(self, volume: str) -> None:
        """The node uses the volume no more: a detach that was busy goes on."""
        with self._core.change() as sim:
            _, one = _volume(sim, volume)
            one.mounted = False
            for item in one.attachments:
                if item.status == "busy":
                    lifetimes.start_detach(sim, one, item)

    @verb
    def stick_attaching(self, times: int = 1, region: str = DEFAULT_REGION) -> None:
        """The next attachments stay `attaching`, until `unstick` or a detach."""
        with self._core.change() as sim:
            sim.account.region(region).ebs.script.stuck_attachments = times

    @verb
    def unstick(self, volume: str) -> None:
        """Attachments of the volume that stayed `attaching` are attached."""
        with self._core.change() as sim:
            for item in _volume(sim, volume)[1].attachments:
                if item.stuck:
                    item.stuck, item.status = False, "attached"

    @verb
    def set_delete_on_termination(self, volume: str, value: bool = True) -> None:
        """Somebody sets DeleteOnTermination of the attachments that a volume has."""
        with self._core.change() as sim:
            for item in _volume(sim, volume)[1].attachments:
                item.delete_on_termination = value

    @verb
    def fail_volumes(self, times: int = 1, region: str = DEFAULT_REGION) -> None:
        """The next creations of volumes answer as usual and fail afterwards."""
        with self._core.change() as sim:
            sim.account.region(region).ebs.script.failing_volumes = times

    @verb
    def lose_data(self, volume: str) -> None:
        """AWS loses data of a volume that was in use: it is in `error` from now on."""
        with self._core.change() as sim:
            _volume(sim, volume)[1].status = "error"

    @verb
    def break_key(self, key: str, region: str = DEFAULT_REGION) -> None:
        """EBS cannot use a KMS key: volumes that are created with it, and attachments, fail afterwards."""
        with self._core.change() as sim:
            inventory.change(sim, sim.account.region(region), "key", key, {"usable": False})

    @verb
    def mend_key(self, key: str, region: str = DEFAULT_REGION) -> None:
        """EBS can use the KMS key again."""
        with self._core.change() as sim:
            inventory.restore(sim, sim.account.region(region), "key", key)

    @verb
    def fail_snapshots(self, times: int = 1, region: str = DEFAULT_REGION) -> None:
        """The next snapshots end in `error`."""
        with self._core.change() as sim:
            sim.account.region(region).ebs.script.failing_snapshots = times

    @verb
    def fail_modifications(self, times: int = 1, region: str = DEFAULT_REGION) -> None:
        """The next modifications end in `failed`; the volume stays as it was."""
        with self._core.change() as sim:
            sim.account.region(region).ebs.script.failing_modifications = times

    @verb
    def volumes(self, region: str = DEFAULT_REGION) -> dict[str, JSON]:
        """All volumes of a region by id, as DescribeVolumes would show them without lag; tags as a map."""
        with self._core.present() as sim:
            place = sim.account.region(region)
            return {
                one.id: {**present.volume(sim, place, one), "Tags": dict(one.tags)}
                for one in place.ebs.volumes.values()
            }

    @verb
    def snapshots(self, region: str = DEFAULT_REGION) -> dict[str, JSON]:
        """All snapshots of a region by id; tags as a map."""
        with self._core.present() as sim:
            found = sim.account.region(region).ebs.snapshots.values()
            return {one.id: {**present.snapshot(sim, one), "Tags": dict(one.tags)} for one in found}


def _volume(sim: Simulation, name: str) -> tuple[Region, Volume]:
    for region in sim.account.regions.values():
        if name in region.ebs.volumes:
            return region, region.ebs.volumes[name]
    known = sorted(one for region in sim.account.regions.values() for one in region.ebs.volumes)
    raise ValueError(f"no volume {name}; there are {known}")
