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

CLUSTER_FINALIZER = f"{GROUP}/hyperpodcluster"
"""Ours alone. Kopf removes the finalizer that its own settings name, so that name must differ from this one."""

RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
"""Annotation: any new value asks for a pass now; echoed in `status.lastHandledReconcileAt`."""

ABANDON = f"{GROUP}/abandon"
"""Annotation: its value is the object's name. A deleted object is released at once, and AWS is not asked or told."""
WISH_ANNOTATIONS = (RECONCILE_REQUESTED_AT, ABANDON)
"""Annotations by which a person asks for something: a new value asks for a pass."""

TAG_OWNER_UID = f"{GROUP}/owner-uid"
TAG_OWNER = f"{GROUP}/owner"
TAG_EKS_CLUSTER = f"{GROUP}/eks-cluster"
TAG_ADOPTED = f"{GROUP}/adopted"
OWNERSHIP_TAGS = (TAG_OWNER_UID, TAG_OWNER, TAG_EKS_CLUSTER, TAG_ADOPTED)
"""AWS tags on a cluster. The first three prove ownership; the last says that the cluster was not made by us."""

SAGEMAKER_PREFIX = "sagemaker.amazonaws.com/"
"""Labels, annotations and taints of this prefix belong to HyperPod: they are read, and one taint is set."""
NODE_HEALTH_STATUS = f"{SAGEMAKER_PREFIX}node-health-status"
"""A label with HyperPod's verdict, and the key of the one taint that goes with it."""
DEEP_HEALTH_CHECK_STATUS = f"{SAGEMAKER_PREFIX}deep-health-check-status"
FAULT_TYPES = f"{SAGEMAKER_PREFIX}fault-types"
FAULT_REASONS = f"{SAGEMAKER_PREFIX}fault-reasons"
FAULT_DETAILS = f"{SAGEMAKER_PREFIX}fault-details"
"""Annotation: a JSON array of {timestamp, type, reason, message}."""
INSTANCE_GROUP_NAME = f"{SAGEMAKER_PREFIX}instance-group-name"
COMPUTE_TYPE = f"{SAGEMAKER_PREFIX}compute-type"

FENCED_AT = f"{GROUP}/fenced-at"
"""Annotation on a Node: the operator added the node-health taint, and when (RFC 3339)."""
FENCED_BECAUSE = f"{GROUP}/fenced-because"
"""Annotation on a Node: why it did."""
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


class Reason(StrEnum):
    """Reasons of conditions and of the Events that go with them."""

    # Steady.
    CLUSTER_READY = "ClusterReady"
    PROVISIONED = "Provisioned"
    IN_SYNC = "InSync"
    AT_TARGET = "AtTarget"
    PAUSED = "Paused"

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
    RECREATING = "Recreating"

    # Blocked: a person has to act; the message says how.
    INVALID_SPEC = "InvalidSpec"
    SPEC_REJECTED = "SpecRejected"
    NOT_OWNED = "NotOwned"
    IMMUTABLE_DIFFERS = "ImmutableDiffers"
    CREATE_FAILED = "CreateFailed"
    CLUSTER_FAILED = "ClusterFailed"
    UPDATE_ROLLED_BACK = "UpdateRolledBack"
    QUOTA_EXCEEDED = "QuotaExceeded"
    PERMISSION_DENIED = "PermissionDenied"
    REGION_NOT_ALLOWED = "RegionNotAllowed"
    TEARDOWN_BLOCKED = "TeardownBlocked"

    # Held: a difference that the operator sees and leaves alone, because acting could destroy what it does not own.
    UNKNOWN_GROUPS = "UnknownGroups"
    SCALED_OUTSIDE = "ScaledOutside"

    # Groups short of their target.
    CAPACITY_SHORTAGE = "CapacityShortage"
    LIFECYCLE_SCRIPT_FAILED = "LifecycleScriptFailed"
    NETWORK_MISCONFIGURED = "NetworkMisconfigured"
    EFA_CHECK_FAILED = "EFACheckFailed"
    GROUP_FAILED = "GroupFailed"
    GROUP_DEGRADED = "GroupDegraded"

    # Failed: retried with backoff.
    THROTTLED = "Throttled"
    CREDENTIALS_INVALID = "CredentialsInvalid"
    AWS_UNREACHABLE = "AWSUnreachable"
    AWS_ERROR = "AWSError"
    INTERNAL_ERROR = "InternalError"

    # Told in Events alone.
    CLUSTER_DISAPPEARED = "ClusterDisappeared"
    ADOPTED = "Adopted"
    RELEASED = "Released"
    ABANDONED = "Abandoned"
    HYPERPOD_EVENT = "HyperPodEvent"
    DELETED = "Deleted"
