"""The record of HyperPodNodeOperation."""

from hyperpod_operator.api.kinds.kind import (
    ACTOR_COLUMN,
    AGE_COLUMN,
    Column,
    ConditionRow,
    Kind,
    News,
    Right,
    Scope,
    message_column,
)
from hyperpod_operator.api.kinds.shared import summary
from hyperpod_operator.api.metrics.node_operations import GAUGES
from hyperpod_operator.api.names import (
    NODE_OPERATION_KIND,
    NODE_OPERATION_PLURAL,
    NODE_OPERATION_SHORT,
    NODE_OPERATION_SINGULAR,
    ConditionType,
)
from hyperpod_operator.api.nodeoperation.resource import HyperPodNodeOperation, HyperPodNodeOperationSpec
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus

NODE_OPERATION = Kind(
    name=NODE_OPERATION_KIND,
    plural=NODE_OPERATION_PLURAL,
    singular=NODE_OPERATION_SINGULAR,
    short=NODE_OPERATION_SHORT,
    word="operation",
    resource=HyperPodNodeOperation,
    spec=HyperPodNodeOperationSpec,
    status=HyperPodNodeOperationStatus,
    description="One operation on named nodes of a HyperPodCluster: reboot, replace, delete, move or check them, after "
    "their pods have left. It runs once, to its end; only suspend can change.",
    columns=(
        Column(name="Cluster", path=".spec.clusterRef.name", description="The HyperPodCluster."),
        Column(name="Operation", path=".spec.operation", description="What happens to the nodes."),
        Column(name="Nodes", path=".status.summary", description="Nodes that are done, of how many."),
        Column(
            name="Reason",
            path='.status.conditions[?(@.type=="Ready")].reason',
            description="What is going on, in a word.",
        ),
        ACTOR_COLUMN,
        AGE_COLUMN,
        message_column(priority=1),
        Column(name="Requestor", path=".spec.requestor", description="Who asked for it.", priority=1),
    ),
    selectable=(".spec.clusterRef.name", ".spec.operation"),
    conditions=(
        *summary(
            ready="Every node of the operation succeeded.",
            ready_is_news=News.ALWAYS,
            paused="`spec.suspend` is set: no further node is started.",
        ),
        ConditionRow(
            type=ConditionType.ACCEPTED,
            true="The operator owns the cluster, and the nodes are chosen.",
            false="The operation cannot start; the message says why.",
            news=News.ALWAYS,
        ),
        ConditionRow(
            type=ConditionType.PLAN_APPROVED,
            true="The cluster's `spec.management.changePolicy` lets the operation act, or its plan is approved.",
            false="The operation waits for an approval; the message has the command.",
        ),
        ConditionRow(
            type=ConditionType.COMPLETE,
            true="The operation has ended, and every node succeeded or, with `spec.dryRun`, is listed.",
            false="The operation goes on, or has failed.",
            announced=False,  # it says what Ready says
        ),
        ConditionRow(
            type=ConditionType.FAILED,
            true="The operation has ended, and not every node succeeded; status.nodes says which and why.",
            false="(missing)",
            announced=False,  # it says what Ready says
            bad_when_true=True,
        ),
    ),
    rights=(Right(group="", resource="nodes", verbs=("get", "list", "watch", "patch"), scope=Scope.CLUSTER),),
    gauges=GAUGES,
    expires=True,
    switch="nodeOperations",
)
