"""The record of HyperPodCluster."""

from hyperpod_operator.api.cluster.resource import HyperPodCluster, HyperPodClusterSpec
from hyperpod_operator.api.cluster.rules import ROOT_RULES
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.kinds.cluster_warnings import EDITS
from hyperpod_operator.api.kinds.kind import (
    ACTOR_COLUMN,
    AGE_COLUMN,
    Column,
    ConditionRow,
    Kind,
    message_column,
    ready_column,
)
from hyperpod_operator.api.kinds.shared import summary
from hyperpod_operator.api.metrics.clusters import GAUGES
from hyperpod_operator.api.names import (
    CLUSTER_KIND,
    CLUSTER_PLURAL,
    CLUSTER_SHORT,
    CLUSTER_SINGULAR,
    ConditionType,
)

CLUSTER = Kind(
    name=CLUSTER_KIND,
    plural=CLUSTER_PLURAL,
    singular=CLUSTER_SINGULAR,
    short=CLUSTER_SHORT,
    word="cluster",
    resource=HyperPodCluster,
    spec=HyperPodClusterSpec,
    status=HyperPodClusterStatus,
    description="A SageMaker HyperPod cluster whose nodes join an EKS cluster. Members that mirror the "
    "SageMaker API have its names with the first letter lowered; members of the operator itself are under "
    "management.",
    columns=(
        ready_column("Whether AWS holds what the spec asks for."),
        Column(name="Status", path=".status.clusterStatus", description="AWS's status of the cluster."),
        Column(name="Nodes", path=".status.nodes.summary", description="Current and target count of nodes."),
        ACTOR_COLUMN,
        message_column(),
        AGE_COLUMN,
        Column(
            name="Groups",
            path=".status.groupsSummary",
            description="Current and target count of each group.",
            priority=1,
        ),
        Column(name="Plan", path=".status.plan.state", description="State of the plan.", priority=1),
        Column(name="ARN", path=".status.clusterArn", description="ARN of the HyperPod cluster.", priority=1),
    ),
    # For `kubectl get hpc -A --field-selector status.clusterStatus=Failed`.
    selectable=(".spec.orchestrator.eks.clusterArn", ".status.clusterStatus"),
    rules=ROOT_RULES,
    warnings=EDITS,
    gauges=GAUGES,
    # Bounds the cost of the rules that read the name; 253 is Kubernetes' own limit.
    metadata={"properties": {"name": {"type": "string", "maxLength": 253}}},
    conditions=(
        *summary(ready="AWS holds what the spec asks for and every node is there."),
        ConditionRow(
            type=ConditionType.PROVISIONED,
            true="The cluster exists, and the operator owns it.",
            false="It does not exist yet, failed, is being deleted, or is not owned by this resource.",
        ),
        ConditionRow(
            type=ConditionType.SPEC_SYNCED,
            true="AWS holds what the spec asks for (except for running counts of nodes).",
            false="A change is pending, in progress, rejected, or deliberately not made.",
        ),
        ConditionRow(
            type=ConditionType.GROUPS_AT_TARGET,
            true="Every group has its target number of nodes.",
            false="A group lacks nodes; the message names it and quotes AWS.",
        ),
        ConditionRow(
            type=ConditionType.TEARDOWN_BLOCKED,
            true="AWS cannot delete the cluster; the message names the role to restore.",
            false="(missing)",
        ),
        ConditionRow(
            type=ConditionType.NODES_HEALTHY,
            true="Every Kubernetes Node of the cluster may receive pods, according to HyperPod's health checks.",
            false="Some are unhealthy, or Kubernetes and SageMaker disagree about them. With `nodeRecovery: None` "
            "unhealthy Nodes make the cluster Stalled; otherwise HyperPod repairs them and `Ready` does not "
            "change. `Unknown`: HyperPod reports no health.",
        ),
        ConditionRow(
            type=ConditionType.PREFLIGHT_PASSED,
            true="No check failed before the last call that creates the cluster, adds groups or scales them out; the "
            "message has the warnings. (missing): nothing was checked.",
            false="A check failed; the message says which, where, and what to do. With `spec.management.preflight: "
            "Enforce` a call that creates the cluster or adds groups waits; a scale-out is sent.",
        ),
        ConditionRow(
            type=ConditionType.PLAN_APPROVED,
            true="Changes that need an approval are approved; the operator sends them. (missing): no change needs one.",
            false="Changes wait for an approval, or the approval names another plan; the message has the command.",
        ),
    ),
)
