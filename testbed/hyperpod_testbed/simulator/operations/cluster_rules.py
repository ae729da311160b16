"""What a cluster must be like, beyond what the API model can say, and what may be done to it when."""

from hyperpod_testbed.simulator.errors import AwsError, in_use, validation
from hyperpod_testbed.simulator.prerequisites import inventory
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Region

BUSY = {"Creating", "Updating", "RollingBack", "SystemUpdating"}
MOST_TAGS = 50
"""Tags per resource; AWS's tagging reference."""


def check_cluster(sim: Simulation, region: Region, spec: JSON, *, name: str) -> None:
    """Check the cluster-level members of CreateCluster."""
    orchestrator = spec.get("Orchestrator")
    if orchestrator is not None and len(orchestrator) != 1:
        raise validation("Orchestrator must have exactly one of Eks and Slurm.")
    if orchestrator and "Eks" in orchestrator:
        if not spec.get("VpcConfig"):
            raise validation("VpcConfig is required for clusters with Orchestrator.Eks.")
        _check_eks(sim, region, orchestrator["Eks"]["ClusterArn"])
        _check_one_per_eks(sim, region, orchestrator["Eks"]["ClusterArn"], name=name)
    check_autoscaling(spec)


def check_autoscaling(spec: JSON) -> None:
    """Karpenter needs Continuous provisioning, automatic recovery and a cluster role."""
    if (spec.get("AutoScaling") or {}).get("Mode") != "Enable":
        return
    if spec.get("NodeProvisioningMode") != "Continuous":
        raise validation("AutoScaling needs NodeProvisioningMode Continuous.")
    if spec.get("NodeRecovery") == "None":
        raise validation("AutoScaling needs NodeRecovery Automatic.")
    if not spec.get("ClusterRole"):
        raise validation("AutoScaling needs ClusterRole.")


def check_tags(tags: dict[str, str]) -> None:
    """The tags of a resource, all together."""
    for key in tags:
        if key.lower().startswith("aws:"):
            raise validation(f"Tag key '{key}' is invalid: keys that start with 'aws:' are reserved for system use.")
    if len(tags) > MOST_TAGS:
        raise validation(f"A resource can have at most {MOST_TAGS} tags; the request would leave {len(tags)}.")


def tag_map(tags: list[JSON]) -> dict[str, str]:
    """The tags of a request by key; a key that comes twice is refused."""
    found: dict[str, str] = {}
    for tag in tags:
        if tag["Key"] in found:
            raise validation(f"Duplicate tag key '{tag['Key']}' in the request.")
        found[tag["Key"]] = tag["Value"]
    return found


def require_free_name(region: Region, name: str) -> None:
    """Cluster names are unique in an account and region."""
    if name in region.clusters:
        raise in_use(f"Cluster with name {name} already exists. Choose another name.")


def require_updatable(sim: Simulation, cluster: Cluster) -> None:
    """UpdateCluster needs a cluster in service, or one that a failure left behind."""
    status = cluster.status
    if status == "Failed" and sim.options.update_when_failed == "accept":
        return
    if status == "RollingBack" and sim.options.update_when_rolling_back == "accept":
        return
    if status != "InService":
        raise _busy(sim, cluster, "updated")
    require_no_checks(sim, cluster)


def require_no_checks(sim: Simulation, cluster: Cluster) -> None:
    """No deep health check runs."""
    if any(one.status == "DeepHealthCheckInProgress" for one in cluster.instances.values()):
        raise AwsError(
            sim.options.deep_check_update_error,
            f"Cluster {cluster.name} cannot be updated while deep health checks are in progress. "
            "Try again when they have completed.",
        )


def require_deletable(sim: Simulation, cluster: Cluster) -> None:
    """DeleteCluster waits for what is under way, except on Continuous clusters."""
    if cluster.status == "Deleting":
        raise _busy(sim, cluster, "deleted")
    if cluster.continuous or cluster.status not in BUSY:
        return
    if cluster.status == "Creating" and sim.options.delete_when_creating == "accept":
        return
    raise _busy(sim, cluster, "deleted")


def require_in_service(sim: Simulation, cluster: Cluster, what: str) -> None:
    """Whatever else needs a cluster in service."""
    if cluster.status != "InService":
        raise _busy(sim, cluster, what)


def _busy(sim: Simulation, cluster: Cluster, what: str) -> AwsError:
    return AwsError(
        sim.options.busy_code, f"Cluster {cluster.name} cannot be {what} while it is in {cluster.status} status."
    )


def _check_eks(sim: Simulation, region: Region, arn: str) -> None:
    """The EKS cluster is there, ACTIVE, and has access entries (prerequisites in AWS's guide; the texts are ours)."""
    eks = inventory.eks_cluster(sim, region, arn)
    if eks is None:
        raise validation(f"EKS cluster {arn} does not exist.")
    if eks.status != "ACTIVE":
        raise validation(f"EKS cluster {arn} is not in ACTIVE status.")
    if eks.authentication_mode == "CONFIG_MAP":
        raise validation(f"EKS cluster {arn} must use the authentication mode API or API_AND_CONFIG_MAP.")


def _check_one_per_eks(sim: Simulation, region: Region, arn: str, *, name: str) -> None:
    if sim.options.clusters_per_eks == "many":
        return
    held = any(other.eks_arn == arn and other.name != name for other in region.clusters.values())
    freed_at = region.eks_freed.get(arn)
    if held or (freed_at is not None and sim.now - freed_at < sim.timings.eks_release):
        raise validation(f"Specified cluster external resource id {arn} already in use")
