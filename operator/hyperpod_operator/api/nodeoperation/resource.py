"""HyperPodNodeOperation: what is to happen to single nodes, once. It is a job and not a state.

Like a Job it runs to its end, and its spec cannot change on the way: an edit could not call back what AWS was already
asked for. Only `suspend` can.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from hyperpod_operator.api.common.bounds import SET, DeepHealthChecks, InstanceGroupName, LabelKey, Moment
from hyperpod_operator.api.common.drain import Drain, SelectorValue
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rules
from hyperpod_operator.api.names import API_VERSION, NODE_OPERATION_KIND
from hyperpod_operator.api.nodeoperation.bounds import (
    IN_FLIGHT,
    NODES_MOST,
    InstanceId,
    MaxInFlight,
    NodeLogicalId,
    NodeName,
    ObjectName,
    Text,
)
from hyperpod_operator.api.nodeoperation.rules import NODES_RULES, SPEC_RULES
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus


class OperationClusterRef(Model):
    """A HyperPodCluster by name."""

    name: ObjectName = Field(description="Name of the HyperPodCluster, in the namespace of this object.")


class NodeSelector(Model):
    """Nodes by what they have in common."""

    instanceGroupName: InstanceGroupName | None = Field(
        default=None, description="Instance group of the nodes. Unset: any group."
    )
    matchLabels: Annotated[dict[LabelKey, SelectorValue], Field(max_length=16)] | None = Field(
        default=None, description="Labels of the Kubernetes Nodes, each with its value: all of them must be there."
    )
    count: Annotated[int, Field(ge=1, le=NODES_MOST)] | None = Field(
        default=None, description="How many nodes of those that match. Unset: all of them, up to 1000."
    )
    order: Literal["Idle", "Unhealthy", "Newest", "Oldest"] | None = Field(
        default=None,
        description="Which nodes come first. Idle: those without pods other than DaemonSet, static and finished ones. "
        "Unhealthy: only those that HyperPod or SageMaker calls unhealthy; a deep health check that runs, or a Node "
        "that is not Ready, is no such word. Newest and Oldest: by launch time. "
        "Unset means Idle.",
    )


class OperationNodes(Model):
    """Which nodes; exactly one member."""

    model_config = ConfigDict(json_schema_extra=rules(*NODES_RULES))

    names: Annotated[list[NodeName], Field(min_length=1, max_length=NODES_MOST, json_schema_extra=SET)] | None = Field(
        default=None, description="Names of Kubernetes Nodes, for example hyperpod-i-0123456789abcdef0."
    )
    instanceIds: (
        Annotated[list[InstanceId], Field(min_length=1, max_length=NODES_MOST, json_schema_extra=SET)] | None
    ) = Field(default=None, description="Instance ids.")
    nodeLogicalIds: (
        Annotated[list[NodeLogicalId], Field(min_length=1, max_length=NODES_MOST, json_schema_extra=SET)] | None
    ) = Field(default=None, description="Logical ids, which clusters with continuous provisioning have.")
    selector: NodeSelector | None = Field(
        default=None,
        description="Nodes by what they have in common. They are chosen once, when the operation may begin, and listed "
        "in status.nodes; those that are listed before then are what it would choose.",
    )


class HealthCheck(Model):
    """What StartClusterHealthCheck runs."""

    deepHealthChecks: DeepHealthChecks = Field(description="The deep health checks to run.")


class Move(Model):
    """Where MoveClusterNodes takes the nodes."""

    instanceGroupName: InstanceGroupName = Field(description="Instance group that the nodes join.")
    clusterRef: OperationClusterRef | None = Field(
        default=None, description="HyperPodCluster of that group, in this namespace. Unset: the same cluster."
    )


class HyperPodNodeOperationSpec(Model):
    """One operation on named nodes. Cannot change, except for suspend."""

    model_config = ConfigDict(json_schema_extra=rules(*SPEC_RULES))

    clusterRef: OperationClusterRef = Field(description="The HyperPodCluster whose nodes are meant.")
    operation: Literal["Reboot", "Replace", "Delete", "Move", "HealthCheck"] = Field(
        description="Reboot: the instances restart and keep their ids and volumes. Replace: other instances take their "
        "place; root and secondary volumes are lost. Delete: the instances end and nothing takes their place. Move: "
        "the instances join another instance group; root and secondary volumes are replaced. HealthCheck: deep health "
        "checks run; HyperPod reboots or replaces nodes that fail them."
    )
    nodes: OperationNodes = Field(description="Which nodes; exactly one of its members.")
    healthCheck: HealthCheck | None = Field(default=None, description="For HealthCheck, which needs it.")
    move: Move | None = Field(default=None, description="For Move, which needs it.")
    drain: Drain | None = Field(
        default=None,
        description="How pods leave the nodes first. Unset: every pod is evicted, within an hour, and otherwise the "
        "node is left as it is.",
    )
    volumes: Literal["DetachFirst", "Refuse"] | None = Field(
        default=None,
        description="What happens to volumes of EBSVolumeClaims on the nodes before a Replace, Delete or Move. "
        "DetachFirst: when the pods have left, each claim detaches its volume unless a pod uses it, AWS is asked when "
        "no volume is left, and the claims attach again: to another node that their target allows, or when the "
        "operation is over. Refuse: a node with such a volume is left alone. A Reboot and a HealthCheck leave volumes "
        "attached. Unset means DetachFirst.",
    )
    nodesUnderRepair: Literal["Skip", "Include"] | None = Field(
        default=None,
        description="What happens to nodes that HyperPod is about to reboot or replace by itself. Unset means Skip.",
    )
    maxInFlight: MaxInFlight | None = Field(
        default=None,
        json_schema_extra=IN_FLIGHT,
        description="How many nodes are drained or operated on at once: a number, or a percentage of the nodes of "
        "this operation, rounded down to one at least. Unset means 1.",
    )
    notBefore: Moment | None = Field(
        default=None,
        description="The operation starts at this time at the earliest, in RFC 3339 with an offset from UTC, for "
        "example 2026-11-30T04:00:00Z. Until then status has the nodes that it would choose, and their plan, which can "
        "be approved before.",
    )
    activeDeadlineSeconds: Annotated[int, Field(ge=60, le=2592000)] | None = Field(
        default=None,
        description="How long the operation may take, in seconds from its start, and from its approval where it "
        "needs one. As of a Job, the time begins again when a suspension ends, and also when a pause of the cluster "
        "does. Nodes that are not done by then fail, and nothing further is sent to AWS; an operation whose selector "
        "has chosen no node by then fails, too. Unset means 14400.",
    )
    ttlSecondsAfterFinished: Annotated[int, Field(ge=0, le=31536000)] | None = Field(
        default=None,
        description="How long the finished operation is kept, in seconds; then the operator deletes it. Unset means "
        "that it stays. An operation that Argo CD, Flux or Helm applied stays as well: they would create it again, and "
        "it would run again.",
    )
    suspend: bool | None = Field(
        default=None,
        description="true: no further node is started, and the drain of nodes about which AWS was not asked yet is "
        "undone. What AWS was asked for goes on. Can change.",
    )
    dryRun: bool | None = Field(
        default=None,
        description="true: the operator chooses the nodes, lists them in status.nodes with what it would do, and "
        "changes nothing.",
    )
    requestor: Text | None = Field(default=None, description="Who asks for it, for people to read.")
    reason: Text | None = Field(default=None, description="Why, for people to read.")


class HyperPodNodeOperation(Model):
    """The resource as it is stored."""

    apiVersion: str = Field(default=API_VERSION, description="API group and version of the object.", max_length=253)
    kind: str = Field(default=NODE_OPERATION_KIND, description="Kind of the object.", max_length=63)
    metadata: dict[str, Any] = Field(description="Standard object metadata.")
    spec: HyperPodNodeOperationSpec = Field(description="What is to happen to which nodes.")
    status: HyperPodNodeOperationStatus | None = Field(
        default=None, description="How far the operation is. Written by the operator only."
    )
