"""Eventual consistency: readers see the region as it was a while ago, each operation by its own lag."""

import copy
from dataclasses import replace

from hyperpod_testbed.simulator.ebs.errors import snapshot_not_found, volume_not_found, wrapped
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.options import Options
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

_LISTS = {"ListClusters", "ListClusterNodes"}
_DESCRIPTIONS = {"DescribeCluster", "DescribeClusterNode"}
_VOLUMES = {"DescribeVolumes"}
_THROUGH_SAGEMAKER = {"AttachClusterNodeVolume", "DetachClusterNodeVolume"}
_CLUSTER_MEMBERS = ("ClusterName", "ClusterArn", "ResourceArn")
_MOST_VIEWS = 200


class Lag:
    """The former views of each region, for as long as the options ask for them."""

    def __init__(self) -> None:
        self._views: dict[str, list[tuple[float, Region]]] = {}
        """By region: until when something was so, and how it was; oldest first."""

    def before_change(self, sim: Simulation, region: Region) -> None:
        """Keep what readers will still see. Called before each call that changes something and before each step."""
        longest = _longest(sim.options)
        if longest <= 0:
            self._views.pop(region.name, None)
            return
        views = [view for view in self._views.get(region.name, []) if view[0] > sim.now - longest]
        if not views or views[-1][0] < sim.now:
            views.append((sim.now, copy.deepcopy(region)))
        self._views[region.name] = views[-_MOST_VIEWS:]

    def region_for(self, sim: Simulation, region: Region, operation: str, request: JSON) -> Region:
        """The region as this reader sees it."""
        seen = self._as_of(region, sim.now - _lag_of(sim.options, operation))
        named = next((request[member] for member in _CLUSTER_MEMBERS if request.get(member)), None)
        if named and seen.find(named) is None:
            # A cluster that is newer than the view has its own lag, `create_lag`.
            seen = region
        if operation in _VOLUMES and sim.options.attachment_lag > 0:
            return _with_attachments(seen, self._as_of(region, sim.now - sim.options.attachment_lag))
        return seen

    def _as_of(self, region: Region, moment: float) -> Region:
        return next((view for until, view in self._views.get(region.name, []) if until > moment), region)


def require_known(sim: Simulation, region: Region, operation: str, request: JSON) -> None:
    """Refuse a call about a volume or snapshot that was made a moment ago and is not known everywhere yet."""
    lag = sim.options.new_volume_lag
    if lag <= 0:
        return
    several = (request.get(member) or [] for member in ("VolumeIds", "SnapshotIds", "Resources"))
    named = [request.get("VolumeId"), request.get("SnapshotId"), *(one for many in several for one in many)]
    ebs = region.ebs
    volumes = [one for one in named if one in ebs.volumes and sim.now - ebs.volumes[one].created_at < lag]
    snapshots = [one for one in named if one in ebs.snapshots and sim.now - ebs.snapshots[one].started_at < lag]
    error: AwsError | None = None
    if volumes:
        error = volume_not_found(*volumes)
    elif snapshots:
        error = snapshot_not_found(*snapshots)
    if error:
        raise wrapped(sim, error) if operation in _THROUGH_SAGEMAKER else error


def _lag_of(options: Options, operation: str) -> float:
    groups = {
        **dict.fromkeys(_LISTS, options.list_lag),
        **dict.fromkeys(_DESCRIPTIONS, options.describe_lag),
        **dict.fromkeys(_VOLUMES, options.volume_lag),
    }
    return options.read_lag.get(operation, groups.get(operation, 0.0))


def _longest(options: Options) -> float:
    own = (options.list_lag, options.describe_lag, options.volume_lag, options.attachment_lag)
    return max(*own, *options.read_lag.values())


def _with_attachments(region: Region, former: Region) -> Region:
    """The region with the attachments of a former view; volumes that are newer have none yet."""
    volumes = {}
    for name, volume in region.ebs.volumes.items():
        old = former.ebs.volumes.get(name)
        attachments = old.attachments if old else []
        status = volume.status
        if status in {"available", "in-use"}:
            status = "in-use" if attachments else "available"
        volumes[name] = replace(volume, attachments=attachments, status=status)
    return replace(region, ebs=replace(region.ebs, volumes=volumes))
