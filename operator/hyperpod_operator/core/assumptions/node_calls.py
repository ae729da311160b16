"""What is believed about calls that name nodes."""

from hyperpod_operator.core.assumptions.model import Assumption

NODE_CALLS = (
    Assumption(
        id="fifty-deletions-in-a-call",
        belief="BatchDeleteClusterNodes takes 50 instance ids in one call.",
        source="MODEL: NodeIds has up to 3000 items; DOC: SageMaker API reference, 99 nodes, and 50 where "
        "NodeLogicalIds are named",
        if_false="AWS rejects the whole call, which is reported, and no node is deleted.",
        tests=("unit/aws/test_node_batches.py::test_more_deletions_than_aws_takes_are_rejected_as_a_whole",),
        switches=("batch_delete_limit",),
    ),
    Assumption(
        id="node-codes",
        belief="A status or a use by something else passes, so InvalidNodeStatus, InvalidInstanceStatus, NodeIdInUse "
        "and InstanceIdInUse are worth another try; NodeInstanceTypeMismatch is not.",
        source="MODEL: enumerations of the codes; INF: what passes, from the codes' names",
        if_false="The operator sends the call again, each time after a longer pause, until the operation's deadline.",
        tests=("unit/core/nodes/test_batch.py::test_a_code_that_aws_adds_is_retried",),
    ),
    Assumption(
        id="reboot-changes-boot-id",
        belief="After BatchRebootClusterNodes the instance keeps its id, and its Node has another bootID.",
        source="DOC: SageMaker API reference, BatchRebootClusterNodes; DOC: Kubernetes API reference, NodeSystemInfo",
        if_false="The operation waits for another boot id until its deadline, and then fails; nothing is sent again.",
        tests=("unit/core/nodeoperation/test_evidence.py::test_without_boot_ids_a_reboot_is_seen_by_its_absence",),
    ),
    Assumption(
        id="check-shows-on-node",
        belief="While StartClusterHealthCheck works, the instance is DeepHealthCheckInProgress or its Node is labelled "
        "InProgress; a failed check leaves the label Failed, and HyperPod reboots or replaces the node.",
        source="DOC: SageMaker developer guide, Deep health checks; INF: a started check has the same signs as one on "
        "a new node",
        if_false="The check is not seen to start, and the operation fails at its deadline without having done more.",
        tests=("unit/core/nodeoperation/test_evidence.py::test_a_check_that_is_not_seen_is_not_done",),
    ),
)
