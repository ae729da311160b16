"""Eventual consistency: for a while after a mutation, readers see the region as it was."""

import copy

from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

_LISTS = {"ListClusters", "ListClusterNodes"}
_DESCRIPTIONS = {"DescribeCluster", "DescribeClusterNode"}
_VOLUMES = {"DescribeVolumes"}


class Lag:
    """The former view of each region, for as long as the options ask for it."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[float, Region]] = {}

    def before_mutation(self, sim: Simulation, region: Region) -> None:
        """Keep what readers will still see."""
        longest = max(sim.options.list_lag, sim.options.describe_lag, sim.options.volume_lag)
        if longest <= 0:
            return
        taken = self._views.get(region.name)
        if taken is None or sim.now - taken[0] >= longest:
            self._views[region.name] = (sim.now, copy.deepcopy(region))

    def region_for(self, sim: Simulation, region: Region, operation: str, request: JSON) -> Region:
        """The region as this reader sees it."""
        taken = self._views.get(region.name)
        if taken is None:
            return region
        age = sim.now - taken[0]
        lag = {
            **dict.fromkeys(_LISTS, sim.options.list_lag),
            **dict.fromkeys(_DESCRIPTIONS, sim.options.describe_lag),
            **dict.fromkeys(_VOLUMES, sim.options.volume_lag),
        }
        if age >= lag.get(operation, 0.0):
            return region
        seen = taken[1]
        named = request.get("ClusterName")
        # A cluster that is newer than the view has its own lag, `create_lag`.
        return region if named and seen.find(named) is None else seen
