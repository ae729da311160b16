"""The status of a HyperPodNodeOperation: an entry for each node, and what must survive a restart.

Words that AWS may add to are bounded text: a status that cannot be read would stop an operation half-way.
"""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import ATOMIC, Timestamp, keyed
from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.operations import Operations
from hyperpod_operator.api.common.plan import HISTORY_MOST, HistoryEntry, PlanStatus
from hyperpod_operator.api.common.words import Arn, Count, Line, Word
from hyperpod_operator.api.nodeoperation.bounds import NODES_MOST

WAITING_MOST = 5
"""Pods that an entry names; the message counts the others."""
ObjectPath = Annotated[str, Field(max_length=512)]


class NodeMemory(Model):
    """What the operator notes about one node for its later passes."""

    attempts: Count | None = Field(default=None, description="How often AWS refused the node.")
    retryTime: Timestamp | None = Field(
        default=None, description="AWS is asked about the node again at this time at the earliest."
    )
    batch: Count | None = Field(default=None, description="Number of the call that names the node.")
    bootId: Word | None = Field(default=None, description="Boot id of the node before AWS was asked.")
    newestLaunch: Timestamp | None = Field(
        default=None,
        description="Launch time of the newest instance of the group before AWS was asked to replace the node.",
    )
    begun: bool | None = Field(default=None, description="Whether the effect was seen to begin.")
    marked: Word | None = Field(
        default=None,
        description="What the operator's taint and conditions on the Node say: Drain, Detach (EBSVolumeClaims are "
        "asked to detach) or Maintenance. Unset: there are none, or they are removed.",
    )
    drainTimedOut: bool | None = Field(
        default=None, description="true: pods were left on the node when drainTimeoutSeconds was over."
    )
    askedLast: Timestamp | None = Field(
        default=None,
        description="drainTimeoutSeconds was over at this time, and the pods that were left were asked a last time to "
        "leave.",
    )
    missingSince: Timestamp | None = Field(default=None, description="AWS does not list the node since this time.")
    leftToAwsSince: Timestamp | None = Field(
        default=None,
        description="The operation ended on the node at this time, while AWS may have worked on it. The taint stays "
        "until AWS is done with the node.",
    )


class OperationMemory(Model):
    """What the operator notes about the operation for its later passes."""

    batches: Count | None = Field(default=None, description="How many calls were made.")
    cutOffSince: Timestamp | None = Field(
        default=None,
        description="Nodes drain, and the operation cannot use its cluster since this time until a person acts.",
    )
    foreseen: bool | None = Field(
        default=None,
        description="Whether the nodes are those that would be chosen now. The operation may not begin yet, and "
        "chooses again when it does.",
    )


class OperationNodeStatus(Model):
    """How far the operation is on one node."""

    id: Word = Field(description="The node as spec.nodes has it, or its instance id where a selector chose it.")
    name: ObjectPath | None = Field(default=None, description="Name of the Kubernetes Node.")
    instanceId: Word | None = Field(default=None, description="Instance id.")
    nodeLogicalId: Word | None = Field(default=None, description="Logical id.")
    instanceGroupName: Word | None = Field(default=None, description="Instance group when it was chosen.")
    state: Word = Field(
        description="Pending: not started. Draining: tainted, pods leave. Sent: AWS is being asked, or its answer was "
        "lost. Waiting: AWS accepted it. Succeeded: the effect was seen. Failed, Skipped: see message."
    )
    awsCode: Word | None = Field(default=None, description="AWS's code where it refused this node last.")
    message: Line | None = Field(
        default=None,
        description="What is going on, and what to do. Where the messages of all nodes are too long together, the "
        "longest ones are shortened.",
    )
    startTime: Timestamp | None = Field(default=None, description="When its drain began, as RFC 3339.")
    sentTime: Timestamp | None = Field(default=None, description="When AWS was asked last, as RFC 3339.")
    completionTime: Timestamp | None = Field(default=None, description="When it ended, as RFC 3339.")
    replacedBy: Word | None = Field(default=None, description="Instance id of the node that took its place.")
    waitingFor: Annotated[list[ObjectPath], Field(max_length=WAITING_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="Pods that the drain waits for, as namespace/name; the first five."
    )
    memory: NodeMemory | None = Field(
        default=None, description="What the operator notes about the node for its later passes."
    )

    @property
    def remembered(self) -> NodeMemory:
        """The memory; empty where there is none."""
        return self.memory or NodeMemory()


class OperationCounts(Model):
    """Nodes by state."""

    pending: Count = Field(default=0, description="Nodes that are not started.")
    active: Count = Field(default=0, description="Nodes that are drained or operated on.")
    succeeded: Count = Field(default=0, description="Nodes whose effect was seen.")
    failed: Count = Field(default=0, description="Nodes that failed.")
    skipped: Count = Field(default=0, description="Nodes that were left alone.")
    podsUnlisted: Count | None = Field(
        default=None,
        description="Nodes whose waitingFor is left out, because the pods of others fill the status. The message of "
        "each has how many pods it waits for.",
    )


class HyperPodNodeOperationStatus(Model):
    """How far the operation is."""

    actor: Word | None = Field(
        default=None,
        description="Who has to act before the object moves on: You, AWS, or - for no one.",
    )
    shortMessage: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="The message of the condition Ready in at most 100 characters."
    )
    observedGeneration: int | None = Field(default=None, ge=0, description="The metadata.generation of this status.")
    lastHandledReconcileAt: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="The last value of the annotation reconcile-requested-at that a pass handled."
    )
    clusterArn: Arn | None = Field(default=None, description="ARN of the cluster whose nodes are operated on.")
    startTime: Timestamp | None = Field(
        default=None,
        description="When the nodes were chosen and, where the changePolicy asks for it, approved, as RFC 3339; while "
        "none is chosen, when the operation began to look for them. Unset while the operation is suspended, its "
        "cluster is paused, or it waits for an approval; set again afterwards.",
    )
    completionTime: Timestamp | None = Field(default=None, description="When the last node ended, as RFC 3339.")
    summary: Word | None = Field(default=None, description="Nodes that are done, of how many.")
    counts: OperationCounts | None = Field(default=None, description="Nodes by state.")
    nodes: Annotated[list[OperationNodeStatus], Field(max_length=NODES_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="An entry for each node, up to 1000."
    )
    plan: PlanStatus | None = Field(
        default=None, description="What the operation does, as its approval names it; the same form as of a cluster."
    )
    operations: Operations | None = Field(
        default=None, description="The last call to AWS. The operator writes it before it sends the call."
    )
    history: Annotated[list[HistoryEntry], Field(max_length=HISTORY_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="The last 20 calls to AWS, the newest last."
    )
    memory: OperationMemory | None = Field(
        default=None, description="What the operator notes for its later passes and AWS does not return."
    )
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=keyed("type"))] | None = Field(
        default=None,
        description="Ready sums up: True when every node succeeded. Accepted, Complete and Failed say how far the "
        "operation is.",
    )

    @property
    def remembered(self) -> OperationMemory:
        """The memory; empty where there is none."""
        return self.memory or OperationMemory()
