"""The dictionary: every name that the operator writes on an object or reads from one.

One word per concept across conditions, events, metrics and documentation. `docs/conditions.md` has an
entry for each `ConditionType` and each `Reason`, and a test holds the two together.
"""

from enum import StrEnum

GROUP = "hyperpod-operator.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

CLUSTER_KIND = "HyperPodCluster"
CLUSTER_PLURAL = "hyperpodclusters"
CLUSTER_SINGULAR = "hyperpodcluster"
CLUSTER_SHORT = "hpc"
CATEGORY = "hyperpod"

VOLUME_CLAIM_KIND = "EBSVolumeClaim"
VOLUME_CLAIM_PLURAL = "ebsvolumeclaims"
VOLUME_CLAIM_SINGULAR = "ebsvolumeclaim"
VOLUME_CLAIM_SHORT = "evc"

NODE_OPERATION_KIND = "HyperPodNodeOperation"
NODE_OPERATION_PLURAL = "hyperpodnodeoperations"
NODE_OPERATION_SINGULAR = "hyperpodnodeoperation"
NODE_OPERATION_SHORT = "hpno"


RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
"""Annotation: any new value asks for a pass now; echoed in `status.lastHandledReconcileAt`."""

RESTORED = "velero.io/restore-name"
"""Velero's label on each object that it restored from a backup."""
ABANDON = f"{GROUP}/abandon"
"""Annotation: its value is the object's name. A deleted object is released at once, and AWS is not asked or told."""
FORCE_DELETE = f"{GROUP}/force-delete"
"""Annotation: its value is the object's name. A deleted EBSVolumeClaim no longer waits for pods that use it."""
APPROVE_PLAN = f"{GROUP}/approve-plan"
"""Annotation: the digest of the plan that a person approves, as `status.plan.digest` shows it."""
APPROVED_BY = f"{GROUP}/approved-by"
"""Annotation: the user who set `approve-plan` or `approvedPlan`, as an admission policy wrote it."""
LABEL_LEADER_ELECTION = f"{GROUP}/leader-election"
"""Label on the Lease by which replicas of the operator elect their leader; its value is `operator`."""
SERVED_NAMESPACES = f"{GROUP}/namespaces"
"""Annotation on that Lease: the namespaces that its operator serves, with commas between them; empty for all."""
TRIGGER_ANNOTATIONS = (RECONCILE_REQUESTED_AT, ABANDON, FORCE_DELETE, APPROVE_PLAN)
"""A new value of one of these annotations triggers a pass."""

TAG_OWNER_UID = f"{GROUP}/owner-uid"
TAG_OWNER = f"{GROUP}/owner"
TAG_EKS_CLUSTER = f"{GROUP}/eks-cluster"
TAG_ADOPTED = f"{GROUP}/adopted"
OWNERSHIP_TAGS = (TAG_OWNER_UID, TAG_OWNER, TAG_EKS_CLUSTER, TAG_ADOPTED)
"""AWS tags on a cluster. The first three prove ownership; the last says that the cluster was not made by us."""

TAG_CLAIM_UID = f"{GROUP}/claim-uid"
"""AWS tag on volumes and snapshots: uid of the EBSVolumeClaim that they belong to. It alone proves ownership."""
TAG_CLUSTER = f"{GROUP}/cluster"
TAG_SNAPSHOT_PURPOSE = f"{GROUP}/snapshot-purpose"
"""AWS tag on snapshots: BeforeDelete or BeforeReplacement."""
TAG_INSTANCE = f"{GROUP}/instance"
"""AWS tag on a snapshot that was made before a replacement: the instance that is replaced."""
TAG_RELEASED = f"{GROUP}/released"
"""AWS tag on a volume that a deleted claim left behind: whose it was."""
VOLUME_TAGS = (TAG_CLAIM_UID, TAG_OWNER, TAG_EKS_CLUSTER, TAG_CLUSTER, TAG_ADOPTED)
"""AWS tags that the operator keeps on a claim's volume, and takes off when it releases it."""

CSI_DRIVER = "ebs.csi.aws.com"
TAG_CSI_CLUSTER = f"{CSI_DRIVER}/cluster"
"""AWS tag by which the EBS CSI driver's policies let it attach a volume. Set in mode CSI, never in mode Direct."""
TAG_CSI_CLUSTER_NAME = f"{CSI_DRIVER}/cluster-name"
OF_CLUSTER = "kubernetes.io/cluster/"
"""What the key of an AWS tag begins with that names a Kubernetes cluster; the value is `owned` on volumes that the EBS
CSI driver made there."""
TAG_CSI_CREATED_FOR = "kubernetes.io/created-for/pvc/name"
RESERVED_TAGS = (f"{GROUP}/", "aws:")
"""Prefixes of tag keys that no spec may set, in whatever case: IAM compares tag keys without case, and by these the
operator and its IAM policy know what is theirs."""
RESERVED_VOLUME_TAGS = (*RESERVED_TAGS, f"{CSI_DRIVER}/", "kubernetes.io/")
"""The same for volumes, where the EBS CSI driver and its policy go by tags, too."""

# [assumption: node-restriction-on]
LABEL_VOLUME_PREFIX = f"{GROUP}.node-restriction.kubernetes.io/vol-"
"""Label on a Node, completed by the claim's short uid: `attached` while the claim's volume is. PersistentVolumes
select it, so removing it keeps new pods away before a detach. The admission plugin NodeRestriction keeps kubelets from
setting keys under node-restriction.kubernetes.io (kubernetes.io, "Assigning Pods to Nodes", Node isolation)."""
ATTACHED_LABEL = "attached"
"""Value of that label while the volume is attached to the Node."""
LABEL_VOLUME_FORMER_PREFIX = f"{GROUP}/vol-"
"""The prefix of earlier builds, which any kubelet can set: no PersistentVolume selects it, and it is removed."""
RESERVED_NODE_KEYS = (f"{GROUP}/", f"{GROUP}.node-restriction.kubernetes.io/")
"""Prefixes of labels and taints on Nodes that no spec may set: by these the operator moves volumes and drains nodes."""
LABEL_CLAIM_UID = f"{GROUP}/claim-uid"
"""Label on PersistentVolumes and PersistentVolumeClaims: which EBSVolumeClaim made them."""
PERSISTENT_VOLUME_PREFIX = "evc-"
"""Begins the name of a PersistentVolume; the uid of its EBSVolumeClaim follows."""
EVENT_CONTROLLER = "hyperpod-operator"
"""`reportingController` of every Event that the operator writes."""

SAGEMAKER_PREFIX = "sagemaker.amazonaws.com/"
"""Labels, annotations and taints of this prefix belong to HyperPod: they are read, and one taint is set."""
NODE_HEALTH_STATUS = f"{SAGEMAKER_PREFIX}node-health-status"
"""A label with HyperPod's judgement, and the key of the one taint that goes with it."""
DEEP_HEALTH_CHECK_STATUS = f"{SAGEMAKER_PREFIX}deep-health-check-status"
FAULT_TYPES = f"{SAGEMAKER_PREFIX}fault-types"
FAULT_REASONS = f"{SAGEMAKER_PREFIX}fault-reasons"
FAULT_DETAILS = f"{SAGEMAKER_PREFIX}fault-details"
"""Annotation: a JSON array of {timestamp, type, reason, message}."""
INSTANCE_GROUP_NAME = f"{SAGEMAKER_PREFIX}instance-group-name"
COMPUTE_TYPE = f"{SAGEMAKER_PREFIX}compute-type"

PROVIDER_ID_PATTERN = (
    "aws:///[a-z0-9-]+/sagemaker/cluster/"
    "hyperpod-(?P<cluster_id>[a-z0-9]{12})-(?P<instance_id>i-[0-9a-f]{8}(?:[0-9a-f]{9})?)"
)
"""`spec.providerID` of a HyperPod node; the first segment is the id of the availability zone."""
NODE_NAME_PREFIX = "hyperpod-"
"""Begins the name of a HyperPod node; the id of its instance follows."""

TAINTED_AT = f"{GROUP}/tainted-at"
"""Annotation on a Node: when the operator added the node-health taint (RFC 3339)."""
TAINT_REASON = f"{GROUP}/taint-reason"
"""Annotation on a Node: why the operator added the taint."""
DRAINING = f"{GROUP}/draining"
"""Key of the taint (effect NoSchedule) that keeps pods off a Node that is drained, and of an annotation on it: for
which object the operator added the taint."""
DETACH_VOLUMES = f"{GROUP}/detach-volumes"
"""Annotation on a Node that is drained: EBSVolumeClaims detach their volumes from it, for the object that it names."""
DELETE_NODE = f"{GROUP}/delete-node"
"""Annotation on a Node, set by people: a scale-in of its group chooses this node first, unless the value denies it."""
LABEL_INSTANCE_TYPE = f"{GROUP}/instance-type"
"""Label on a Node: the EC2 instance type, without `ml.`."""
LABEL_INSTANCE_FAMILY = f"{GROUP}/instance-family"
LABEL_INSTANCE_SIZE = f"{GROUP}/instance-size"
LABEL_ACCELERATOR_NAME = f"{GROUP}/accelerator-name"
LABEL_ACCELERATOR_COUNT = f"{GROUP}/accelerator-count"
LABEL_CAPACITY_TYPE = f"{GROUP}/capacity-type"
"""Label on a Node: on-demand, spot or training-plan."""
LABEL_INSTANCE_GROUP = f"{GROUP}/instance-group"
LABEL_ADD_PREFIX = f"{GROUP}/add-ml-prefix"
"""Label on a Namespace: `true` has the prefix `ml.` added to the instance types that its pods ask for."""
NODE_LABELS = (
    LABEL_INSTANCE_TYPE,
    LABEL_INSTANCE_FAMILY,
    LABEL_INSTANCE_SIZE,
    LABEL_ACCELERATOR_NAME,
    LABEL_ACCELERATOR_COUNT,
    LABEL_CAPACITY_TYPE,
    LABEL_INSTANCE_GROUP,
)


class ConditionType(StrEnum):
    """Types of `status.conditions`. READY is the summary; RECONCILING and STALLED exist only while true."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    PROVISIONED = "Provisioned"
    SPEC_SYNCED = "SpecSynced"
    GROUPS_AT_TARGET = "GroupsAtTarget"
    PAUSED = "Paused"
    TEARDOWN_BLOCKED = "TeardownBlocked"
    NODES_HEALTHY = "NodesHealthy"
    PREFLIGHT_PASSED = "PreflightPassed"
    PLAN_APPROVED = "PlanApproved"

    # Of an EBSVolumeClaim.
    VOLUME_READY = "VolumeReady"
    TARGET_RESOLVED = "TargetResolved"
    ATTACHED = "Attached"
    PUBLISHED = "Published"
    MODIFICATION_COMPLETE = "ModificationComplete"
    FILESYSTEM_RESIZE_PENDING = "FilesystemResizePending"
    IN_USE = "InUse"
    CONFLICT = "Conflict"
    PERMISSIONS_OK = "PermissionsOK"
    DATA_AT_RISK = "DataAtRisk"

    # Of a HyperPodNodeOperation.
    ACCEPTED = "Accepted"
    COMPLETE = "Complete"
    FAILED = "Failed"


class Reason(StrEnum):
    """Reasons of conditions and of the Events that go with them."""

    # Steady.
    CLUSTER_READY = "ClusterReady"
    PROVISIONED = "Provisioned"
    IN_SYNC = "InSync"
    AT_TARGET = "AtTarget"
    CHECKS_PASSED = "ChecksPassed"
    APPROVED = "Approved"
    PAUSED = "Paused"
    PLAN_ONLY = "PlanOnly"

    # Waiting: time or AWS will solve it, nobody has to act.
    CREATING = "Creating"
    UPDATING = "Updating"
    ROLLING_BACK = "RollingBack"
    SYSTEM_UPDATING = "SystemUpdating"
    DELETING = "Deleting"
    SCALING = "Scaling"
    UPDATING_SOFTWARE = "UpdatingSoftware"
    DEEP_HEALTH_CHECKS = "DeepHealthChecks"
    AWAITING_VISIBILITY = "AwaitingVisibility"
    SETTLING = "Settling"
    CLUSTER_BUSY = "ClusterBusy"
    ROLE_PROPAGATION = "RolePropagation"
    ADOPTION_ANNOUNCED = "AdoptionAnnounced"
    CONFIRMING_DELETION = "ConfirmingDeletion"
    UNKNOWN_OUTCOME = "UnknownOutcome"
    WAITING_FOR_WORKLOADS = "WaitingForWorkloads"
    EVICTING_WORKLOADS = "EvictingWorkloads"
    EVICTION_BLOCKED = "EvictionBlocked"
    NODES_STILL_TAINTED = "NodesStillTainted"
    RECREATING = "Recreating"

    # Blocked: a person has to act; the message says how.
    INVALID_SPEC = "InvalidSpec"
    QUARANTINED = "Quarantined"
    SPEC_REJECTED = "SpecRejected"
    NOT_OWNED = "NotOwned"
    IMMUTABLE_DIFFERS = "ImmutableDiffers"
    CREATE_FAILED = "CreateFailed"
    CLUSTER_FAILED = "ClusterFailed"
    UPDATE_ROLLED_BACK = "UpdateRolledBack"
    QUOTA_EXCEEDED = "QuotaExceeded"
    ACCOUNT_BLOCKED = "AccountBlocked"
    EKS_CLUSTER_IN_USE = "EKSClusterInUse"
    PERMISSION_DENIED = "PermissionDenied"
    REGION_NOT_ALLOWED = "RegionNotAllowed"
    WRONG_ACCOUNT_OR_REGION = "WrongAccountOrRegion"
    NOT_ALLOWED = "NotAllowed"
    TOO_MANY_TAGS = "TooManyTags"
    TEARDOWN_BLOCKED = "TeardownBlocked"
    VOLUMES_ATTACHED = "VolumesAttached"
    VOLUMES_ON_NODES = "VolumesOnNodes"
    DETACHING_VOLUMES = "DetachingVolumes"
    PREFLIGHT_FAILED = "PreflightFailed"
    WAITING_FOR_APPROVAL = "WaitingForApproval"
    PLAN_STALE = "PlanStale"
    DELETION_PROTECTED = "DeletionProtected"
    DELETED_OUTSIDE = "DeletedOutside"
    WORKLOADS_UNREADABLE = "WorkloadsUnreadable"
    DRAIN_TIMED_OUT = "DrainTimedOut"
    COUNT_NOT_LOWERED = "CountNotLowered"

    # Held: a difference that the operator sees and leaves alone, because acting could destroy what it does not own.
    UNKNOWN_GROUPS = "UnknownGroups"
    SCALED_OUTSIDE = "ScaledOutside"
    COUNT_ABOVE_SPEC = "CountAboveSpec"
    MINIMUM_ABOVE_COUNT = "MinimumAboveCount"
    COUNT_OFFSET = "CountOffset"

    # Groups short of their target.
    CAPACITY_SHORTAGE = "CapacityShortage"
    LIFECYCLE_SCRIPT_FAILED = "LifecycleScriptFailed"
    NETWORK_MISCONFIGURED = "NetworkMisconfigured"
    EFA_CHECK_FAILED = "EFACheckFailed"
    GROUP_FAILED = "GroupFailed"
    GROUP_DEGRADED = "GroupDegraded"

    # Health of the nodes, as Kubernetes and HyperPod tell it.
    ALL_SCHEDULABLE = "AllSchedulable"
    NODES_UNHEALTHY = "NodesUnhealthy"
    MANY_NODES_UNHEALTHY = "ManyNodesUnhealthy"
    NODES_NEVER_JOINED = "NodesNeverJoined"
    INSTANCES_GONE = "InstancesGone"
    HEALTH_NOT_REPORTED = "HealthNotReported"

    # Failed: retried with backoff.
    THROTTLED = "Throttled"
    CREDENTIALS_INVALID = "CredentialsInvalid"
    AWS_UNREACHABLE = "AWSUnreachable"
    AWS_ERROR = "AWSError"
    INTERNAL_ERROR = "InternalError"
    KUBERNETES_ERROR = "KubernetesError"

    # Told in Events alone.
    CLUSTER_DISAPPEARED = "ClusterDisappeared"
    ADOPTED = "Adopted"
    RELEASED = "Released"
    ABANDONED = "Abandoned"
    STATUS_REFUSED = "StatusRefused"
    HYPERPOD_EVENT = "HyperPodEvent"
    NODE_TAINTED = "NodeTainted"
    NODE_UNTAINTED = "NodeUntainted"
    NODE_REPLACED = "NodeReplaced"
    NODE_CONTRADICTS = "NodeContradicts"
    NODE_NOT_CHANGED = "NodeNotChanged"
    DEFINITION_DIFFERS = "DefinitionDiffers"
    SERVED_TWICE = "ServedTwice"
    DELETED = "Deleted"

    # EBSVolumeClaim: steady.
    CLAIM_READY = "ClaimReady"
    VOLUME_AVAILABLE = "VolumeAvailable"
    TARGET_CHOSEN = "TargetChosen"
    ATTACHED = "Attached"
    PUBLISHED = "Published"
    NOT_PUBLISHED = "NotPublished"
    UNUSED = "Unused"
    USED_BY_PODS = "UsedByPods"
    SUSPENDED = "Suspended"
    NO_CONFLICT = "NoConflict"
    PERMITTED = "Permitted"
    FILESYSTEM_FITS = "FilesystemFits"
    KEPT_ON_TERMINATION = "KeptOnTermination"

    # EBSVolumeClaim: waiting.
    CREATING_VOLUME = "CreatingVolume"
    CLAIMING = "Claiming"
    ATTACHING = "Attaching"
    DETACHING = "Detaching"
    MODIFYING = "Modifying"
    RATE_LIMITED = "RateLimited"
    PUBLISHING = "Publishing"
    UNPUBLISHING = "Unpublishing"
    SNAPSHOTTING = "Snapshotting"
    DELETING_VOLUME = "DeletingVolume"
    RELEASING = "Releasing"
    CLUSTER_NOT_IN_SERVICE = "ClusterNotInService"
    NODE_NOT_RUNNING = "NodeNotRunning"
    NODE_LOST = "NodeLost"
    WAITING_FOR_REPLACEMENT = "WaitingForReplacement"
    ATTACHMENT_LIMIT = "AttachmentLimit"
    NO_CAPACITY = "NoCapacity"
    DETACH_BLOCKED = "DetachBlocked"
    IN_USE = "InUse"

    # EBSVolumeClaim: a person has to act.
    KUBERNETES_REFUSED = "KubernetesRefused"
    CLUSTER_NOT_FOUND = "ClusterNotFound"
    NODE_NOT_FOUND = "NodeNotFound"
    NODE_UNSCHEDULABLE = "NodeUnschedulable"
    NODE_DRAINING = "NodeDraining"
    RESTRICTED_INSTANCE_GROUP = "RestrictedInstanceGroup"
    VOLUME_LOST = "VolumeLost"
    VOLUME_AMBIGUOUS = "VolumeAmbiguous"
    VOLUME_FAILED = "VolumeFailed"
    MODIFICATION_FAILED = "ModificationFailed"
    SIZE_BELOW_ACTUAL = "SizeBelowActual"
    ATTACHED_ELSEWHERE = "AttachedElsewhere"
    ATTACHMENT_REFUSED = "AttachmentRefused"
    CLAIMED_BY_OTHER = "ClaimedByOther"
    CSI_OWNED = "CSIOwned"
    AZ_MISMATCH = "AZMismatch"
    MULTI_ATTACH = "MultiAttach"
    NAME_TAKEN = "NameTaken"
    RECLAIM_POLICY_EDITED = "ReclaimPolicyEdited"
    BOUND_TO_OTHER = "BoundToOther"
    STUCK_ATTACHING = "StuckAttaching"
    SNAPSHOT_FAILED = "SnapshotFailed"
    DELETE_ON_TERMINATION = "DeleteOnTermination"
    GROW_FILESYSTEM = "GrowFilesystem"

    # HyperPodNodeOperation.
    OPERATION_COMPLETE = "OperationComplete"
    OPERATION_LISTED = "OperationListed"
    OPERATION_ACCEPTED = "OperationAccepted"
    OPERATION_SUSPENDED = "OperationSuspended"
    NOT_BEFORE = "NotBefore"
    DRAINING = "Draining"
    OPERATING = "Operating"
    WAITING_FOR_NODES = "WaitingForNodes"
    WITHDRAWING = "Withdrawing"
    OPERATION_FAILED = "OperationFailed"
    NODE_OPERATION_ENDED = "NodeOperationEnded"
