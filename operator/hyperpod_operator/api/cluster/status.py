"""The status of a HyperPodCluster: what the operator last saw, and what must survive a restart of it.

The same models read the stored status and make the new one, so nothing is required beyond what identifies an
item, and words that AWS or a later operator may add to (a status, an outcome) are bounded text, not enums: a
status that cannot be read or written would stop a cluster that is perfectly well.
"""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.cluster.cost import ClusterCost
from hyperpod_operator.api.cluster.memory import (
    ClusterMemory,
    GroupMemory,
)
from hyperpod_operator.api.cluster.training_plan import PLANS_MOST, TrainingPlanStatus
from hyperpod_operator.api.common.adoption import Adoption
from hyperpod_operator.api.common.bounds import ATOMIC, Timestamp, keyed
from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.operations import Operations, OperationStatus
from hyperpod_operator.api.common.plan import HISTORY_MOST, HistoryEntry, LastApproval, PlanStatus
from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.api.common.words import Arn, Count, Fingerprint, Line, Message, Word


class NodeCounts(Model):
    """How many nodes there are, over all groups."""

    summary: Annotated[str, Field(max_length=32)] | None = Field(
        default=None, description="Current and target count, for example 12/16."
    )
    target: Count | None = Field(default=None, description="Sum of the groups' target counts in AWS.")
    current: Count | None = Field(default=None, description="Sum of the groups' current counts in AWS.")
    running: Count | None = Field(
        default=None, description="Nodes whose status is Running, as of the last read of each node."
    )
    notRunning: Count | None = Field(
        default=None, description="Nodes in any other status, as of the last read of each node; see nodeProblems."
    )


class InstanceGroupStatus(Model):
    """The state of one group in AWS, and what the operator records about it."""

    instanceGroupName: Word = Field(description="Name of the group.")
    restricted: bool | None = Field(default=None, description="true for a restricted instance group.")
    status: Word | None = Field(
        default=None,
        description="AWS's status of the group: InService, Creating, Updating, Failed, Degraded, SystemUpdating or "
        "Deleting.",
    )
    instanceType: Word | None = Field(
        default=None, description="Instance type; of a flexible group the first in the list."
    )
    targetCount: Count | None = Field(default=None, description="Target number of instances in AWS.")
    currentCount: Count | None = Field(default=None, description="Current number of instances in AWS.")
    desiredCount: Count | None = Field(default=None, description="Instances that the spec asks for.")
    schedulableNodes: Count | None = Field(
        default=None, description="Kubernetes Nodes of the group that may receive pods, as far as health goes."
    )
    unhealthyNodes: Count | None = Field(
        default=None, description="Kubernetes Nodes of the group that HyperPod found unhealthy."
    )
    neverJoined: Count | None = Field(
        default=None, description="Instances that SageMaker reports as Running and that have no Kubernetes Node."
    )
    instancesGone: Count | None = Field(
        default=None, description="Kubernetes Nodes of the group that have no matching SageMaker instance."
    )
    softwareUpdateStatus: Word | None = Field(
        default=None,
        description="AWS's status of the last AMI update: Pending, InProgress, Succeeded, Failed, RollbackInProgress "
        "or RollbackComplete.",
    )
    currentImageId: Word | None = Field(default=None, description="AMI that the group runs, by AWS's answer.")
    currentImageReleaseVersion: Word | None = Field(
        default=None, description="Release of HyperPod's AMI that the group runs."
    )
    desiredImageReleaseVersion: Word | None = Field(
        default=None, description="Release that AWS brings the group to; set while it differs from the current one."
    )
    imageVersionStatus: Word | None = Field(
        default=None,
        description="Whether there is a newer release: UpToDate, UpdateAvailable, SecurityUpdateRequired or EndOfLife. "
        "To update, set imageReleaseVersion.",
    )
    trainingPlanStatus: Word | None = Field(
        default=None, description="AWS's status of the group's training plan, if it has one."
    )
    message: Message | None = Field(default=None, description="Why the group is not at its target.")
    memory: GroupMemory | None = Field(
        default=None, description="What the operator notes about the group for its later passes."
    )

    @property
    def remembered(self) -> GroupMemory:
        """The memory; empty where there is none."""
        return self.memory or GroupMemory()


class NodeProblem(Model):
    """A node that is not Running."""

    instanceId: Word = Field(description="EC2 instance id.")
    instanceGroupName: Word | None = Field(default=None, description="Name of its group.")
    status: Word | None = Field(default=None, description="AWS's status of the node, for example Failure or Pending.")
    message: Message | None = Field(default=None, description="AWS's message about it.")


class UnhealthyNode(Model):
    """A Kubernetes Node that must not receive pods, or whose health is unknown."""

    name: Annotated[str, Field(max_length=253)] = Field(description="Name of the Node.")
    instanceId: Word | None = Field(default=None, description="EC2 instance id.")
    instanceGroupName: Word | None = Field(default=None, description="Name of its group.")
    state: Word | None = Field(
        default=None,
        description="HyperPod's status: Unschedulable, UnschedulablePendingReplacement or UnschedulablePendingReboot; "
        "Unknown for a status that this release does not know, NotReported for none.",
    )
    faultType: Word | None = Field(default=None, description="HyperPod's type of the fault, if known.")
    faultReason: Word | None = Field(default=None, description="HyperPod's reason of the fault, if known.")
    message: Line | None = Field(default=None, description="Why it must not receive pods.")
    since: Timestamp | None = Field(default=None, description="Since when, as RFC 3339, if that is known.")


class NodeHealth(Model):
    """Kubernetes Nodes of the cluster by state of health, and where Kubernetes and SageMaker disagree."""

    schedulable: Count | None = Field(default=None, description="Nodes that may receive pods.")
    unschedulable: Count | None = Field(
        default=None, description="Nodes that HyperPod found unhealthy, with no repair planned yet."
    )
    deepHealthCheck: Count | None = Field(
        default=None, description="Nodes on which deep health checks run: they take no pods, and nothing is wrong."
    )
    pendingReplacement: Count | None = Field(default=None, description="Nodes whose instance HyperPod will replace.")
    pendingReboot: Count | None = Field(default=None, description="Nodes whose instance HyperPod will reboot.")
    unknown: Count | None = Field(
        default=None, description="Nodes with a health status that this release does not know; they get no new pods."
    )
    joining: Count | None = Field(default=None, description="Recently created Nodes without a health status.")
    notReported: Count | None = Field(
        default=None, description="Nodes that should have a health status by now and have none."
    )
    neverJoined: Count | None = Field(
        default=None, description="Instances that SageMaker reports as Running and that have no Node."
    )
    instancesGone: Count | None = Field(default=None, description="Nodes that have no matching SageMaker instance.")
    worst: Annotated[list[UnhealthyNode], Field(max_length=10, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="Up to 10 Nodes that are not healthy, the worst first."
    )


class RejectedGroup(Model):
    """A group whose part of an update AWS refused: it is left as AWS has it, and all else goes on without it."""

    instanceGroupName: Word = Field(description="Name of the group; empty for members of the cluster itself.")
    fingerprint: Fingerprint | None = Field(default=None, description="Digest of what was refused.")
    reason: Word | None = Field(default=None, description="One word for why, as in the conditions.")
    message: Line | None = Field(default=None, description="What was refused and what to do.")
    time: Timestamp | None = Field(default=None, description="When, as RFC 3339.")
    attempts: Count | None = Field(default=None, description="How often the same was refused in a row.")
    suspected: bool | None = Field(
        default=None,
        description="true while AWS has refused several groups together without naming one: each is tried by itself.",
    )


class AutoScalingStatus(Model):
    """What AWS says of the autoscaler that it runs for the cluster."""

    status: Word | None = Field(default=None, description="AWS's status: Creating, InService, Failed or Deleting.")
    failureMessage: Message | None = Field(default=None, description="AWS's FailureMessage of the autoscaler.")


class HyperPodClusterStatus(Model):
    """`status` of a HyperPodCluster."""

    actor: Word | None = Field(
        default=None,
        description="Who has to act before the object moves on: You, AWS, or - for no one.",
    )
    shortMessage: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="The message of the condition Ready in at most 100 characters."
    )
    observedGeneration: Count | None = Field(
        default=None, description="The metadata.generation that this status is about."
    )
    lastHandledReconcileAt: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None,
        description="The last value of the annotation hyperpod-operator.dev/reconcile-requested-at that was acted on.",
    )
    clusterArn: Arn | None = Field(default=None, description="ARN of the HyperPod cluster.")
    clusterStatus: Word | None = Field(
        default=None,
        description="AWS's status: Creating, InService, Updating, SystemUpdating, RollingBack, Failed or Deleting. "
        "InService does not mean complete: see nodes. NotFound: AWS does not return the cluster any more.",
    )
    failureMessage: Message | None = Field(default=None, description="AWS's FailureMessage of the cluster.")
    cost: ClusterCost | None = Field(
        default=None, description="What the instances cost per hour, by AWS's price list; unset where it is not read."
    )
    autoScaling: AutoScalingStatus | None = Field(
        default=None, description="The autoscaler of the cluster, where spec.autoScaling asks for one."
    )
    region: Word | None = Field(default=None, description="AWS Region of the cluster.")
    origin: Word | None = Field(
        default=None, description="Created: the operator created the cluster. Adopted: it existed before."
    )
    creationTime: Timestamp | None = Field(default=None, description="When AWS created the cluster, as RFC 3339.")
    nodes: NodeCounts | None = Field(default=None, description="How many nodes there are.")
    groupsSummary: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="Current and target count of each group, for example: gpu 4/4, cpu 2/2."
    )
    instanceGroups: (
        Annotated[list[InstanceGroupStatus], Field(max_length=200, json_schema_extra=keyed("instanceGroupName"))] | None
    ) = Field(
        default=None, description="The groups in AWS, of both kinds, and those that the operator is about to create."
    )
    nodeProblems: Annotated[list[NodeProblem], Field(max_length=20, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="Up to 20 nodes that are not Running."
    )
    nodeHealth: NodeHealth | None = Field(default=None, description="The health of the cluster's Kubernetes Nodes.")
    operations: Operations | None = Field(
        default=None,
        description="The journal: the last call of each concern that was to change something, the newest last.",
    )
    rejectedGroups: (
        Annotated[list[RejectedGroup], Field(max_length=100, json_schema_extra=keyed("instanceGroupName"))] | None
    ) = Field(
        default=None,
        description="Groups whose part of an update AWS refused or rolled back; all else goes on without them.",
    )
    preflight: PreflightStatus | None = Field(
        default=None, description="The checks before the last call that creates the cluster or adds groups."
    )
    trainingPlans: (
        Annotated[list[TrainingPlanStatus], Field(max_length=PLANS_MOST, json_schema_extra=keyed("arn"))] | None
    ) = Field(default=None, description="The training plans of the groups, and when they end.")
    adoption: Adoption | None = Field(default=None, description="Changes announced before an adoption.")
    plan: PlanStatus | None = Field(
        default=None, description="Every call that the operator would make, whether it may be made now or not."
    )
    lastApproval: LastApproval | None = Field(
        default=None, description="The last approved plan; the operator records here what it sent of it."
    )
    history: Annotated[list[HistoryEntry], Field(max_length=HISTORY_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="The last 20 calls that were to change something in AWS, the newest last."
    )
    memory: ClusterMemory | None = Field(
        default=None, description="What the operator notes for its later passes and AWS does not return."
    )
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=keyed("type"))] | None = Field(
        default=None, description="Conditions; Ready is the summary."
    )

    @property
    def remembered(self) -> ClusterMemory:
        """The memory; empty where there is none."""
        return self.memory or ClusterMemory()

    @property
    def last(self) -> OperationStatus | None:
        """The newest call of all."""
        return self.operations[-1] if self.operations else None
