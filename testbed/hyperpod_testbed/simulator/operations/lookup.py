"""Find what a request names, or answer as AWS does when it is not there."""

from hyperpod_testbed.simulator.errors import AwsError, validation
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Instance, Region

__all__ = ["by_logical_id", "cluster_of", "instance_of", "not_found", "require_continuous"]


def not_found(sim: Simulation, message: str) -> AwsError:
    """ResourceNotFound, by the name the options choose."""
    return AwsError(sim.options.not_found_code, message)


def cluster_of(sim: Simulation, region: Region, request: JSON) -> Cluster:
    """The cluster that the request names; one that was just created may not be known yet."""
    name = request["ClusterName"]
    cluster = region.find(name)
    if cluster is None or sim.now - cluster.created_at < sim.options.create_lag:
        raise not_found(sim, f"Cluster with name {name} does not exist.")
    return cluster


def instance_of(sim: Simulation, cluster: Cluster, request: JSON) -> Instance:
    """The instance named by exactly one of NodeId and NodeLogicalId."""
    by_id, by_logical = request.get("NodeId"), request.get("NodeLogicalId")
    if bool(by_id) == bool(by_logical):
        raise validation("Exactly one of NodeId and NodeLogicalId must be specified.")
    found = cluster.by_id.get(by_id) if by_id else by_logical_id(cluster, str(by_logical))
    if found is None:
        raise not_found(sim, f"Node {by_id or by_logical} does not exist in cluster {cluster.name}.")
    return found


def by_logical_id(cluster: Cluster, logical_id: str) -> Instance | None:
    """The instance of a logical id; of two with the same one, that which stays."""
    found = [one for one in cluster.instances.values() if one.logical_id == logical_id]
    return min(found, key=lambda one: one.leaving, default=None)


def require_continuous(cluster: Cluster, what: str) -> None:
    """Refuse what only Continuous clusters have."""
    if not cluster.continuous:
        raise validation(f"{what} is only supported for clusters with NodeProvisioningMode Continuous.")
