"""A volume of one GiB for a step, and what EC2 shows of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hyperpod_testbed.conformance.run import CLOSE_POLL, Run, StepFailedError


@contextmanager
def volume_of(run: Run, step: str, zone: str) -> Iterator[str]:
    """A volume of 1 GiB that is available; deleted at the end, also of a step that fails."""
    specification = {"ResourceType": "volume", "Tags": run.tags}
    made = run.ec2(
        step, "CreateVolume", AvailabilityZone=zone, Size=1, VolumeType="gp3", TagSpecifications=[specification]
    )
    if not made.ok:
        raise StepFailedError(f"CreateVolume in {zone} was refused: {made.code}: {made.message}")
    volume = str(made.get("VolumeId"))
    try:
        run.until(lambda: state(run, f"{step}.wait", volume) == "available", every=CLOSE_POLL, most=600.0)
        yield volume
    except StepFailedError:
        _delete(run, step, volume)
        raise
    _delete(run, step, volume)


def _delete(run: Run, step: str, volume: str) -> None:
    """Not after an interruption or at the limit: the cluster that uses the volume is deleted first then."""
    run.until(lambda: run.ec2(f"{step}.delete", "DeleteVolume", VolumeId=volume).code != "VolumeInUse", most=600.0)


def state(run: Run, step: str, volume: str) -> Any:
    return run.ec2(step, "DescribeVolumes", VolumeIds=[volume]).get("Volumes", 0, "State")


def attachments(run: Run, step: str, volume: str, done: Callable[[list[Any]], bool]) -> None:
    """Look every second until the states of the volume's attachments are as wanted."""

    def look() -> bool:
        shown = run.ec2(step, "DescribeVolumes", VolumeIds=[volume])
        states = [one.get("State") for one in shown.get("Volumes", 0, "Attachments") or []]
        return shown.ok and bool(done(states))

    run.until(look, every=CLOSE_POLL, most=900.0)


def zone_of(run: Run, step: str, node: str) -> str:
    found = run.call(step, "DescribeClusterNode", ClusterName=run.cluster, NodeId=node)
    zone = found.get("NodeDetails", "Placement", "AvailabilityZone")
    if not zone:
        raise StepFailedError(f"DescribeClusterNode of {node} named no zone")
    return str(zone)
