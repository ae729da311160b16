"""The record of HyperPodCluster."""

from hyperpod_operator.api.cluster import HyperPodCluster, HyperPodClusterSpec
from hyperpod_operator.api.cluster_rules import ROOT_RULES
from hyperpod_operator.api.kinds.kind import AGE_COLUMN, Column, ConditionRow, Kind, message_column, ready_column
from hyperpod_operator.api.kinds.shared import summary
from hyperpod_operator.api.names import (
    CLUSTER_KIND,
    CLUSTER_PLURAL,
    CLUSTER_SHORT,
    CLUSTER_SINGULAR,
    ConditionType,
)
from hyperpod_operator.api.status import HyperPodClusterStatus

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
        message_column(),
        AGE_COLUMN,
        Column(
            name="Groups",
            path=".status.groupsSummary",
            description="Current and target count of each group.",
            priority=1,
        ),
        Column(name="ARN", path=".status.clusterArn", description="ARN of the HyperPod cluster.", priority=1),
    ),
    # For `kubectl get hpc -A --field-selector status.clusterStatus=Failed`.
    selectable=(".spec.orchestrator.eks.clusterArn", ".status.clusterStatus"),
    rules=ROOT_RULES,
    # Bounds the cost of the rules that read the name; 253 is Kubernetes' own limit.
    metadata={"properties": {"name": {"type": "string", "maxLength": 253}}},
    conditions=(
        *summary(ready="AWS holds what the spec asks for and every node is there."),
        ConditionRow(
            type=ConditionType.PROVISIONED,
            true="The cluster exists, is ours and was made.",
            false="It does not exist yet, failed, is going, or is not ours.",
        ),
        ConditionRow(
            type=ConditionType.SPEC_SYNCED,
            true="AWS holds what the spec asks for (counts of nodes that run aside).",
            false="A change is waiting, under way, refused or held.",
        ),
        ConditionRow(
            type=ConditionType.GROUPS_AT_TARGET,
            true="Every group has the nodes that AWS wants it to have.",
            false="A group lacks nodes; the message names it and quotes AWS.",
        ),
        ConditionRow(
            type=ConditionType.TEARDOWN_BLOCKED,
            true="AWS cannot take the cluster down; the message names the role to restore.",
            false="(absent)",
        ),
        ConditionRow(
            type=ConditionType.NODES_HEALTHY,
            true="Every Kubernetes Node of the cluster may receive pods, as far as HyperPod's health checks go.",
            false="Some must not, or Kubernetes and SageMaker disagree about them. With `nodeRecovery: None` sick "
            "Nodes make the cluster Stalled; otherwise HyperPod repairs them and `Ready` stays. `Unknown`: "
            "HyperPod does not tell.",
        ),
        ConditionRow(
            type=ConditionType.PREFLIGHT_PASSED,
            true="No check failed before the last call that creates the cluster or adds groups; the message has the "
            "warnings. (missing): nothing was checked.",
            false="A check failed; the message says which, where, and what to do. With "
            "`spec.management.preflight: Enforce` the call waits.",
        ),
    ),
)
