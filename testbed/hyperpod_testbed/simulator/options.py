"""How AWS behaves where nobody can tell, as switches; and the limits of the simulated account.

`Options` is the only place for such points. Each has both answers, and the default is the one that the documentation,
or what others saw on live AWS, makes likelier. `Timings` is how long AWS takes, in simulated seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, Self

from hyperpod_testbed.simulator.ebs.options import EbsOptions, EbsTimings


@dataclass(frozen=True)
class Timings(EbsTimings):
    """How long each transition takes, in simulated seconds. The defaults are of AWS's order of magnitude."""

    cluster_setup: float = 120.0
    """CreateCluster until cluster-level resources are ready and the first instance is asked for."""
    allocate: float = 30.0
    """An instance is asked for until it has an instance id."""
    boot: float = 240.0
    """Instance id until the lifecycle script starts."""
    lifecycle_script: float = 210.0
    """The lifecycle script, until the node joins the EKS cluster. Create takes about 10 minutes in all."""
    deep_health_check: float = 4500.0
    """A deep health check; AWS says 60 to 90 minutes for the stress test of one instance."""
    update_settle: float = 30.0
    """UpdateCluster until its work starts, and until a change of configuration is Current."""
    launch_retry: float = 300.0
    """Continuous mode: a failed launch until the next try."""
    min_count_window: float = 3 * 3600.0
    """Continuous mode: how long MinCount may stay unmet before the group rolls back."""
    rollback: float = 300.0
    """The least time a cluster stays RollingBack."""
    reboot: float = 180.0
    """BatchRebootClusterNodes until the node is Running again."""
    move_detach: float = 180.0
    """MoveClusterNodes until an instance has left its source group."""
    move_attach: float = 240.0
    """An instance has left its source group until the target group's lifecycle script starts."""
    patch_node: float = 600.0
    """UpdateClusterSoftware: one batch of nodes on the new image."""
    node_delete: float = 120.0
    """An instance is shut down until it is gone."""
    teardown_retry: float = 60.0
    """A teardown that the execution role does not allow until the next try."""
    cluster_delete: float = 180.0
    """The last instance is gone until the cluster is gone."""
    jitter: float = 0.2
    """Launches and shutdowns of single instances take up to this fraction longer."""
    recovery: float = 60.0
    """A node is found unhealthy, or a person labels it, until HyperPod reboots or replaces it; AWS says minutes, and
    NotReady within one was seen."""
    taint: float = 0.0
    """HyperPod's label on an unhealthy node until its taint; 0 writes both at once."""
    register: float = 120.0
    """Somebody deleted a Node until its kubelet registers it again."""
    eks_release: float = 0.0
    """A HyperPod cluster is gone until another one can be created for its EKS cluster."""
    patch_retries: float = 1080.0
    """Built-in retries of a failed software update until it is rolled back."""
    node_join: float = 0.0
    """An instance is Running until its Node exists."""
    tiered_storage_echo: float = 60.0
    """CreateCluster until DescribeCluster shows TieredStorageConfig."""
    batch_token_life: float = 8 * 3600.0
    """How long BatchAddClusterNodes remembers a ClientToken."""

    @classmethod
    def live(cls) -> Self:
        """The durations that people recorded on AWS: create 15 to 25 minutes, replace 20 to 30, clean up 15 to 20."""
        return cls(
            cluster_setup=300.0,
            allocate=120.0,
            boot=420.0,
            lifecycle_script=300.0,
            node_delete=1050.0,
            patch_node=1500.0,
            recovery=180.0,
            node_join=180.0,
            eks_release=60.0,
        )

    def divided_by(self, factor: float) -> Self:
        """The same order of things, so much quicker by the clock on the wall: for what compares AWS's times with ours.

        Shares and what is remembered for a day stay as they are.
        """
        quicker = {
            field.name: getattr(self, field.name) / factor
            for field in fields(self)
            if field.name != "jitter" and not field.name.endswith(("_life", "_window"))
        }
        return replace(self, **quicker)


@dataclass(frozen=True)
class Options(EbsOptions):
    """The open questions about AWS, each with its answer here, then the limits of the account."""

    omitted_groups: Literal["keep", "delete"] = "keep"
    """Groups that UpdateCluster does not name: left alone, or deleted (a troubleshooting guide of AWS says so)."""
    omitted_members: Literal["keep", "unset"] = "keep"
    """Optional members that an updated group does not name: kept, or unset."""
    immutables: Literal["inferred", "documented", "none"] = "inferred"
    """Which members of a group UpdateCluster refuses to change: those documented (InstanceType, ExecutionRole,
    ThreadsPerCore, OverrideVpcConfig), also those that Terraform replaces a group for (InstanceStorageConfigs,
    TrainingPlanArn, CapacityRequirements), or none, which the CloudFormation schema would allow."""
    new_group_may_be_empty: bool = True
    """InstanceCount 0 on a group that UpdateCluster adds; one page wants at least 1."""
    lifecycle_config_required: bool = True
    """A group without LifeCycleConfig on EKS is refused, as seen live, though the model has it optional."""
    continuous_can_be_switched_on: bool = True
    """UpdateCluster may set NodeProvisioningMode on a cluster created without it."""
    node_recovery_default: Literal["Automatic", "None"] = "Automatic"
    """NodeRecovery of a cluster created without one."""
    update_when_failed: Literal["accept", "conflict"] = "accept"
    """UpdateCluster on a Failed cluster."""
    update_when_rolling_back: Literal["accept", "conflict"] = "conflict"
    """UpdateCluster on a RollingBack cluster."""
    failed_update_ends: Literal["InService", "Failed"] = "InService"
    """Status after a failed update has been rolled back."""
    delete_when_creating: Literal["accept", "conflict"] = "conflict"
    """DeleteCluster on a Creating cluster that is not Continuous; ConflictException was seen live."""
    deep_check_update_error: Literal["ValidationException", "ConflictException"] = "ValidationException"
    """Code of UpdateCluster while deep health checks run; AWS documents only that it fails, and the text."""
    clusters_per_eks: Literal["many", "one"] = "one"
    """Whether several HyperPod clusters may share one EKS cluster; one that is being deleted holds it, too."""
    busy_code: Literal["ConflictException", "ValidationException"] = "ConflictException"
    """Code of UpdateCluster, UpdateClusterSoftware and DeleteCluster on a cluster whose status does not allow them."""
    software_update_status: Literal["SystemUpdating", "Updating"] = "Updating"
    """Status of cluster and groups while UpdateClusterSoftware works."""
    failed_software_update_ends: Literal["Failed", "RollbackComplete"] = "Failed"
    """SoftwareUpdateStatus after an update was rolled back."""
    software_messages: Literal["sticky", "cleared"] = "sticky"
    """A node keeps the message of its last failed try while the update goes on, or has none."""
    software_retry_events: bool = True
    """Each failed try of a software update makes an Error event of the group, or none does."""
    software_desired_image: Literal["other", "requested"] = "other"
    """DesiredImageId of a group with a custom AMI while a software update works: another id, or the one asked for."""
    scale_in: Literal["nodes_first", "count_first"] = "nodes_first"
    """A node that ends leaves ListClusterNodes before CurrentCount falls, or the count falls at once and the node is
    listed as ShuttingDown until it is gone."""
    failed_nodes: Literal["listed", "unlisted"] = "unlisted"
    """ListClusterNodes shows a node in status Failure until another takes its place, or leaves it out, also while
    CurrentCount still counts it. With NodeRecovery None nothing takes its place, and it is listed."""
    empty_storage_echoed: bool = True
    """DescribeCluster shows `InstanceStorageConfigs: []` where the request had none."""
    provisioning_mode_default: Literal["none", "Continuous"] = "none"
    """NodeProvisioningMode of a cluster created without one; Continuous was seen with Slurm."""
    restricted_beside_groups: Literal["refuse", "accept"] = "refuse"
    """Restricted instance groups in a request, or a cluster, that has other groups."""
    blocked_batch_error: Literal["ConflictException", "ValidationException", "items"] = "ValidationException"
    """A Batch* call in a state that blocks it: an error of either code, or a failure per item."""
    batch_all_failed: Literal["error", "items"] = "items"
    """A Batch* call of which every item fails: HTTP 400 (documented for delete), or 200 with Failed[]."""
    batch_delete_limit: int = 50
    """Most ids in one BatchDeleteClusterNodes: the documentation has 50, 99 and 3000."""
    batch_delete_lowers_target: bool = True
    """BatchDeleteClusterNodes lowers TargetCount; otherwise the node is made anew."""
    move_changes_targets: bool = True
    """MoveClusterNodes lowers TargetCount of the source group and raises that of the target group; otherwise neither
    changes, and the source group gets a new node."""
    move_compatible: Literal["nodes", "clusters"] = "nodes"
    """What "compatible configurations" of a move are: those that the codes of single nodes name (type, subnet), or also
    an equal VpcConfig of the clusters."""
    replace_keeps_logical_id: bool = True
    """BatchReplaceClusterNodes keeps NodeLogicalId, or gives a new one."""
    pending_instance_id: Literal["empty", "omit"] = "empty"
    """InstanceId and LaunchTime of a listed node that has none yet: empty string and request time, or left out
    although the model requires them."""
    failed_node_status: Literal["Failure", "Failed"] = "Failure"
    """InstanceStatus.Status of a failed node: the enum's word, or that of the documentation's prose."""
    faulty_instance_status: Literal["Running", "Failure"] = "Running"
    """InstanceStatus of a node on which the health agent found a fault, until its repair begins."""
    faults_degrade_group: bool = True
    """A group with an unhealthy node is Degraded; otherwise only a Failure of an instance makes it so."""
    fault_labels: Literal["joined", "latest"] = "joined"
    """Labels fault-types and fault-reasons with several faults: all, joined by `_`, or those of the latest."""
    fault_labels_after_recovery: Literal["removed", "kept"] = "removed"
    """What becomes of those labels when the node is healthy again."""
    fault_details_kept: int = 10
    """Entries in the annotation fault-details; AWS says only that they are bounded."""
    provider_id: Literal["hyperpod", "instance"] = "hyperpod"
    """providerID of a Node: `aws:///<zone id>/sagemaker/cluster/hyperpod-<cluster id>-<instance id>`, or EC2's form,
    `aws:///<zone>/<instance id>`."""
    network_labels: bool = True
    """A Node has the labels topology.k8s.aws/network-node-layer-1 to 3."""
    attachment_labels: bool = True
    """A Node has the labels num-eni-attachments and num-block-device-mappings."""
    health_taint_removal: Literal["any", "own"] = "any"
    """On recovery HyperPod removes its taint whoever set it, or only if it did so itself."""
    label_commands_on_cpu: bool = False
    """A person's label UnschedulablePending… works on a CPU node; AWS says that those are never replaced by itself."""
    deep_check_after_reboot: Literal["rerun", "skip"] = "rerun"
    """A reboot of a node whose deep health check failed starts the check again, or leaves the label Failed."""
    demanded_check_repairs: bool = False
    """A check by StartClusterHealthCheck repairs bad nodes also with NodeRecovery None; its text names no exception."""
    deleted_node_returns: bool = True
    """The kubelet of a running instance registers a Node again that somebody deleted; otherwise a reboot does."""
    events_without_continuous: Literal["error", "empty"] = "error"
    """ListClusterEvents on a cluster that is not Continuous: ValidationException, or no events."""
    event_cause: Literal["metadata", "description"] = "metadata"
    """Where an event has its cause: in FailureMessage of DescribeClusterEvent alone, below a generic description, or
    at the end of that description as well."""
    paired_events: bool = True
    """A failed launch makes two Error events, of the instance and of its group; otherwise one, of the instance."""
    scaling_noise: bool = True
    """Each scaling makes a Warn event "N node(s) lost orchestration-ready status"."""
    kept_events: int = 500
    """Events of a cluster that are kept; the oldest go first."""
    spot_needs_continuous: bool = True
    """CapacityRequirements.Spot outside Continuous mode is refused."""
    spot_excludes_training_plan: bool = True
    """CapacityRequirements.Spot together with TrainingPlanArn is refused."""
    not_found_code: Literal["ResourceNotFound", "ResourceNotFoundException"] = "ResourceNotFound"
    """Code of a missing resource; the model has the short one, one AWS client checks the long one."""
    throttling_code: Literal["ThrottlingException", "TooManyRequestsException"] = "ThrottlingException"
    """Code of a throttled call."""
    shuffle_lists: bool = True
    """Groups and tags come back in another order than they were sent (the same order each time)."""
    fill_defaults: bool = True
    """DescribeCluster reports members that the request left open (ThreadsPerCore, image, MinCount)."""

    create_lag: float = 0.0
    """Simulated seconds during which a new cluster is still unknown to every other call."""
    list_lag: float = 0.0
    """Simulated seconds during which ListClusters and ListClusterNodes show the former state."""
    describe_lag: float = 0.0
    """Simulated seconds during which DescribeCluster and DescribeClusterNode show the former state."""
    read_lag: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """The same for single read operations by name, such as ListTags, ListClusterEvents, DescribeSnapshots or
    DescribeVolumesModifications; it goes before the lags of groups of operations."""
    role_propagation: float = 0.0
    """Simulated seconds from the first use of an execution role during which AWS cannot assume it."""
    role_attempts: int = 0
    """Number of first uses of an execution role that fail as if it were not known yet."""

    prerequisites: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What HyperPod clusters need, as this account has it, by kind (`*` for all), name (`*` for all) and member:
    `{"subnet": {"subnet-0a": {"route": "internet"}}}`. None for a name that does not exist, and `{"role": {"*": None}}`
    where there are no roles but those that somebody declared; otherwise every name exists, and is right."""

    read_rate: float = 1000.0
    """Describe and List calls per real second that the account may make in a region."""
    read_burst: float = 2000.0
    """Describe and List calls that may come at once."""
    write_rate: float = 500.0
    """Mutating calls per real second."""
    write_burst: float = 1000.0
    """Mutating calls that may come at once."""
    page_size: int = 100
    """Items per page when the request does not say; the model's maximum is 100."""
    page_limit: int | None = None
    """Most items on a page of EC2, EKS, IAM, Service Quotas, S3, KMS, FSx and the price list, whatever the request says
    (each may answer with fewer than it was asked for); None: as many as the service has."""
    instance_quotas: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Quota `ml.<type> for cluster usage` by instance type; a type that is not named has no limit."""
    spot_quotas: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """The same for Spot instances, which do not count against `instance_quotas`."""
    service_quotas: Mapping[str, float | None] = field(default_factory=lambda: MappingProxyType({}))
    """Any other quota by `service/name`, such as `ebs/Storage for General Purpose SSD (gp3) volumes, in TiB`; None:
    there is no applied value, as for quotas that nobody ever raised, and AWS's default counts."""
    spot_taint: str = "sagemaker.amazonaws.com/spot-interruption"
    """Key of the taint on a Spot node that AWS takes back; AWS documents the taint and not its key."""
    instances_per_cluster: int | None = None
    """Quota on instances in one cluster (AWS starts accounts at 20)."""
    instances_in_total: int | None = None
    """Quota on instances in all clusters of a region (AWS starts accounts at 30)."""
    deep_check_accelerators_only: bool = True
    """Deep health checks run on GPU and Trainium types alone; a CPU group passes at once."""

    @classmethod
    def crowded(cls) -> Self:
        """Many HyperPod clusters on one EKS cluster, groups of both kinds in one, subnets without
        end: more than AWS allows, for harnesses that need many clusters in front of one API server."""
        enough = {"subnet": {"*": {"free": 100_000_000}}}
        return cls(clusters_per_eks="many", restricted_beside_groups="accept", prerequisites=enough)

    def changed(self, **changes: Any) -> Self:
        """These options with changes; a name that does not exist is an error that lists the names."""
        known = {item.name for item in fields(self)}
        if unknown := set(changes) - known:
            raise ValueError(f"no such option: {', '.join(sorted(unknown))}; options are {', '.join(sorted(known))}")
        return replace(self, **changes)
