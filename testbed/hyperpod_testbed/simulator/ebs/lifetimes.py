"""The life of an attachment: attaching, attached, detaching or busy, gone; and its end when the node goes first."""

from collections.abc import Iterator

from hyperpod_testbed.simulator.ebs.state import Attachment, RegionalEbs, Volume
from hyperpod_testbed.simulator.ebs.volumes import remove
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Cluster, Instance

SERVICE = "sagemaker.amazonaws.com"
"""InstanceOwningService of an attachment that SageMaker made."""


def start_detach(sim: Simulation, volume: Volume, found: Attachment) -> None:
    """Begin to take an attachment away; what is mounted is busy."""
    found.turn += 1
    found.stuck = False
    found.status = "busy" if volume.mounted else "detaching"
    if not volume.mounted:
        later(sim, volume, found, sim.timings.volume_detach, "detached")


def later(sim: Simulation, volume: Volume, item: Attachment, seconds: float, status: str) -> None:
    """Bring an attachment to a status after a while, unless it took another course meanwhile."""
    turn = item.turn

    def step() -> None:
        if item.turn != turn or item.stuck:
            return
        if status == "detached":
            volume.free(item)
        else:
            item.status = status

    sim.timeline.after(seconds, step)


def resource(cluster: Cluster, instance_id: str) -> str:
    """AssociatedResource of a node."""
    return f"{cluster.arn}-{instance_id}"


def attached(sim: Simulation, cluster: Cluster, instance: Instance) -> bool:
    """Whether an instance has volumes that were attached through SageMaker."""
    return any(True for _ in _of_node(sim, cluster, instance))


def held(sim: Simulation, cluster: Cluster, instance: Instance) -> bool:
    """Whether the end of an instance waits for its volumes to be detached."""
    return sim.options.node_waits_for_detach and attached(sim, cluster, instance)


def node_ended(sim: Simulation, cluster: Cluster, instance: Instance) -> None:
    """An instance is gone: its volumes are free after a while, or go with it, or their attachments stay for ever."""
    if sim.options.node_end == "keep":
        return
    ebs = sim.account.region(cluster.region).ebs
    for volume, item in _of_node(sim, cluster, instance):
        item.turn += 1
        item.status, item.stuck = "detaching", False
        dies = item.delete_on_termination or sim.options.node_end == "delete"
        _release_later(sim, ebs, volume, item, dies=dies)


def _release_later(sim: Simulation, ebs: RegionalEbs, volume: Volume, item: Attachment, *, dies: bool) -> None:
    turn = item.turn

    def step() -> None:
        if item.turn != turn:
            return
        volume.mounted = False
        volume.free(item)
        if dies and not volume.attachments:
            remove(sim, ebs, volume)

    sim.timeline.after(sim.timings.volume_release, step)


def _of_node(sim: Simulation, cluster: Cluster, instance: Instance) -> Iterator[tuple[Volume, Attachment]]:
    if instance.instance_id is None:
        return
    wanted = resource(cluster, instance.instance_id)
    for volume in list(sim.account.region(cluster.region).ebs.volumes.values()):
        for item in volume.attachments:
            if item.resource == wanted:
                yield volume, item
